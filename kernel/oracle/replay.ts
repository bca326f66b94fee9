/**
 * Replays a trace: an initial thread of priority 255, the monitor, restarts W for each recorded
 * call and the helpers for each run, as the recording did, and every answer is compared with what
 * the real kernel answered.
 */

import { assert, AssertionFailure } from '../../memory/assert.ts';
import type { Ram } from '../../memory/ram.ts';
import { SYS_CALL, SYS_RECV, TCB_WRITE_REGISTERS } from '../abi.ts';
import { boot } from '../boot.ts';
import type { Kernel } from '../boot.ts';
import { DEFAULT_COSTS } from '../cost.ts';
import type { CostTable } from '../cost.ts';
import { resolveAddressBits } from '../objects/cspace.ts';
import { generatorImage } from '../generator-context.ts';
import { CAP_TYPE } from '../objects/cap.ts';
import type { CNode, KernelObject, Slot, Tcb } from '../objects/objects.ts';
import type { KernelState } from '../state.ts';
import type { ThreadAnswer, ThreadBody, ThreadStep } from '../system-call.ts';
import { describeAnswer, describeHelperAnswer, requestOf, requestOfOp } from './answers.ts';
import type { Regions } from './answers.ts';
import {
  HELPER_BUFFER,
  HELPER_ENTRY,
  IDLER_BADGE,
  IDLER_ENTRY,
  StageBuilder,
  W_BADGE,
  W_BUFFER,
  W_ENTRY,
} from './initial-state.ts';
import type { Stage } from './initial-state.ts';
import { StillMachine } from './still-machine.ts';
import { isSame } from './trace.ts';
import type { Trace, TraceCall, TraceOp, TraceState } from './trace.ts';

/** RAM of the machine under a replay. */
export const REPLAY_RAM_BYTES = 8 * 2 ** 20;
const PAGE = 4096;
/**
 * The recordings were made on an emulated processor: a thread that has run at all has used whole
 * microseconds.
 */
const SLOW_COSTS: CostTable = { ...DEFAULT_COSTS, kernelEntry: 5_000 };
const HELPERS_MAX = 5;

/** One place where our kernel answers otherwise than the real one. */
export interface Divergence {
  readonly trace: number;
  readonly family: number;
  /** Number of the call, or of the line for runs and states. */
  readonly step: number;
  readonly operation: string;
  readonly request: unknown;
  readonly due: unknown;
  readonly given: unknown;
}

export interface ReplayOptions {
  readonly fastPath?: 'on' | 'off';
  /** Told of every object made: for checks. */
  readonly onCreate?: (object: KernelObject) => void;
}

export interface OperationCount {
  compared: number;
  diverged: number;
}

export class Replay {
  readonly divergences: Divergence[] = [];
  readonly counts = new Map<string, OperationCount>();
  readonly #trace: Trace;
  readonly #kernel: Kernel;
  readonly #cnodes: CNode[] = [];
  readonly #tcbs: Tcb[] = [];
  /** The call that W makes next, and what came of it. */
  #call: TraceCall | undefined;
  #answer: unknown;
  readonly #programs: (readonly TraceOp[])[] = [];
  #log: unknown[] = [];
  #isDone = false;

  /** @param ram {@link REPLAY_RAM_BYTES} long; cleared here, so that it can be used again */
  constructor(trace: Trace, ram: Ram, options: ReplayOptions = {}) {
    this.#trace = trace;
    ram.fill(0, 0, ram.sizeBytes);
    const images = [
      { entry: W_ENTRY, image: this.#image('W', () => this.#bodyOfW(), W_BUFFER) },
      { entry: IDLER_ENTRY, image: this.#image('idler', () => bodyOfIdler(), undefined) },
    ];
    for (let tid = 0; tid < HELPERS_MAX; tid += 1) {
      const buffer = HELPER_BUFFER + tid * PAGE;
      const image = this.#image(`H${tid}`, () => this.#bodyOfHelper(tid), buffer);
      images.push({ entry: HELPER_ENTRY + tid * PAGE, image });
    }
    this.#kernel = boot({
      machine: new StillMachine(ram),
      rootTask: (bootInfo) => {
        const builder = new StageBuilder(bootInfo);
        return generatorImage('monitor', () => this.#bodyOfMonitor(builder));
      },
      images,
      costs: SLOW_COSTS,
      fastPath: options.fastPath ?? 'on',
      onCreate: (object) => {
        this.#onCreate(object);
        options.onCreate?.(object);
      },
      onProgramError: (_, error) => {
        throw error;
      },
    });
  }

  get state(): KernelState {
    return this.#kernel.state;
  }

  /** Runs the trace to its end. */
  run(): void {
    try {
      this.#kernel.run(Infinity);
    } catch (error) {
      // A kernel that fails on one recording has to go on with the next.
      if (!(error instanceof AssertionFailure)) throw error;
      const step = this.#call?.i ?? 0;
      this.#compare('(kernel)', step, requestShown(this.#call), 'an answer', error.message);
      return;
    }
    if (!this.#isDone) this.#compare('Trace', this.#trace.lines.length, {}, 'end', 'stuck');
  }

  #image(name: string, body: () => ThreadBody, buffer: number | undefined) {
    return generatorImage(name, body, buffer === undefined ? {} : { ipcBufferVaddr: buffer });
  }

  #onCreate(object: KernelObject): void {
    if (object.kind === 'cnode') this.#cnodes.push(object);
    if (object.kind === 'tcb') this.#tcbs.push(object);
  }

  #compare(operation: string, step: number, request: unknown, due: unknown, given: unknown): void {
    const count = this.counts.get(operation) ?? { compared: 0, diverged: 0 };
    this.counts.set(operation, count);
    count.compared += 1;
    if (isSame(due, given)) return;
    count.diverged += 1;
    const { number: trace, family } = this.#trace;
    this.divergences.push({ trace, family, step, operation, request, due, given });
  }

  // --------------------------------------------------------------------------------------- threads

  *#bodyOfMonitor(builder: StageBuilder): ThreadBody {
    const stage = yield* builder.build(this.#trace.helpers);
    let step = 0;
    for (const line of this.#trace.lines) {
      switch (line.kind) {
        case 'call':
          yield* this.#replayCall(stage, line.call);
          break;
        case 'program':
          this.#programs[line.tid] = line.ops;
          break;
        case 'run':
          this.#log = [];
          yield* this.#replayRun(stage, line.tids);
          this.#compare('run', step, { run: line.tids }, line.log, this.#log);
          break;
        case 'state':
          this.#compareState(line.state);
          break;
        default:
          line satisfies never;
      }
      step += 1;
    }
    this.#isDone = true;
  }

  *#replayCall(stage: Stage, call: TraceCall): ThreadStep<void> {
    const before = call.chg !== undefined || this.#trace.family === 1 ? this.#slots() : undefined;
    this.#call = call;
    this.#answer = undefined;
    yield* restart(stage.w, W_ENTRY);
    const fault = yield* receive(stage);
    assert(fault.badge === W_BADGE, 'W faults to the monitor after each call');
    // W's own fault is an exception; any other was raised by its call.
    const given = this.#answer ?? { fault: fault.label, mrs: fault.mrs.map(describeFaultWord) };
    this.#compare(call.op, call.i, requestShown(call), call.ans, given);
    if (before === undefined) return;
    const changes = changedSlots(before, this.#slots());
    this.#compare('(changed slots)', call.i, requestShown(call), call.chg ?? {}, changes);
  }

  *#replayRun(stage: Stage, tids: readonly number[]): ThreadStep<void> {
    for (const tid of tids) {
      yield* restart(stage.helpers[tid] as number, HELPER_ENTRY + tid * PAGE);
    }
    yield* restart(stage.idler, IDLER_ENTRY);
    const fault = yield* receive(stage);
    assert(fault.badge === IDLER_BADGE, 'the idler runs when nobody else can');
  }

  *#bodyOfW(): ThreadBody {
    const call = this.#call;
    assert(call !== undefined, 'W is started to make a call');
    const answer = yield requestOf(call);
    this.#answer = describeAnswer(call, answer, this.#regions());
    yield { kind: 'exception', number: 2, code: 0 };
  }

  *#bodyOfHelper(tid: number): ThreadBody {
    const ops = this.#programs[tid] ?? [];
    for (const [k, op] of ops.entries()) {
      this.#log.push(['b', tid, k]);
      const answer = yield requestOfOp(op);
      const given = describeHelperAnswer(op, answer);
      this.#log.push(given === undefined ? ['a', tid, k] : ['a', tid, k, given]);
    }
    this.#log.push(['end', tid]);
  }

  // ----------------------------------------------------------------------------------------- state

  /** The CNodes in the order in which they are made: the initial thread's, L1, I, T, N. */
  #cnode(name: 'L1' | 'I' | 'T' | 'N'): CNode {
    return this.#cnodes[['', 'L1', 'I', 'T', 'N'].indexOf(name)] as CNode;
  }

  #regions(): Regions {
    const base = (index: number): number => {
      const cap = this.#cnode('I').slotAt(index).cap;
      return cap.kind === 'untyped' ? cap.base : -1;
    };
    return { U: base(17), V: base(19), D: base(20) };
  }

  #slots(): Map<string, number> {
    const types = new Map<string, number>();
    for (let s = 0; s < 64; s += 1) types.set(`T${s}`, typeOf(this.#cnode('T').slotAt(s)));
    for (let s = 0; s < 8; s += 1) types.set(`N${s}`, typeOf(this.#cnode('N').slotAt(s)));
    return types;
  }

  #compareState(state: TraceState): void {
    const given: Record<string, unknown> = { state: state.state };
    given['T'] = typesOf(this.#cnode('T'), 64);
    given['N'] = typesOf(this.#cnode('N'), 8);
    if (state.deep !== undefined) {
      const slots = Object.keys(state.deep).map(Number);
      given['deep'] = Object.fromEntries(slots.map((s) => [s, this.#deepTypes(s)]));
    }
    if (state.I !== undefined) given['I'] = typesOf(this.#cnode('I'), 32);
    this.#compare('(state)', state.state, {}, state, given);
  }

  /** The types found by looking up the cptrs 0x1000 + 64 * slot + 0..63 from W's root. */
  #deepTypes(slot: number): string {
    const k = this.#kernel.state;
    const root = (this.#tcbs[1] as Tcb).ctable.cap;
    let types = '';
    for (let q = 0; q < 64; q += 1) {
      const found = resolveAddressBits(k, root, 0x1000 + 64 * slot + q, 0, 64);
      types += found === null ? '0' : typeOf(found).toString(32);
    }
    return types;
  }
}

/** Faults at once, whenever it gets the processor: then nobody else can run. */
function* bodyOfIdler(): ThreadBody {
  yield { kind: 'exception', number: 2, code: 0 };
}

function* restart(tcb: number, entry: number): ThreadStep<void> {
  const mrs = [1, 1, entry];
  yield { kind: 'call', sys: SYS_CALL, cptr: tcb, label: TCB_WRITE_REGISTERS, mrs };
}

function* receive(stage: Stage): ThreadStep<ThreadAnswer> {
  return yield { kind: 'call', sys: SYS_RECV, cptr: stage.faults, reply: stage.reply };
}

function describeFaultWord(word: number | bigint, index: number): unknown {
  if (index === 0) return 'pc';
  return word < 2 ** 31 ? Number(word) : `0x${word.toString(16)}`;
}

function typeOf(slot: Slot): number {
  return CAP_TYPE[slot.cap.kind];
}

function typesOf(cnode: CNode, count: number): string {
  let types = '';
  for (let s = 0; s < count; s += 1) types += typeOf(cnode.slotAt(s)).toString(32);
  return types;
}

function changedSlots(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Record<string, number> {
  const changes: Record<string, number> = {};
  for (const [slot, type] of after) if (before.get(slot) !== type) changes[slot] = type;
  return changes;
}

function requestShown(call: TraceCall | undefined): unknown {
  if (call === undefined) return {};
  const { ans: _, chg: __, ...request } = call;
  return request;
}
