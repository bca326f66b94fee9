/** One run of one system, from the description to the counters. */

import { lineOf } from '../../host/addr2line.ts';
import { Rewound } from '../../debug/rewound.ts';
import { compileAsUsual, compileSparingly, inlineWholePaths } from '../../host/engine.ts';
import { breathe, every } from '../../host/event-loop.ts';
import { hostNow } from '../../host/host-time.ts';
import { UserMistake } from '../../host/problem.ts';
import type { Summary, WatchHook } from '../../host/watch/watched.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import { entryAddress } from '../../microkit/slots.ts';

import type { Kernel } from '../../kernel/boot.ts';
import { diagnose } from '../../systems/diagnosis.ts';
import { groupDigits, seconds } from '../../systems/figures.ts';
import { loadTestbed } from '../../systems/load-testbed.ts';
import { restartReport } from '../../systems/restarts.ts';
import { reportJson, type RunResult } from '../../systems/run-report.ts';
import { type RunCounters, type Testbed, TestbedError } from '../../systems/testbed.ts';
import { type Traffic, trafficBetween } from '../../systems/traffic.ts';
import type { Ending } from '../../systems/virtual-slice.ts';
import { ExitStatus, statusOfFailure } from '../exit.ts';
import { NetAttachments } from '../net/attachments.ts';
import { DEMO_FRAMES } from '../net/kind.ts';
import { printable, type Terminal, withoutControls } from '../terminal.ts';
import type { ParsedAttachment } from './attachment.ts';
import { runDemo } from './demo.ts';
import {
  driveAgain,
  driveLive,
  driveVirtual,
  type Interrupt,
  type LiveRun,
  makeLoop,
} from './drive.ts';
import { catchInterrupts, type CaughtInterrupts } from './interrupt.ts';
import { tellOfHostCalls } from './host-calls.ts';
import { type LeftBehind, watchLeftBehind } from './left-behind.ts';
import { showCounters } from './live-line.ts';
import { LogLimit } from './log-limit.ts';
import type { RunOptions } from './options.ts';
import { Outside } from './outside.ts';
import type { DebuggedRun, RunWatch, WatchedRun } from './part.ts';
import { type PollutionWatch, watchPollution } from './pollution.ts';
import { reportText } from './report.ts';
import { STALL_PERIOD_MS, stallLook } from './stalls.ts';
import { adviceOn, noteText } from './run-messages.ts';
import { countParts, inputOf, makeWires, watchOptions, watchPrograms } from './run-parts.ts';
import type { LoadedSystem } from './loaded-system.ts';

/** That the monitor has started, that a domain is passive: what the topology says too. */
const MONITOR_CHATTER = 'MON|INFO';
/** A program that makes system calls for so much longer than the run is cut off. */
const PATIENCE_NS = 1_000_000_000;
/** All programs may take so long for their `init`, however short the run and busy the machine. */
const INIT_NS = 30_000_000_000;
const ENDINGS: Readonly<Record<Ending, string>> = {
  time: 'its time is up',
  quiet: 'nothing is left to happen',
  interrupted: 'it was interrupted',
};
/** What a client that checks something says when it has failed: the run has failed with it. */
const CHECK_FAILED = 'CLIENT|ERROR';

export class Run {
  readonly #loaded: LoadedSystem;
  readonly #options: RunOptions;
  readonly #terminal: Terminal;
  readonly #makeWatches: () => Promise<readonly RunWatch[]>;
  #watches: readonly RunWatch[];
  readonly #outside = new Outside();
  #kernel: Kernel | undefined;
  /** The run proper, after boot. */
  #begun:
    | {
        readonly testbed: Testbed;
        readonly before: RunCounters;
        readonly moved: readonly Traffic[];
      }
    | undefined;
  /** When it is to be over. */
  #untilNs = Infinity;
  /** It has been begun before. */
  #isRepeated = false;
  /** How it had ended before it was begun again. */
  #endedBefore: Ending | undefined;
  /** A program has done something where nobody had called it. */
  #hasStirred = false;
  readonly #faulted: string[] = [];
  readonly #logLimit: LogLimit;
  readonly #status = new ExitStatus();
  /** Whose promise or timer runs now, where no program does. */
  #runsOutside = (): string | undefined => undefined;
  #pollution: PollutionWatch | undefined;
  #isPolluted = false;
  #wake = (): void => undefined;
  #stop = (): void => undefined;

  /** @param run `makeWatches` makes those of a run that is begun again */
  constructor(
    run: WatchedRun & {
      readonly watches: readonly RunWatch[];
      readonly makeWatches: () => Promise<readonly RunWatch[]>;
    },
  ) {
    this.#makeWatches = run.makeWatches;
    this.#loaded = run.loaded;
    this.#options = run.options;
    this.#terminal = run.terminal;
    this.#watches = run.watches;
    this.#untilNs = run.options.forNs ?? Infinity;
    this.#logLimit = new LogLimit(
      run.options.logLimit,
      () => this.#logTimeNs(),
      (line) => this.#terminal.note(line),
    );
  }

  async run(parsed: readonly ParsedAttachment[]): Promise<void> {
    compileSparingly();
    const interrupt = catchInterrupts();
    const { watched } = interrupt;
    watched?.begin(
      { names: domainsByEntry(this.#loaded.system), clock: this.#options.testbed.clock },
      this.#hook(),
    );
    const isTold = watched !== undefined && this.#loaded.hasUserPrograms;
    const untell = isTold ? tellOfHostCalls((call) => watched.inHostCall(call)) : undefined;
    let failed: number | undefined;
    try {
      let outcome = await this.#runOnce(parsed, interrupt);
      while (outcome === 'rewound') {
        await this.#beginAgain();
        outcome = await this.#runOnce(parsed, interrupt);
      }
    } catch (error) {
      failed = statusOfFailure(error);
      throw error;
    } finally {
      await this.#outside.close();
      for (const watch of this.#watches) await watch.close?.(failed);
      untell?.();
      await watched?.end();
    }
  }

  /** As it was before {@link run}. */
  async #beginAgain(): Promise<void> {
    for (const watch of this.#watches) await watch.close?.();
    this.#watches = await this.#makeWatches();
    await this.#outside.rewind();
    this.#isRepeated = true;
    this.#kernel = undefined;
    this.#begun = undefined;
    this.#hasStirred = false;
    this.#isPolluted = false;
    this.#faulted.length = 0;
    this.#status.set(undefined);
  }

  /** What a debugger needs that holds the run. */
  #holding(interrupt: CaughtInterrupts): Parameters<DebuggedRun['begin']>[0] {
    return {
      wake: () => this.#wake(),
      isEnding: () => interrupt.requested,
      beat: () => interrupt.watched?.beat(),
    };
  }

  /** Whoever holds it, if somebody may. */
  get #debugged(): DebuggedRun | undefined {
    return this.#watches.find(({ debugged }) => debugged !== undefined)?.debugged;
  }

  /** @returns 'rewound' when a debugger wants it to be begun again */
  async #runOnce(
    parsed: readonly ParsedAttachment[],
    interrupt: CaughtInterrupts,
  ): Promise<'over' | 'rewound'> {
    try {
      await this.#open(parsed);
      this.#debugged?.begin(this.#holding(interrupt));
      const left = watchLeftBehind(
        () => this.#kernel,
        {
          hasUserPrograms: this.#loaded.hasUserPrograms,
          isOwnProcess: interrupt.watched !== undefined,
        },
        () => this.#stop(),
      );
      this.#runsOutside = () => left.runsOutside();
      try {
        const testbed = await this.#loadTestbed(interrupt);
        for (const watch of this.#watches) watch.made?.(testbed);
        await this.#runBooted(testbed, endedBy(interrupt, left));
      } finally {
        // First of all: Node itself walks arrays when a hook ends, and so does who prints an error.
        this.#pollution?.look();
        this.#pollution?.end();
        left.end();
      }
      if (left.failure !== undefined) throw left.failure.error;
      return 'over';
    } catch (error) {
      if (error instanceof Rewound) return 'rewound';
      if (this.#isPolluted) return 'over'; // it has been said what broke the command
      throw error;
    }
  }

  /** Lets every program run its `init`, and then the system. */
  async #runBooted(testbed: Testbed, interrupt: CaughtInterrupts): Promise<void> {
    testbed.settle();
    compileAsUsual();
    inlineWholePaths();
    const instead = this.#watches.find((watch) => watch.instead !== undefined)?.instead;
    if (instead !== undefined) {
      await instead(testbed);
      return;
    }
    const before = testbed.counters();
    this.#begun = { testbed, before, moved: testbed.traffic() };
    const ending = await this.#drive(testbed, interrupt);
    this.#endedBefore = ending;
    this.#debugged?.ended(testbed, ENDINGS[ending]);
    await breathe(); // what programs have left behind comes to light between turns, and now
    if (this.#hasStirred) testbed.settle();
    this.#pollution?.look();
    testbed.board.turn(); // host time: as late as now, also after a sleep
    testbed.flushOutput();
    this.#logLimit.end();
    const after = testbed.counters();
    for (const attachment of this.#outside.all) attachment.flush();
    this.#report(testbed, { ending, before, after });
  }

  async #open(parsed: readonly ParsedAttachment[]): Promise<void> {
    const { demo } = this.#options;
    const { clock } = this.#options.testbed;
    const onNotice = (line: string): void => this.#notice('sddf', line);
    const run = { loaded: this.#loaded, clock, demo, onNotice };
    await this.#outside.open(parsed, run, this.#debugged);
  }

  async #loadTestbed(interrupt: CaughtInterrupts): Promise<Testbed> {
    const { system, programs, images, counters, attachDevices } = this.#loaded;
    const { forNs } = this.#options;
    const attachments = this.#outside.all;
    const hostPrograms = attachments.flatMap((each) => [...(each.programs ?? [])]);
    const stagingBytes = Math.max(0, ...attachments.map((each) => each.stagingBytes ?? 0));
    try {
      return await loadTestbed({
        ...this.#options.testbed,
        ...watchOptions(this.#watches),
        system,
        programs: new Map([...programs, ...hostPrograms]),
        around: (usual) => watchPrograms(this.#watches, usual),
        images,
        counters,
        ...(stagingBytes === 0 ? {} : { stagingBytes }),
        ...(attachDevices === undefined ? {} : { attachDevices }),
        wires: (parts) => makeWires({ attachments, watches: this.#watches }, parts),
        onBoot: (kernel) => {
          this.#kernel = kernel;
          this.#endsAt(interrupt, Math.max(forNs ?? Infinity, INIT_NS));
          this.#watchPollution();
          for (const watch of this.#watches) watch.booted?.(kernel);
        },
        watched: {
          ...(interrupt.watched === undefined
            ? {}
            : { runningEntry: interrupt.watched.runningEntry }),
          onOverdue: (nowNs) => this.#isCutOff(nowNs, interrupt),
        },
        observer: {
          log: (pd, line) => this.#log(pd, line),
          faulted: (pd) => {
            this.#faulted.push(pd);
            this.#status.set(1); // the monitor has said what happened
          },
          stirred: () => {
            this.#status.set(1);
            this.#hasStirred = true;
            this.#wake();
          },
          noted: (entry) => this.#notice('sddf', noteText(entry)),
          lineOf: ({ path }, address) => lineOf(path, address),
        },
      });
    } catch (error) {
      if (error instanceof TestbedError) throw new UserMistake(adviceOn(error, this.#loaded.from));
      throw error;
    }
  }

  #log(pd: string, line: string): void {
    if (line.startsWith(MONITOR_CHATTER)) return;
    if (line.startsWith(CHECK_FAILED)) this.#status.set(1);
    // Each watch is told, also of what another one drops.
    const verdicts = this.#watches.map((watch) => watch.log?.(pd, line) ?? 'keep');
    if (verdicts.includes('drop')) return;
    // In the stack of an exception, paths are shorter from here.
    this.#notice(pd, line.replaceAll(`(${process.cwd()}/`, '('));
  }

  #notice(source: string, text: string): void {
    if (!this.#logLimit.admits(source)) return;
    this.#terminal.note(`${printable(source)}: ${printable(text)}`);
  }

  /** In which the seconds of `--log-limit` are: a virtual run shows the same lines each time. */
  #logTimeNs(): number {
    if (this.#options.testbed.clock === 'host') return hostNow();
    return this.#begun?.testbed.now() ?? 0;
  }

  /**
   * A program makes system calls, long after the run's turn was over: it is cut off when the run is
   * to end.
   */
  #isCutOff(nowNs: number, interrupt: Interrupt): 'go on' | 'unwind' {
    const isStarting = this.#begun === undefined && this.#options.testbed.clock === 'host';
    const untilNs = isStarting ? Math.max(this.#untilNs, INIT_NS) : this.#untilNs;
    const isOver = nowNs - untilNs >= PATIENCE_NS;
    if (!isOver && !interrupt.requested) return 'go on';
    const domain = this.#kernel?.underWay?.thread ?? 'a program';
    this.#terminal.note(`sddf: ${domain} has not returned from its entry point; it is cut off`);
    this.#status.set(1);
    return 'unwind';
  }

  /** For whoever watches from outside. */
  #hook(): WatchHook {
    return {
      where: () => {
        const { thread, call } = this.#kernel?.underWay ?? {};
        const outside = thread === undefined ? this.#runsOutside() : undefined;
        const from = outside === undefined ? 'its entry point' : 'a promise or timer of its own';
        const summary = this.#summary('interrupted');
        return JSON.stringify({ domain: thread ?? outside, from, call, summary });
      },
      summary: (ending) => JSON.stringify(this.#summary(ending as Ending)),
    };
  }

  #summary(ending: Ending): Summary {
    const { output } = this.#options;
    const stream = output === 'json' ? 1 : this.#terminal.stream;
    const domain = this.#kernel?.underWay?.thread ?? this.#runsOutside();
    if (this.#begun === undefined) {
      const text = `${this.#loaded.name}: not every program has come out of its init`;
      return { text, stream, domain };
    }
    const { testbed, before } = this.#begun;
    const result = this.#result(testbed, { ending, before, after: testbed.counters() });
    const text =
      output === 'json' ? reportJson(result) : withoutControls(reportText(result).join('\n'));
    return { text, stream, domain };
  }

  async #drive(testbed: Testbed, interrupt: CaughtInterrupts): Promise<Ending> {
    const { clock } = this.#options.testbed;
    const { forNs } = this.#options;
    this.#untilNs = testbed.now() + (forNs ?? Infinity);
    this.#endsAt(interrupt, forNs ?? Infinity);
    const attachments = this.#outside.all;
    for (const attachment of attachments) await attachment.plugIn(() => this.#wake());
    this.#outside.start();
    const port = {
      sliceNs: Math.min(...attachments.map(({ sliceNs }) => sliceNs ?? Infinity)),
      flush: () => {
        for (const attachment of attachments) attachment.flush();
        this.#debugged?.look();
        if (this.#isOver()) this.#stop();
      },
    };
    const repeated = await this.#driveAgain(testbed, interrupt);
    if (repeated !== 'goes on') return repeated;
    const run = {
      ...{ testbed, interrupt, port },
      runUntil: this.#outside.runUntil(testbed),
      heldNs: () => this.#debugged?.heldNs() ?? 0,
      forNs: forNs === undefined ? undefined : this.#untilNs - testbed.now(),
    };
    if (clock === 'virtual' && attachments.every(({ pace }) => pace === 'own')) {
      return driveVirtual({
        ...run,
        interrupt: this.#orOver(interrupt),
        untilNs: this.#untilNs,
        onSlice: () => {
          this.#pollution?.look();
          this.#showVirtual(testbed);
        },
      });
    }
    return this.#driveLive(run, clock);
  }

  /** Of a run that is begun again: up to where it had come. */
  async #driveAgain(testbed: Testbed, interrupt: CaughtInterrupts): Promise<Ending | 'goes on'> {
    const { record } = this.#outside;
    if (record?.isReplaying !== true) return 'goes on';
    const done = await driveAgain({
      ...{ testbed, record },
      interrupt: this.#orOver(interrupt),
      look: () => this.#debugged?.look(),
    });
    return done === 'interrupted' ? done : (this.#endedBefore ?? done);
  }

  /** Real time, with whatever comes from outside. */
  async #driveLive(
    run: Omit<LiveRun, 'loop' | 'input'>,
    clock: 'virtual' | 'host',
  ): Promise<Ending> {
    const { testbed, forNs } = run;
    const attachments = this.#outside.all;
    const loop = makeLoop(run, clock);
    this.#wake = () => loop.wake();
    this.#stop = () => loop.stop();
    const net = this.#outside.attachments.get('net');
    if (this.#options.demo === 'yes' && net instanceof NetAttachments) {
      const terminal = this.#terminal;
      const attachment = net.first;
      return runDemo({ ...run, forNs, attachment, loop, terminal, frames: DEMO_FRAMES });
    }
    // A console that has the terminal says itself how it ends, and no line of counters may run
    // through it.
    const hasTerminal = attachments.some((attachment) => attachment.terminal === 'taken');
    const isOver = testbed.isQuiet && inputOf(attachments) === 'none';
    if (!hasTerminal && !isOver && !this.#isRepeated) this.#sayThatItRuns(forNs);
    const line = hasTerminal ? undefined : showCounters(this.#terminal, testbed);
    const look = stallLook(testbed, (text) => this.#notice('sddf', text));
    const stalls = every(STALL_PERIOD_MS, look);
    try {
      return await driveLive({ ...run, loop, input: () => inputOf(attachments) });
    } finally {
      stalls.cancel();
      line?.cancel();
    }
  }

  #sayThatItRuns(forNs: number | undefined): void {
    const end = forNs === undefined ? 'Ctrl-C ends it' : `ends after ${String(forNs / 1e9)} s`;
    this.#terminal.note(`sddf: ${this.#loaded.name} is running; ${end}`);
  }

  /** The wish to end it, of whomever it is. */
  #orOver(interrupt: Interrupt): Interrupt {
    const isEnding = (): boolean => interrupt.requested || this.#isOver();
    return {
      onRequest: (action) => interrupt.onRequest(action),
      get requested() {
        return isEnding();
      },
    };
  }

  /** For whoever watches from outside, when time passes by itself. */
  #endsAt({ watched }: CaughtInterrupts, inNs: number): void {
    if (inNs === Infinity || this.#options.testbed.clock !== 'host') return;
    watched?.endsAt(Date.now() + inNs / 1e6);
  }

  /** Programs of a user's are about to run. */
  #watchPollution(): void {
    if (!this.#loaded.hasUserPrograms) return;
    this.#pollution?.end();
    this.#pollution = watchPollution(this.#options.intrinsics, this.#status, (line) => {
      this.#terminal.note(`sddf: ${printable(line)}`);
      this.#status.set(1);
      this.#isPolluted = true;
      this.#stop();
    });
  }

  #isOver(): boolean {
    if (this.#isPolluted) return true;
    return this.#watches.some((watch) => watch.isOver?.() === true);
  }

  #showVirtual(testbed: Testbed): void {
    if (!this.#terminal.isLive) return;
    this.#terminal.live(
      `${seconds(testbed.now())} of virtual time, ` +
        `${groupDigits(testbed.kernel.counters.kernelEntries)} kernel entries`,
    );
  }

  #report(testbed: Testbed, counted: Pick<RunResult, 'ending' | 'before' | 'after'>): void {
    const result = this.#result(testbed, counted);
    const isWrong = result.ending === 'quiet' && result.findings?.length !== 0;
    if (isWrong && this.#options.expectQuiet === 'yes') this.#status.set(1);
    for (const watch of this.#watches) watch.finish?.(result);
    const report = this.#watches.find((watch) => watch.report !== undefined)?.report;
    if (report !== undefined) report(result);
    else if (this.#options.output === 'json') process.stdout.write(`${reportJson(result)}\n`);
    else for (const line of reportText(result)) this.#terminal.print(line);
  }

  #result(testbed: Testbed, counted: Pick<RunResult, 'ending' | 'before' | 'after'>): RunResult {
    const { clock, seed } = this.#options.testbed;
    const restarted = restartReport(testbed);
    return {
      system: this.#loaded.name,
      clock,
      seed,
      ...counted,
      ...countParts({ attachments: this.#outside.attachments, watches: this.#watches }),
      board: testbed.board.snapshot(),
      traffic: trafficBetween(this.#begun?.moved ?? [], testbed.traffic()),
      findings: diagnose(testbed, this.#faulted),
      ...(restarted === undefined ? {} : { restarted }),
    };
  }
}

/** The entry of each domain's program, as the kernel knows it. */
function domainsByEntry(system: SystemDescription): Readonly<Record<number, string>> {
  const names = flatten(system).map(({ pd }, index) => [entryAddress(index), pd.name]);
  return Object.fromEntries(names) as Record<number, string>;
}

/** Ctrl-C, or the failure of what belongs to no domain. */
function endedBy(interrupt: CaughtInterrupts, left: LeftBehind): CaughtInterrupts {
  return {
    watched: interrupt.watched,
    onRequest: (action) => interrupt.onRequest(action),
    get requested() {
      return interrupt.requested || left.failure !== undefined;
    },
  };
}
