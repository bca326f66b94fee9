/**
 * The commands of `sddf`. Each is a module that is loaded when it is asked for: `sddf check` does not wait for the
 * network's code.
 */

import type { Command } from 'commander';

export interface CommandEntry {
  readonly name: string;
  /** One line for `sddf --help`. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const commands: readonly CommandEntry[] = [
  {
    name: 'run',
    summary: 'boots a system and runs it, live or under the virtual clock',
    load: async () => (await import('./run/run.ts')).runCommand(),
  },
  {
    name: 'list',
    summary: 'lists the ready-made systems',
    load: async () => (await import('./describe/list.ts')).listCommand(),
  },
  {
    name: 'bench',
    summary: 'measures speed, memory and what a packet costs',
    load: async () => (await import('./measure/bench.ts')).benchCommand(),
  },
  {
    name: 'trace',
    summary: 'runs a system and writes what happens as a trace for Perfetto',
    load: async () => (await import('./measure/trace.ts')).traceCommand(),
  },
  {
    name: 'path',
    summary: 'follows one frame through a system, hop by hop',
    load: async () => (await import('./measure/path.ts')).pathCommand(),
  },
  {
    name: 'check',
    summary: 'checks .system files, and reports every error at once',
    load: async () => (await import('./describe/check.ts')).checkCommand(),
  },
  {
    name: 'render',
    summary: 'writes a system as XML, configuration and report',
    load: async () => (await import('./describe/render.ts')).renderCommand(),
  },
  {
    name: 'graph',
    summary: 'draws a system',
    load: async () => (await import('./describe/graph.ts')).graphCommand(),
  },
  {
    name: 'report',
    summary: 'prints capabilities, mappings, interrupts and memory of a system',
    load: async () => (await import('./describe/report.ts')).reportCommand(),
  },
  {
    name: 'oracle',
    summary: 'replays recorded answers of the real seL4 kernel',
    load: async () => (await import('./measure/oracle.ts')).oracleCommand(),
  },
  {
    name: 'new',
    summary: 'writes the beginning of a driver, a client or a system',
    load: async () => (await import('./new/new.ts')).newCommand(),
  },
  {
    name: 'disk',
    summary: 'makes disk images',
    load: async () => (await import('./blk/disk.ts')).diskCommand(),
  },
];
