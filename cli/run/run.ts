/** `sddf run`: boots a system and runs it, live or under the virtual clock. */

import { Command } from 'commander';
import { UserMistake } from '../../host/problem.ts';
import { Census } from '../../kernel/inspect/census.ts';
import { dumpText } from '../../microkit/capabilities-dump/text.ts';
import type { Program } from '../../microkit/pd.ts';
import {
  type Testbed,
  TestbedError,
  type WireParts,
  type Wires,
  createTestbed,
} from '../../systems/testbed.ts';
import { ownPrograms } from '../../systems/own-programs.ts';
import type { Instrument } from '../../systems/trace/observer.ts';
import { attachmentKinds } from './attachment-kinds.ts';
import type { Attachment, ParsedAttachment, RawOptions } from './attachment.ts';
import { capabilitiesOf, writePicture } from './capabilities.ts';
import { runDemo } from './demo.ts';
import { driveLive, driveVirtual, type Ending, makeLoop, type Interrupt } from './drive.ts';
import { groupDigits, seconds } from '../figures.ts';
import { catchInterrupts } from './interrupt.ts';
import { showCounters } from './live-line.ts';
import { NetAttachment } from '../net/attachment.ts';
import { DEMO_FRAMES } from '../net/kind.ts';
import {
  addDumpOptions,
  addRunOptions,
  type DumpRequest,
  readRunOptions,
  type RunOptions,
} from './options.ts';
import { reportJson, reportText, type RunResult } from './report.ts';
import { type LoadedSystem, loadSystem } from './system-source.ts';
import { openTerminal, type Terminal } from '../terminal.ts';

/** That the monitor has started, that a domain is passive: what the topology says too. */
const MONITOR_CHATTER = 'MON|INFO';
/** What a client that checks something says when it has failed: the run has failed with it. */
const CHECK_FAILED = 'CLIENT|ERROR';

export function runCommand(): Command {
  const command = new Command('run')
    .description(
      'Boots a system and runs it: a name from sddf list, ./my-system.ts, or FILE.system.',
    )
    .argument('<system>', 'what to run');
  const examples = attachmentKinds.flatMap((kind) => kind.examples);
  addDumpOptions(command);
  return addSystemRunOptions(command)
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`)
    .action((reference: string, raw: RawOptions) => runSystem(reference, raw, () => ({})));
}

/** Adds the options of a run, and those that attach its devices to the host. */
export function addSystemRunOptions(command: Command): Command {
  addRunOptions(command);
  for (const kind of attachmentKinds) {
    kind.addOptions(command);
    command.addHelpText('after', `\n${kind.help}`);
  }
  return command;
}

/** What a command that watches a run adds to it. */
export interface RunWatch {
  readonly instrument?: Instrument;
  /** Wraps what the devices are plugged into. */
  readonly wires?: (wires: Wires, parts: WireParts) => Wires;
  /** The run ends when this says so, besides the other reasons. */
  readonly isOver?: () => boolean;
  /** Takes the place of the counters at the end. */
  readonly report?: (result: RunResult, terminal: Terminal) => void;
}

/**
 * Runs a system to its end.
 *
 * @param watch is asked once the system is known
 */
export async function runSystem(
  reference: string,
  raw: RawOptions,
  watch: (loaded: LoadedSystem, options: RunOptions) => RunWatch,
): Promise<void> {
  const options = readRunOptions(raw);
  const parsed = attachmentKinds.map((kind) => kind.parse(raw));
  const isTaken = parsed.some((attachment) => attachment.standardOutput === 'taken');
  const terminal = openTerminal(options.output === 'json' || isTaken ? 'stderr' : 'stdout');
  const meant = Object.assign({}, ...parsed.map((attachment) => attachment.choices));
  if (options.searchPath.length > 0 && !reference.endsWith('.system')) {
    throw new UserMistake(`--search-path: is for .system files, and ${reference} is none`);
  }
  const loaded = await loadSystem(reference, options.choices, options.searchPath, meant);
  for (const warning of loaded.warnings) terminal.note(`sddf: ${warning}`);
  await new Run(loaded, options, terminal, watch(loaded, options)).run(parsed);
}

/** One run of one system, from the description to the counters. */
class Run {
  readonly #loaded: LoadedSystem;
  readonly #options: RunOptions;
  readonly #terminal: Terminal;
  readonly #watch: RunWatch;
  readonly #attachments = new Map<string, Attachment>();
  readonly #census = new Census();

  constructor(loaded: LoadedSystem, options: RunOptions, terminal: Terminal, watch: RunWatch) {
    this.#loaded = loaded;
    this.#options = options;
    this.#terminal = terminal;
    this.#watch = watch;
  }

  async run(parsed: readonly ParsedAttachment[]): Promise<void> {
    const interrupt = catchInterrupts();
    try {
      await this.#open(parsed);
      const testbed = this.#boot(await ownPrograms(this.#loaded.system));
      if (this.#options.dump !== undefined) {
        await this.#dump(testbed, this.#options.dump);
        return;
      }
      const before = testbed.counters();
      const ending = await this.#drive(testbed, interrupt);
      testbed.board.turn(); // host time: as late as now, also after a sleep
      const after = testbed.counters();
      for (const attachment of this.#attachments.values()) attachment.flush();
      this.#report(testbed, { ending, before, after });
    } finally {
      for (const attachment of this.#attachments.values()) await attachment.close();
    }
  }

  async #dump(testbed: Testbed, { svg }: DumpRequest): Promise<void> {
    const dump = capabilitiesOf(testbed, this.#census);
    if (this.#options.output === 'json') process.stdout.write(`${JSON.stringify(dump)}\n`);
    else for (const line of dumpText(dump)) this.#terminal.print(line);
    if (svg === undefined) return;
    await writePicture(dump, svg);
    this.#terminal.note(`sddf: drawn in ${svg}`);
  }

  async #open(parsed: readonly ParsedAttachment[]): Promise<void> {
    const { clock, demo } = this.#options;
    const onNotice = (line: string): void => this.#terminal.note(`sddf: ${line}`);
    for (const [index, kind] of attachmentKinds.entries()) {
      const opened = await parsed[index]?.open({ loaded: this.#loaded, clock, demo, onNotice });
      if (opened !== undefined) this.#attachments.set(kind.name, opened);
    }
  }

  /** Boots, and lets every program run its `init`. */
  #boot(own: ReadonlyMap<string, Program>): Testbed {
    const testbed = this.#createTestbed(own);
    testbed.settle();
    return testbed;
  }

  #createTestbed(own: ReadonlyMap<string, Program>): Testbed {
    const { clock, seed, ramBytes, costs } = this.#options;
    const { system, programs, counters, attachDevices } = this.#loaded;
    const attachments = [...this.#attachments.values()];
    const hostPrograms = attachments.flatMap((each) => [...(each.programs ?? [])]);
    const stagingBytes = Math.max(0, ...attachments.map((each) => each.stagingBytes ?? 0));
    try {
      return createTestbed({
        system,
        clock,
        seed,
        programs: new Map([...own, ...programs, ...hostPrograms]),
        counters,
        ...(stagingBytes === 0 ? {} : { stagingBytes }),
        ...(ramBytes === undefined ? {} : { ramBytes }),
        ...(costs === undefined ? {} : { costs }),
        ...(attachDevices === undefined ? {} : { attachDevices }),
        ...(this.#watch.instrument === undefined ? {} : { instrument: this.#watch.instrument }),
        onCreate: this.#census.onCreate,
        wires: (parts) => this.#wires(parts, attachments),
        observer: {
          log: (pd, line) => this.#log(pd, line),
          faulted: () => {
            process.exitCode = 1; // the monitor has said what happened
          },
        },
      });
    } catch (error) {
      if (error instanceof TestbedError) throw new UserMistake(this.#adviseOn(error));
      throw error;
    }
  }

  /** A `.system` file says where a device's registers are, and nobody what the device does. */
  #adviseOn({ message, lack }: TestbedError): string {
    if (lack === 'memory') return `${message}; --ram gives it more, 1G at most`;
    if (lack !== 'device' || this.#loaded.from === 'module') return message;
    return `${message}; a device of your own is attached by a .ts: run that instead`;
  }

  #wires(parts: WireParts, attachments: readonly Attachment[]): Wires {
    const wires: Wires = Object.assign({}, ...attachments.map((each) => each.wires(parts)));
    return this.#watch.wires?.(wires, parts) ?? wires;
  }

  #log(pd: string, line: string): void {
    if (line.startsWith(MONITOR_CHATTER)) return;
    if (line.startsWith(CHECK_FAILED)) process.exitCode = 1;
    // In the stack of an exception, paths are shorter from here.
    this.#terminal.note(`${pd}: ${line.replaceAll(`(${process.cwd()}/`, '(')}`);
  }

  async #drive(testbed: Testbed, interrupt: Interrupt): Promise<Ending> {
    const { clock, forNs, demo } = this.#options;
    const loop = makeLoop(testbed, clock, forNs);
    const attachments = [...this.#attachments.values()];
    for (const attachment of attachments) await attachment.plugIn(() => loop.wake());
    for (const attachment of attachments) attachment.start();
    const port = {
      flush: () => {
        for (const attachment of attachments) attachment.flush();
        if (this.#watch.isOver?.() === true) loop.stop();
      },
    };
    const run = { testbed, interrupt, port };
    const net = this.#attachments.get('net');
    if (demo === 'yes' && net instanceof NetAttachment) {
      const { forNs: demoNs } = this.#options;
      const terminal = this.#terminal;
      return runDemo({
        ...run,
        attachment: net,
        loop,
        terminal,
        forNs: demoNs,
        frames: DEMO_FRAMES,
      });
    }
    if (clock === 'virtual' && attachments.every((attachment) => attachment.pace === 'own')) {
      const untilNs = forNs === undefined ? Infinity : testbed.now() + forNs;
      const { isOver = () => false } = this.#watch;
      const isEnding = (): boolean => interrupt.requested || isOver();
      const ending: Interrupt = {
        ...interrupt,
        get requested() {
          return isEnding();
        },
      };
      return driveVirtual({
        ...run,
        interrupt: ending,
        untilNs,
        onSlice: () => this.#showVirtual(testbed),
      });
    }
    // A console that has the terminal says itself how it ends, and no line of counters may run through it.
    const hasTerminal = attachments.some((attachment) => attachment.terminal === 'taken');
    const isOver = testbed.isQuiet && this.#input() === 'none';
    if (!hasTerminal && !isOver) {
      const end = forNs === undefined ? 'Ctrl-C ends it' : `ends after ${String(forNs / 1e9)} s`;
      this.#terminal.note(`sddf: ${this.#loaded.name} is running; ${end}`);
    }
    const line = hasTerminal ? undefined : showCounters(this.#terminal, testbed, attachments);
    const ending = await driveLive({ ...run, loop, forNs, input: () => this.#input() });
    line?.cancel();
    return ending;
  }

  /** What the host may still bring. */
  #input(): 'more' | 'over' | 'none' {
    const attachments = [...this.#attachments.values()];
    if (attachments.length === 0) return 'none';
    const isOver =
      attachments.some((attachment) => attachment.input === 'over') &&
      attachments.every((attachment) => attachment.input !== 'coming');
    return isOver ? 'over' : 'more';
  }

  #showVirtual(testbed: Testbed): void {
    if (!this.#terminal.isLive) return;
    this.#terminal.live(
      `${seconds(testbed.now())} of virtual time, ` +
        `${groupDigits(testbed.kernel.counters.kernelEntries)} kernel entries`,
    );
  }

  #report(testbed: Testbed, counted: Pick<RunResult, 'ending' | 'before' | 'after'>): void {
    const attachments: Record<string, Record<string, unknown>> = {};
    let packets = 0;
    for (const [name, attachment] of this.#attachments) {
      attachments[name] = attachment.counters();
      packets += attachment.packets;
    }
    const { clock, seed, output } = this.#options;
    const { name: system } = this.#loaded;
    const board = testbed.board.snapshot();
    const result: RunResult = { system, clock, seed, ...counted, attachments, board, packets };
    if (this.#watch.report !== undefined) this.#watch.report(result, this.#terminal);
    else if (output === 'json') process.stdout.write(`${reportJson(result)}\n`);
    else for (const line of reportText(result)) this.#terminal.print(line);
  }
}
