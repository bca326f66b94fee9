/**
 * Random programs over the whole system-call surface, hostile included. Four threads share one
 * CSpace that holds capabilities to nearly everything, themselves included, and do what chance
 * says. After every kernel entry the invariants are checked; now and then, that an invocation which
 * was refused has changed nothing.
 */

import { assert } from '../../../memory/assert.ts';
import { Ram } from '../../../memory/ram.ts';
import { ASID_CONTROL_MAKE_POOL, REG_A1, SYS_CALL, UNTYPED_RETYPE } from '../../../kernel/abi.ts';
import type { BootInfo } from '../../../kernel/boot-info.ts';
import { boot } from '../../../kernel/boot.ts';
import type { Kernel } from '../../../kernel/boot.ts';
import { lookupSlot } from '../../../kernel/objects/cspace.ts';
import { generatorImage } from '../../../kernel/generator-context.ts';
import type { Cap, Tcb } from '../../../kernel/objects/objects.ts';
import type { SystemCallRequest, ThreadBody } from '../../../kernel/system-call.ts';
import { Census, placeOf } from '../../../kernel/inspect/census.ts';
import { Chance } from './chance.ts';
import { FuzzMachine } from './fuzz-machine.ts';
import { guard, IDLER_ENTRY, idlerBody } from './fuzz-guardian.ts';
import { furnish, FUZZ_ENTRY, FUZZ_THREADS } from './fuzz-setup.ts';
import { randomRequest, servingRequest } from './fuzz-requests.ts';
import { InvariantChecker } from './invariants.ts';
import { describeChange, Shadow } from './shadow.ts';
import type { ObjectChange } from './shadow.ts';

export const FUZZ_RAM_BYTES = 2 ** 20;
const WAKE_UPS_PER_STEP = 2;

export interface FuzzOptions {
  /**
   * 'unbound': the initial thread itself is hostile, and may end it all; 'guarded': it puts right
   * what the others have done to themselves, so that programs can be long.
   */
  readonly kind: 'unbound' | 'guarded';
  readonly seed: number;
  /** System calls at most. */
  readonly steps: number;
  /** When given, the history is kept, and nothing is checked: to compare the two paths. */
  readonly fastPath?: 'on' | 'off';
  readonly workUnitsMax?: number;
}

export interface FuzzResult {
  readonly steps: number;
  readonly kernelEntries: number;
  readonly refused: number;
  /** Refused calls that were compared before and after. */
  readonly compared: number;
  readonly faults: number;
  /** What every thread did and got, when it was asked for. */
  readonly history: readonly string[];
}

/** A call of a thread that may change nothing when it is refused. */
interface Watched {
  readonly tcb: Tcb;
  readonly interrupts: number;
}

/** Runs one random program. @throws AssertionFailure or any error that escapes the kernel */
export function runFuzz(options: FuzzOptions): FuzzResult {
  return new FuzzRun(options).run();
}

class FuzzRun {
  readonly #options: FuzzOptions;
  readonly #chance: Chance;
  readonly #census = new Census();
  readonly #machine: FuzzMachine;
  readonly #kernel: Kernel;
  readonly #checker: InvariantChecker;
  readonly #shadow: Shadow;
  readonly #history: string[] = [];
  #steps = 0;
  #refused = 0;
  #compared = 0;
  #isRunning = false;
  #watched: Watched | undefined;

  constructor(options: FuzzOptions) {
    this.#options = options;
    this.#chance = new Chance(options.seed);
    const ram = new Ram({ sizeBytes: FUZZ_RAM_BYTES });
    this.#machine = new FuzzMachine(ram, this.#chance, options.fastPath === undefined ? 20 : 1e9);
    this.#kernel = boot({
      machine: this.#machine,
      rootCNodeSizeBits: 7,
      workUnitsMax: options.workUnitsMax ?? 1 + this.#chance.below(4),
      fastPath: options.fastPath ?? 'on',
      rootTask: (bootInfo) => generatorImage('root', () => this.#root(bootInfo)),
      images: [
        ...Array.from({ length: FUZZ_THREADS }, (_, i) => ({
          entry: FUZZ_ENTRY + i * 64,
          image: generatorImage(`hostile ${i + 1}`, () => this.#hostile(i + 1)),
        })),
        { entry: IDLER_ENTRY, image: generatorImage('idler', idlerBody) },
      ],
      onCreate: (object) => {
        this.#census.onCreate(object);
        if (this.#isRunning)
          assert(isMaking(this.#kernel.state.current), 'only retype makes objects');
      },
      onProgramError: (_, error) => {
        throw error;
      },
    });
    this.#checker = new InvariantChecker(this.#kernel.state, this.#census);
    this.#shadow = new Shadow(this.#kernel.state);
  }

  run(): FuzzResult {
    const k = this.#kernel.state;
    k.onExit = () => this.#onExit();
    this.#isRunning = true;
    const wakeUpsMax = 100 + this.#options.steps * WAKE_UPS_PER_STEP;
    for (let wakeUps = 0; wakeUps < wakeUpsMax; wakeUps += 1) {
      this.#machine.deadlineNs = Infinity;
      this.#kernel.run(Infinity);
      if (this.#machine.deadlineNs === Infinity || this.#steps >= this.#options.steps) break;
      this.#machine.charge(Math.max(0, this.#machine.deadlineNs - this.#machine.now()));
    }
    this.#checker.assert('all');
    return {
      steps: this.#steps,
      kernelEntries: k.counters.kernelEntries,
      refused: this.#refused,
      compared: this.#compared,
      faults: k.counters.faults,
      history: this.#history,
    };
  }

  *#root(bootInfo: BootInfo): ThreadBody {
    if (this.#options.kind === 'guarded') {
      yield* guard(bootInfo, {
        steps: () => this.#steps,
        isDone: () => this.#steps >= this.#options.steps,
      });
    } else {
      yield* furnish(bootInfo);
      yield* this.#hostile(0);
    }
  }

  *#hostile(thread: number): ThreadBody {
    const k = this.#kernel.state;
    while (this.#steps < this.#options.steps) {
      this.#steps += 1;
      const isServing = thread > 0 && this.#chance.oneIn(6);
      const request = isServing
        ? servingRequest(this.#chance, thread - 1)
        : randomRequest(this.#chance);
      const isCall = request.kind === 'call' && request.sys === SYS_CALL;
      if (isCall && isKernelObject(k.current, this.#capOf(request))) {
        this.#watched = { tcb: k.current, interrupts: k.counters.interrupts };
      }
      const answer = yield request;
      this.#watched = undefined;
      if (isCall && answer.label >= 1 && answer.label <= 10) this.#refused += 1;
      if (this.#options.fastPath !== undefined) {
        this.#history.push(`${thread} ${show(request)} -> ${show(answer)}`);
      }
    }
  }

  #capOf(request: SystemCallRequest): Cap | undefined {
    const k = this.#kernel.state;
    const cptr = BigInt(request.cptr ?? 0);
    const low = Number(cptr & 0xffff_ffffn);
    return lookupSlot(k, k.current, low, Number(cptr >> 32n))?.cap;
  }

  #onExit(): void {
    if (this.#options.fastPath !== undefined) return;
    const progress = this.#census.advance(this.#kernel.state);
    this.#checker.assertSince(progress, 'changed');
    const objects = this.#shadow.advance(progress.snapshot.live, this.#checker.tables);
    const watched = this.#watched;
    this.#watched = undefined;
    if (watched === undefined || !this.#isRefused(watched)) return;
    this.#compared += 1;
    const changed = [
      ...progress.changes.map(({ placed }) => placeOf(placed)),
      ...objects.filter((change) => !isOfCaller(change, watched.tcb)).map(describeChange),
    ];
    assert(changed.length === 0, `a refused invocation changes nothing: ${changed.join('; ')}`);
  }

  #isRefused({ tcb, interrupts }: Watched): boolean {
    const k = this.#kernel.state;
    const label = (tcb.regs[REG_A1 << 1] as number) >>> 12;
    const isAnswered = k.current === tcb && tcb.state === 'running' && label !== 0;
    return isAnswered && k.counters.interrupts === interrupts;
  }
}

/**
 * What a refused call may change all the same: its answer, and what the thread did before it made
 * the call.
 */
function isOfCaller({ object, field }: ObjectChange, tcb: Tcb): boolean {
  if (field === 'yieldFrom') return true;
  const isOwn = field === 'state' || field === 'yieldTo' || field === 'context';
  return object === tcb && (isOwn || field.startsWith('register'));
}

/** Whether the thread makes one of the calls that may bring objects into being. */
function isMaking(tcb: Tcb): boolean {
  const label = (tcb.regs[REG_A1 << 1] as number) >>> 12;
  return label === UNTYPED_RETYPE || label === ASID_CONTROL_MAKE_POOL;
}

function isKernelObject(tcb: Tcb, cap: Cap | undefined): boolean {
  if (cap === undefined || tcb.state !== 'running') return false;
  return !['endpoint', 'notification', 'reply'].includes(cap.kind);
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, word: unknown) =>
    typeof word === 'bigint' ? `0x${word.toString(16)}` : word,
  );
}
