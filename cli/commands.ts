/**
 * The commands of `sddf`. Each is a module that is loaded when it is asked for: `sddf check` does
 * not wait for the network's code.
 */

import type { Command } from 'commander';

type Group =
  | 'Running a system:'
  | 'Looking at a system:'
  | 'Breaking a system:'
  | 'Measuring:'
  | 'Making files:'
  | 'The command itself:';

export interface CommandEntry {
  readonly name: string;
  /** The heading that `sddf --help` shows it under. */
  readonly group: Group;
  /** One line for `sddf --help`. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const commands: readonly CommandEntry[] = [
  {
    name: 'run',
    group: 'Running a system:',
    summary: 'boots a system and runs it, live or under the virtual clock',
    load: async () => (await import('./run/run.ts')).runCommand(),
  },
  {
    name: 'ui',
    group: 'Running a system:',
    summary: 'runs a system and shows it, live, in a page',
    load: async () => (await import('./ui/ui.ts')).uiCommand(),
  },
  {
    name: 'trace',
    group: 'Running a system:',
    summary: 'runs a system and writes what happens as a trace for Perfetto',
    load: async () => (await import('./measure/trace.ts')).traceCommand(),
  },
  {
    name: 'path',
    group: 'Running a system:',
    summary: 'follows one frame through a system, hop by hop',
    load: async () => (await import('./measure/path.ts')).pathCommand(),
  },
  {
    name: 'test',
    group: 'Breaking a system:',
    summary: 'runs scripted tests of systems, and of single drivers and virtualisers',
    load: async () => (await import('./test/test.ts')).testCommand(),
  },
  {
    name: 'coverage',
    group: 'Breaking a system:',
    summary: 'tells which tests or worlds reach a line',
    load: async () => (await import('./coverage/coverage.ts')).coverageCommand(),
  },
  {
    name: 'sim',
    group: 'Breaking a system:',
    summary: 'runs many worlds of a system with other faults in each, and says what broke',
    load: async () => (await import('./sim/sim.ts')).simCommand(),
  },
  {
    name: 'worker',
    group: 'Breaking a system:',
    summary: 'runs worlds for campaigns that put their seeds into Redis',
    load: async () => (await import('./sim/worker.ts')).workerCommand(),
  },
  {
    name: 'replay',
    group: 'Breaking a system:',
    summary: 'runs the world of a failure file once more, byte for byte',
    load: async () => (await import('./sim/replay.ts')).replayCommand(),
  },
  {
    name: 'shrink',
    group: 'Breaking a system:',
    summary: 'makes a failure smaller, and tells what happened',
    load: async () => (await import('./sim/shrink.ts')).shrinkCommand(),
  },
  {
    name: 'when',
    group: 'Breaking a system:',
    summary: 'tells from which moment on a failure becomes likely',
    load: async () => (await import('./sim/when.ts')).whenCommand(),
  },
  {
    name: 'list',
    group: 'Looking at a system:',
    summary: 'lists the ready-made systems',
    load: async () => (await import('./describe/list.ts')).listCommand(),
  },
  {
    name: 'check',
    group: 'Looking at a system:',
    summary: 'checks .system files, and reports every error at once',
    load: async () => (await import('./describe/check.ts')).checkCommand(),
  },
  {
    name: 'inspect',
    group: 'Looking at a system:',
    summary: 'shows what is in a program image (an ELF file)',
    load: async () => (await import('./describe/inspect.ts')).inspectCommand(),
  },
  {
    name: 'render',
    group: 'Looking at a system:',
    summary: 'writes a system as XML, configuration and report',
    load: async () => (await import('./describe/render.ts')).renderCommand(),
  },
  {
    name: 'graph',
    group: 'Looking at a system:',
    summary: 'draws a system',
    load: async () => (await import('./describe/graph.ts')).graphCommand(),
  },
  {
    name: 'report',
    group: 'Looking at a system:',
    summary: 'prints capabilities, mappings, interrupts and memory of a system',
    load: async () => (await import('./describe/report.ts')).reportCommand(),
  },
  {
    name: 'bench',
    group: 'Measuring:',
    summary: 'measures speed, memory and what a packet costs',
    load: async () => (await import('./measure/bench.ts')).benchCommand(),
  },
  {
    name: 'oracle',
    group: 'Measuring:',
    summary: 'replays recorded answers of the real seL4 kernel',
    load: async () => (await import('./measure/oracle.ts')).oracleCommand(),
  },
  {
    name: 'new',
    group: 'Making files:',
    summary: 'writes the beginning of a driver, a client, a system or a test',
    load: async () => (await import('./new/new.ts')).newCommand(),
  },
  {
    name: 'disk',
    group: 'Making files:',
    summary: 'makes disk images',
    load: async () => (await import('./blk/disk.ts')).diskCommand(),
  },
  {
    name: 'completion',
    group: 'The command itself:',
    summary: 'prints a script that completes sddf in bash, zsh or fish',
    load: async () => (await import('./completion/completion.ts')).completionCommand(commands),
  },
];
