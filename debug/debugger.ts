/**
 * Holds a world wherever its user wants to, and takes it back to earlier moments.
 *
 * The world halts in the middle of whatever it does: {@link Front.stopped} returns when it is to go
 * on, and everything on the stack stands until then. Nothing that is told here changes it.
 *
 * To go back is to run again: {@link Rewound} leaves the run, whoever began it begins it once more,
 * and the debugger lets it come to the moment that is wanted (`course.ts`).
 */

import type { Board } from '../board/board.ts';
import type { Kernel } from '../kernel/boot.ts';
import { Census } from '../kernel/inspect/census.ts';
import type { PageTable } from '../kernel/memory/page-table.ts';
import type { KernelObject, Tcb } from '../kernel/objects/objects.ts';
import { vspaceOf } from '../kernel/memory/vspace.ts';
import { bytesOf } from '../kernel/objects/object-sizes.ts';
import type { Engine } from '../riscv/engine.ts';
import { EXIT } from '../riscv/hart.ts';
import type { DebuggableHart } from '../microkit/runtime/machine-program.ts';
import { flatten, type SystemDescription } from '../microkit/model.ts';
import { instrument } from '../systems/trace/observed-parts.ts';
import {
  type BoardObserver,
  type Instrument,
  RUN_WOKEN,
  type ThreadObserver,
} from '../systems/trace/observer.ts';
import { SystemNames } from '../systems/trace/names.ts';
import { systemCallOf } from '../systems/trace/told-by.ts';
import type { UserThread } from '../kernel/user.ts';
import { Conditions, type Watchpoint } from './conditions.ts';
import {
  type Aim,
  Course,
  type Decision,
  END,
  searchBefore,
  stepBackOf,
  stepOf,
} from './course.ts';
import { DebuggedHart, type HaltAsker } from './debugged-hart.ts';
import type { DebuggedWorld } from './debugged-world.ts';
import { EventTrace } from './event-trace.ts';
import { Journal } from './journal.ts';
import type { Moment, Stop } from './moment.ts';
import { plant } from './plant.ts';
import { Rewound } from './rewound.ts';
import { WatchedMemory } from './watched-memory.ts';

/** Events from one look at whether the user wants something to the next: a power of two. */
const LOOK_EVERY = 16;
const LOOK_MASK = LOOK_EVERY - 1;
/** Instructions that take longer than so many events: it is looked before each such slice. */
const LONG_SLICE = 10_000;

export type Resume =
  | { readonly kind: 'continue' }
  /** `alone`: nobody else runs meanwhile. */
  | { readonly kind: 'step'; readonly pd: string; readonly alone: boolean }
  | { readonly kind: 'back' }
  | { readonly kind: 'back-step'; readonly pd: string }
  /** From power-on. */
  | { readonly kind: 'again' }
  /** From power-on to where it stands: whoever makes the world makes it otherwise, from here on. */
  | { readonly kind: 'here' };

/** Whoever talks to the user. */
export interface Front {
  /** Asked all the time while the world runs. */
  wantsStop(): boolean;
  /** The world stands still until this returns. */
  stopped(stop: Stop): Resume;
}

/** What is debugged, and who is asked when it stops. */
export interface DebuggerOptions {
  readonly system: SystemDescription;
  /** Domains whose program is machine code. */
  readonly machineCode: Iterable<string>;
  readonly front: Front;
  /** 'held': the world is halted before anybody runs. */
  readonly begins: 'held' | 'running';
}

export class Debugger implements HaltAsker, ThreadObserver, BoardObserver {
  readonly conditions = new Conditions();
  readonly names: SystemNames;
  readonly trace: EventTrace;
  /** All objects of the kernel. */
  census = new Census();
  /** The run is being left, to be begun again. */
  isRewinding = false;
  /** See {@link changeCourse}. */
  hasNewCourse = false;
  readonly #domains: ReadonlySet<string>;
  readonly #machineCode: ReadonlySet<string>;
  readonly #front: Front;
  readonly #memory: WatchedMemory;
  readonly #journal = new Journal(LOOK_EVERY);
  readonly #harts = new Map<string, DebuggedHart>();
  #world: DebuggedWorld | undefined;
  #board: Board | undefined;
  #tcbs: Tcb[] = [];
  #tables: PageTable[] = [];
  readonly #devices: string[] = [];
  #events = 0;
  readonly #course = new Course();
  /** What would stop the world is not looked at: see {@link Course.isBlind}. */
  #isBlind = false;
  /** Something is to be looked at whatever happens. Kept, and not worked out each time. */
  #isAttentive = true;
  /** The hart that executes. */
  #running: DebuggedHart | undefined;
  #isHalted = false;
  #isHeld: boolean;
  #whyNeverBack: string | undefined;
  #whyNotBack: string | undefined;

  constructor({ system, machineCode, front, begins }: DebuggerOptions) {
    this.names = new SystemNames(system);
    this.trace = new EventTrace(system, () => this.nowNs());
    this.#domains = new Set(flatten(system).map(({ pd }) => pd.name));
    this.#machineCode = new Set(machineCode);
    this.#front = front;
    this.#memory = new WatchedMemory(this);
    this.#isHeld = begins === 'held';
  }

  // ------------------------------------------------------------------------- what a testbed takes

  /** A world is about to be made: what is known of the last one is void. */
  begin(): void {
    this.isRewinding = false;
    this.hasNewCourse = false;
    this.#whyNotBack = undefined;
    this.#harts.clear();
    this.#world = undefined;
    this.#board = undefined;
    this.#tcbs = [];
    this.#tables = [];
    this.census = new Census();
    this.#devices.length = 0;
    this.#events = 0;
    this.#running = undefined;
    this.#isHalted = false;
    // Where it is not, that begins with the first event: there is a world then.
    this.#isBlind = true;
    this.#isAttentive = true;
    this.#memory.forget();
    this.trace.begin();
  }

  readonly instrument = (inner: Instrument | undefined): Instrument => {
    const observed = instrument(this, inner);
    return {
      ...observed,
      // What programs in TypeScript and devices have written is looked at when they are done.
      ...(inner === undefined ? { batches: 'wasm' } : {}),
      makeBoard: (options) => {
        this.#board = observed.makeBoard(options);
        return this.#board;
      },
    };
  };

  readonly onCreate = (object: KernelObject): void => {
    this.census.onCreate(object);
    if (object.kind === 'tcb') this.#tcbs.push(object);
    if (object.kind === 'pageTable') this.#tables.push(object);
  };

  /** Told of the kernel before it runs. */
  booted(kernel: Kernel): void {
    const tables = this.#tables;
    if (this.#board !== undefined) this.#world = { kernel, board: this.#board, tables };
  }

  readonly makeEngine = (parts: DebuggableHart): Engine => {
    const hart = new DebuggedHart(parts, this, this.#harts.get(parts.pd)?.steps ?? 0);
    this.#harts.set(parts.pd, hart);
    return hart;
  };

  /** The run is over. May throw {@link Rewound}. */
  ended(text: string): void {
    this.#follow(this.#course.atEnd());
    this.#course.set(undefined);
    this.#halt({ cause: { kind: 'end' }, moment: END, pd: undefined, text });
  }

  // --------------------------------------------------------------------------- what a front takes

  get world(): DebuggedWorld | undefined {
    return this.#world;
  }

  /** Whether it runs again what has been seen already. */
  get isRunningAgain(): boolean {
    return this.#course.isRunningAgain;
  }

  /** Why it cannot go back, if it cannot. */
  get whyNotBack(): string | undefined {
    return this.#whyNeverBack ?? this.#whyNotBack;
  }

  /** Running again would not be the same. */
  cannotGoBack(why: string): void {
    this.#whyNeverBack ??= why;
  }

  /** The user has changed the world: a world that is run again would not have that. */
  touched(why: string): void {
    this.#whyNotBack ??= `${why}, which running again would undo`;
    this.#journal.forget();
  }

  /** Its user has changed what is to happen from here on: the world is to be made anew. */
  changeCourse(): void {
    this.hasNewCourse = true;
  }

  /** Nobody is there who wants anything: the world goes on from where it had come to. */
  letGo(): void {
    this.conditions.clear();
    this.#course.abandon();
    this.#attend();
  }

  hartOf(pd: string): DebuggedHart | undefined {
    return this.#harts.get(pd);
  }

  isMachineCode(pd: string): boolean {
    return this.#machineCode.has(pd);
  }

  tcbOf(pd: string): Tcb | undefined {
    return this.#tcbs.findLast(({ name }) => name === pd);
  }

  /** Devices by the numbers that observers are told. */
  deviceName(number: number): string {
    return this.#devices[number] ?? `device ${number}`;
  }

  nowNs(): number {
    return this.#running?.nowNs ?? this.#world?.board.now() ?? 0;
  }

  /** Looks whether the user wants something: called now and then while nothing happens. */
  look(): void {
    // Whoever comes before a world that is to be held finds it there.
    if (this.#isHalted || this.#isHeld) return;
    // He may interrupt at once what he has let go on: nothing may happen for long.
    while (this.#front.wantsStop()) {
      this.#halt({ cause: { kind: 'interrupt' }, moment: this.#here, pd: this.#current });
    }
  }

  // -------------------------------------------------------------------------------------- harts

  entering(hart: DebuggedHart): void {
    this.#running = hart;
    const isTimeToLook = hart.remaining > LONG_SLICE || (this.#events & LOOK_MASK) === 0;
    if (this.#isAttentive || isTimeToLook || hart.isToPause) this.#lookAt(hart);
    this.#plant(hart);
  }

  /** It is before its next instruction. */
  #lookAt(hart: DebuggedHart): void {
    if (this.#isHeld) this.#hold(before(hart));
    if (this.#course.isSet) this.#follow(this.#course.atHart(hart, 'before'));
    if (this.#front.wantsStop()) {
      this.#halt({ cause: { kind: 'interrupt' }, moment: before(hart), pd: hart.pd });
    }
    const { untilNs } = this.conditions;
    if (untilNs < Infinity) this.#lookAtTime(hart, untilNs);
    if (this.#course.isSet || untilNs < Infinity || hart.isToPause) this.#setPause(hart);
  }

  reached(hart: DebuggedHart): void {
    hart.haltedAt = hart.steps;
    if (!this.conditions.breakpointsOf(hart.pd).has(hart.nextPc)) return;
    this.#hit({ cause: { kind: 'breakpoint' }, moment: before(hart), pd: hart.pd });
  }

  left(hart: DebuggedHart, trap: number): void {
    if (this.#isAttentive) this.#follow(this.#course.atHart(hart, 'after'));
    if (hart.hit !== undefined || (trap > 0 && trap !== EXIT.ecall)) this.#leftWith(hart, trap);
    this.#running = undefined;
  }

  /** Behind an instruction that has hit something, or trapped and was no system call. */
  #leftWith(hart: DebuggedHart, trap: number): void {
    const { hit } = hart;
    hart.hit = undefined;
    const moment = { kind: 'after', pd: hart.pd, steps: hart.steps } as const;
    if (hit !== undefined) this.#hit({ ...hit, moment }, hit.moment);
    if (trap > 0 && trap !== EXIT.ecall && this.conditions.catches('fault', hart.pd)) {
      this.#hit({ cause: { kind: 'exception', cause: trap }, moment, pd: hart.pd });
    }
  }

  /** The instruction that is under way has hit a watchpoint, or a device's register. */
  hitBy(access: 'read' | 'write', watchpoint: Watchpoint): void {
    const hart = this.#running;
    const { kind, vaddr } = watchpoint;
    const stop = { cause: { kind: 'watch', access: kind, vaddr } as const, moment: this.#here };
    if (hart === undefined) {
      const who = this.#current ?? 'a device';
      this.#hit({ ...stop, pd: this.#current, text: `${who}: ${access}` });
      return;
    }
    const moment = { kind: 'before', pd: hart.pd, steps: hart.stepsBeforeAccess } as const;
    hart.hit ??= { ...stop, moment, pd: hart.pd };
    hart.enterAnew();
  }

  /** Memory that is watched is not as it was, and no instruction of a hart has done it. */
  changedBy(watchpoint: Watchpoint, who: string): void {
    const { kind, vaddr } = watchpoint;
    const pd = this.#current;
    const cause = { kind: 'watch', access: kind, vaddr } as const;
    const text = `written by ${who}`;
    const event = Math.max(1, this.#events - 1);
    this.#hit({ cause, moment: this.#here, pd, text }, { kind: 'event', event });
  }

  // -------------------------------------------------------------------------------------- events

  started(pd: number, _thread: UserThread): void {
    this.#event(pd);
  }

  runs(pd: number, how: number, regs: Uint32Array): void {
    this.trace.book?.runs(pd, how, regs);
    this.#event(pd);
    if (how !== RUN_WOKEN || !this.#looksAtEvents) return;
    const name = this.names.pd(pd);
    if (!this.conditions.catches('notification', name)) return;
    const badge = (regs[33] as number) * 2 ** 32 + (regs[32] as number);
    this.#caught(name, `${name} is woken up, badge 0x${badge.toString(16)}`);
  }

  enters(pd: number, regs: Uint32Array): void {
    this.trace.book?.enters(pd, regs);
    this.#event(pd);
    if (this.#looksAtEvents) this.#systemCall(pd, regs);
  }

  waits(pd: number, regs: Uint32Array): void {
    this.trace.book?.waits(pd, regs);
    this.#event(pd);
    if (this.#looksAtEvents) this.#systemCall(pd, regs);
  }

  returns(pd: number): void {
    this.#event(pd);
  }

  throws(pd: number, error: unknown): void {
    this.trace.book?.throws(pd, error);
    this.#event(pd);
    const name = this.names.pd(pd);
    // Machine code has stopped at its instruction already.
    if (this.#harts.has(name) || !this.conditions.catches('fault', name)) return;
    this.#caught(name, `${name}: its program has thrown`);
  }

  raised(irq: number): void {
    this.trace.book?.raised(irq);
    this.#event();
  }

  claimed(irq: number): void {
    this.#event();
    if (!this.#looksAtEvents || !this.conditions.catches('irq', String(irq))) return;
    this.#caught(undefined, `interrupt ${irq}`);
  }

  completed(irq: number): void {
    this.trace.book?.completed(irq);
    this.#event();
  }

  idle(): void {
    this.#event();
  }

  sliceBegins(): void {
    this.#event();
  }

  deviceRead(device: number, offset: number): void {
    this.#event();
    this.#memory.deviceAccessed('read', this.deviceName(device), offset);
  }

  deviceWritten(device: number, offset: number, _value: number): void {
    this.#event();
    this.#memory.deviceAccessed('write', this.deviceName(device), offset);
  }

  deviceMapped(device: number, name: string): void {
    this.#devices[device] = name;
  }

  /** @param pd number of the domain that it is about, which may be one that is not the aim's */
  #event(pd?: number): void {
    const world = this.#world;
    if (world === undefined) return;
    this.#events += 1;
    if (this.#isAttentive || (this.#events & LOOK_MASK) === 0) this.#attendTo(pd, world);
  }

  #attendTo(pd: number | undefined, world: DebuggedWorld): void {
    this.#journal.note(this.#events, world);
    if (this.#isHeld) this.#holdProgram();
    if (this.#isBlind && !this.#course.isBlind(this.#events)) this.#see();
    if (this.#course.isSet) {
      const name = pd === undefined ? undefined : this.names.pd(pd);
      this.#follow(this.#course.atEvent(this.#events, name));
    }
    if (this.#looksAtEvents) {
      this.#memory.compare(this.#current ?? 'a device');
      if (this.nowNs() >= this.conditions.untilNs) this.#timeHasCome();
    }
    if (pd !== undefined) this.look();
  }

  /** From now on it matters what would stop the world. */
  #see(): void {
    this.#isBlind = false;
    this.#memory.renew(this.conditions, this.#world?.board.ram);
    this.#attend();
  }

  #attend(): void {
    this.#isAttentive =
      this.#isHeld || this.#isBlind || this.#course.isSet || this.conditions.lookAtEvents;
  }

  get #looksAtEvents(): boolean {
    return this.conditions.lookAtEvents && !this.#isBlind;
  }

  #systemCall(pd: number, regs: Uint32Array): void {
    const name = this.names.pd(pd);
    if (!this.conditions.catches('syscall', name)) return;
    this.#caught(name, `${name}: ${systemCallOf(this.names, pd, regs).text}`);
  }

  #caught(pd: string | undefined, text: string): void {
    this.#hit({ cause: { kind: 'caught' }, moment: this.#here, pd, text });
  }

  // -------------------------------------------------------------------------------------- moments

  get #here(): Moment {
    return { kind: 'event', event: this.#events };
  }

  /** The domain that has the processor. */
  get #current(): string | undefined {
    const name = this.#world?.kernel.state.current.name ?? '';
    return this.#domains.has(name) ? name : undefined;
  }

  /** Machine code is held where it is about to begin: now its registers are not set yet. */
  #holdProgram(): void {
    const pd = this.#current;
    if (pd !== undefined && !this.#machineCode.has(pd)) this.#hold(this.#here);
  }

  #plant(hart: DebuggedHart): void {
    if (this.#isBlind) return;
    const { version } = this.conditions;
    const mappings = this.#world?.kernel.state.mappingGeneration ?? 0;
    if (hart.plantedVersion === version && hart.plantedMappings === mappings) return;
    hart.plantedVersion = version;
    hart.plantedMappings = mappings;
    plant(hart, this.conditions, this.#memory.accessed, (at) => this.#reaches(hart.pd, at));
  }

  /** Whether a domain has a byte of RAM at an address of its own. */
  #reaches(pd: string, at: number): boolean {
    const tcb = this.tcbOf(pd);
    const world = this.#world;
    const root = tcb && world ? vspaceOf(world.kernel.state, tcb) : null;
    return root !== null && maps(root, (world?.board.ram.base ?? 0) + at);
  }

  #hold(moment: Moment): void {
    this.#isHeld = false;
    this.#halt({ cause: { kind: 'step' }, moment, pd: this.#current });
  }

  #lookAtTime({ nowNs }: DebuggedHart, untilNs: number): void {
    if (nowNs !== undefined && nowNs >= untilNs) this.#timeHasCome();
  }

  #timeHasCome(): void {
    const hart = this.#running;
    const atNs = this.conditions.untilNs;
    this.conditions.untilNs = Infinity;
    const moment = hart === undefined ? this.#here : before(hart);
    const text = `it is ${atNs / 1e6} ms`;
    this.#hit({ cause: { kind: 'caught' }, moment, pd: this.#current, text });
  }

  /** The hart executes up to what it is to be looked at for. */
  #setPause(hart: DebuggedHart): void {
    let at = this.#course.pauseOf(hart);
    const { untilNs } = this.conditions;
    if (untilNs < Infinity) at = Math.min(at, hart.steps + instructionsUntil(hart, untilNs));
    hart.pauseAt(at > hart.steps ? at : Infinity);
    // It may have been granted more before.
    if (at > hart.steps && at < hart.steps + hart.remaining) hart.enterAnew();
  }

  #follow(decision: Decision): void {
    switch (decision?.kind) {
      case undefined:
        return;
      case 'halt':
        this.#course.set(undefined);
        return this.#halt(decision.report);
      case 'step over':
        return this.#haltStep(decision.pd);
      case 'rewind':
        return this.#rewind(decision.aim);
      default:
        return decision satisfies never;
    }
  }

  #haltStep(pd: string): void {
    this.#course.set(undefined);
    const hart = this.#running;
    const moment = hart === undefined ? this.#here : before(hart);
    this.#halt({ cause: { kind: 'step' }, moment, pd });
  }

  /**
   * Something that the user has asked for.
   *
   * @param before where it is shown when the user comes from behind: a write, before it is done
   */
  #hit(stop: Stop, before = stop.moment): void {
    if (!this.#course.meets(stop, before)) return;
    this.#course.set(undefined);
    this.#halt(stop);
  }

  #halt(stop: Stop): void {
    const now = this.nowNs();
    const world = this.#world;
    const warning = world && this.#journal.compare(stop.moment, now, world, this.#harts);
    this.#isHalted = true;
    const resume = this.#front.stopped(warning === undefined ? stop : { ...stop, warning });
    this.#isHalted = false;
    this.#see();
    this.#resume(resume, stop);
    this.#attend();
    if (this.#running === undefined) return;
    this.#setPause(this.#running);
    this.#running.enterAnew();
  }

  #resume(resume: Resume, stop: Stop): void {
    switch (resume.kind) {
      case 'continue':
        return;
      case 'step':
        this.#course.set(stepOf(resume.pd, resume.alone, this.#stepsOf(resume.pd), this.#events));
        return;
      case 'again':
        this.#isHeld = true;
        return this.#rewind(undefined);
      case 'back':
        return this.#rewind(searchBefore(stop.moment, this.#events));
      case 'here':
        this.#journal.forgetBehind(this.#events, stop.moment);
        return this.#rewind({ kind: 'halt', at: stop.moment, report: stop });
      case 'back-step':
        return this.#rewind(stepBackOf(resume.pd, this.#harts.get(resume.pd)?.steps, this.#events));
      default:
        return resume satisfies never;
    }
  }

  /** Of a domain whose program is machine code, also before it begins. */
  #stepsOf(pd: string): number | undefined {
    return this.#machineCode.has(pd) ? (this.#harts.get(pd)?.steps ?? 0) : undefined;
  }

  #rewind(aim: Aim | undefined): never {
    this.#course.set(aim);
    this.isRewinding = true;
    throw new Rewound('the run is begun again');
  }
}

/** Whether a page of an address space holds a physical address of RAM. */
function maps(table: PageTable, paddr: number): boolean {
  return table.entries.some((entry) => {
    if (entry === undefined) return false;
    if (entry.kind === 'table') return maps(entry.table, paddr);
    return !entry.isDevice && paddr >= entry.base && paddr < entry.base + bytesOf(entry.sizeBits);
  });
}

function before(hart: DebuggedHart): Moment {
  return { kind: 'before', pd: hart.pd, steps: hart.steps };
}

/** @returns 1 or more; `Infinity` where nobody knows how long one takes */
function instructionsUntil(hart: DebuggedHart, atNs: number): number {
  const { nowNs, instructionNs } = hart;
  if (nowNs === undefined || instructionNs <= 0) return Infinity;
  return Math.max(1, Math.ceil((atNs - nowNs) / instructionNs));
}
