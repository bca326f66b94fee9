/**
 * A debugger and its server, for as long as a command lasts: of runs, worlds and scripted tests. It
 * is loaded by those that are debugged.
 */

import { Debugger, type Front } from '../../debug/debugger.ts';
import { PACKET_BYTES_MAX } from '../../debug/gdb/packets.ts';
import type { DebuggedProgram } from '../../debug/gdb/program-guess.ts';
import { GdbServer } from '../../debug/gdb/server.ts';
import type { Mode } from '../../debug/gdb/threads.ts';
import { Monitor } from '../../debug/monitor/monitor.ts';
import { Rewound } from '../../debug/rewound.ts';
import { DebugLine } from '../../host/debug-line/line.ts';
import { hostNow } from '../../host/host-time.ts';
import { formatStreamAddress, type StreamAddress } from '../../host/net/socket-address.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import type { MachinePrograms } from '../../microkit/runtime/machine-program.ts';
import { Translations } from '../../riscv/translator/translations.ts';
import type { Rule } from '../../sim/plan/plan.ts';
import type { WorldWatch } from '../../sim/world.ts';
import type { Testbed } from '../../systems/testbed.ts';
import type { TestWatch } from '../../testing/run/test-run.ts';
import { STATUS, statusOfFailure } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import type { RunWatch } from './part.ts';

export interface GdbOptions {
  readonly address: StreamAddress;
  readonly mode: Mode;
  readonly begins: 'wait' | 'at once';
}

/** What is known of a system whose world is debugged. */
export interface DebuggedSystem {
  readonly system: SystemDescription;
  readonly images: MachinePrograms;
  readonly terminal: Terminal;
  readonly clock: 'virtual' | 'host';
  /** What is to go wrong in worlds from now on; undefined where a world is what it was. */
  readonly injected: Rule[] | undefined;
}

/** A debugger and its server, for as long as the command lasts. */
export class GdbSession {
  readonly debugger: Debugger;
  readonly server: GdbServer;
  readonly #line: DebugLine;
  readonly #wake: { call: () => void };
  readonly #monitor: Monitor;
  readonly #state: SessionState;
  /** Of all runs: who goes back has machine code translated once. */
  readonly #translations = new Translations();

  static async open(options: GdbOptions, run: DebuggedSystem): Promise<GdbSession> {
    const { address } = options;
    const wake = { call: (): void => undefined };
    const where = `--gdb ${formatStreamAddress(address)}`;
    const packetBytesMax = PACKET_BYTES_MAX;
    const line = await DebugLine.open({
      address,
      where,
      packetBytesMax,
      onNews: () => wake.call(),
    });
    const { port } = line;
    const shown = address.kind === 'tcp' && port !== undefined ? { ...address, port } : address;
    const session = new GdbSession(options, { line, wake, run });
    run.terminal.note(`sddf: GDB may come: target remote ${targetText(shown)}`);
    return session;
  }

  private constructor(
    { mode, begins }: GdbOptions,
    made: {
      readonly line: DebugLine;
      readonly wake: { call: () => void };
      readonly run: DebuggedSystem;
    },
  ) {
    const { system, images, terminal, clock, injected } = made.run;
    const state = newState();
    this.#line = made.line;
    this.#wake = made.wake;
    this.#state = state;
    this.server = new GdbServer({
      line: made.line,
      mode,
      begins,
      programs: programsOf(made.run),
      monitor: (command) => this.#monitor.answer(command),
      note: (line) => terminal.note(`sddf: ${line}`),
      isEnding: () => {
        state.beat();
        return state.isEnding() || state.isKilled;
      },
      kill: () => (state.isKilled = true),
    });
    this.debugger = new Debugger({
      system,
      machineCode: images.keys(),
      front: timed(this.server, state),
      begins: begins === 'wait' ? 'held' : 'running',
    });
    this.server.show(this.debugger);
    if (clock === 'host') {
      this.debugger.cannotGoBack('time is the host\u2019s here; --clock virtual lets it');
    }
    this.#monitor = new Monitor({
      debugger: this.debugger,
      system,
      injected,
      generalPd: () => this.server.generalPd,
      chooseProgram: (pd) => this.server.chooseProgram(pd),
    });
  }

  /** Of one run. */
  watch(): RunWatch {
    this.debugger.begin();
    const { debugger: debug } = this;
    const translations = this.#translations;
    return {
      testbed: { debugger: debug.makeEngine, onCreate: debug.onCreate, translations },
      instrument: debug.instrument,
      booted: (kernel) => debug.booted(kernel),
      made: (testbed) => this.#monitor.show(testbed),
      log: () => (debug.isRunningAgain ? 'drop' : 'keep'),
      debugged: {
        begin: ({ wake, isEnding, beat }) => {
          this.#wake.call = wake;
          this.#state.isEnding = isEnding;
          this.#state.beat = beat;
        },
        cannotGoBack: (why) => debug.cannotGoBack(why),
        heldNs: () => this.#state.heldNs,
        look: () => debug.look(),
        ended: (testbed, why) => this.#ended(testbed, why),
      },
      isOver: () => this.#state.isKilled,
      close: (failed) =>
        debug.isRewinding && failed === undefined
          ? undefined
          : this.#close(failed ?? statusSoFar()),
    };
  }

  /** Of one world. */
  worldWatch(): WorldWatch {
    this.debugger.begin();
    const { debugger: debug } = this;
    return {
      instrument: debug.instrument,
      debugged: {
        debugger: debug.makeEngine,
        onCreate: debug.onCreate,
        onBoot: (kernel) => debug.booted(kernel),
        made: (testbed) => this.#monitor.show(testbed),
        isLeft: (error) => error instanceof Rewound,
      },
    };
  }

  /** Of one scripted test. */
  testWatch(): TestWatch {
    this.debugger.begin();
    const { debugger: debug } = this;
    return {
      around: debug.instrument,
      testbed: {
        debugger: debug.makeEngine,
        onCreate: debug.onCreate,
        onBoot: (kernel) => debug.booted(kernel),
      },
      made: (testbed) => this.#monitor.show(testbed),
      isLeft: (error) => error instanceof Rewound,
    };
  }

  /** The world is over; its user may go back. May throw {@link Rewound}. */
  worldEnded(why: string): void {
    if (!this.#state.isKilled) this.debugger.ended(why);
  }

  #ended(testbed: Testbed, why: string): void {
    if (this.#state.isKilled) return;
    const ms = (testbed.now() / 1e6).toFixed(3);
    this.debugger.ended(`the run is over (${why}), at ${ms} ms`);
  }

  /**
   * Runs what is debugged to its end, and tells GDB how the command ends then.
   *
   * @param statusOf the command's exit status
   */
  async until<T>(run: () => T | Promise<T>, statusOf: (result: T) => number): Promise<T> {
    let status: number = STATUS.failed;
    try {
      const result = await run();
      status = statusOf(result);
      return result;
    } catch (error) {
      status = statusOfFailure(error);
      throw error;
    } finally {
      await this.#close(status);
    }
  }

  async #close(status: number): Promise<void> {
    this.server.over(status);
    await this.#line.close();
  }
}

/** As the command would end now. */
function statusSoFar(): number {
  return typeof process.exitCode === 'number' ? process.exitCode : STATUS.passed;
}

interface SessionState {
  isKilled: boolean;
  isEnding: () => boolean;
  beat: () => void;
  heldNs: number;
}

function newState(): SessionState {
  return { isKilled: false, isEnding: () => false, beat: () => undefined, heldNs: 0 };
}

/** The same, and it is known for how long it has held the world. */
function timed(front: Front, state: SessionState): Front {
  return {
    wantsStop: () => front.wantsStop(),
    stopped: (stop) => {
      const since = hostNow();
      const resume = front.stopped(stop);
      state.heldNs += hostNow() - since;
      return resume;
    },
  };
}

function targetText(address: StreamAddress): string {
  return address.kind === 'unix' ? address.path : `:${address.port}`;
}

function programsOf({ system, images }: DebuggedSystem): readonly DebuggedProgram[] {
  return flatten(system).map(({ pd }) => {
    const program = images.get(pd.name);
    return {
      pd: pd.name,
      path: program?.path,
      symbol: (name) => {
        const found = program?.image.symbols.find(name);
        return typeof found === 'object' ? found.value : undefined;
      },
    };
  });
}
