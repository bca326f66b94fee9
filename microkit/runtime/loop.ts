/**
 * The event loop of a protection domain: Microkit's `handler_loop`, as a user context.
 *
 *     init, acknowledge every interrupt once
 *     again:  wait (Recv, ReplyRecv, or NBSendRecv with the deferred signal)
 *             a fault of a child, a protected call, or signals: each set bit, lowest first
 *
 * Written by hand and not as a generator: the kernel resumes it with the result of its wait in the
 * registers, and nothing is allocated between two waits. A badge is one snapshot; signals that come
 * meanwhile wait for the next one.
 *
 * An entry point that throws is a fault of the thread. When the fault's handler lets it go on, the
 * entry point runs again from its beginning, because there is no instruction to go back to.
 */

import {
  messageInfo,
  messageLabel,
  messageLength,
  REG_A0,
  REG_A1,
  REG_A6,
  REG_A7,
  REG_T0,
  SYS_NB_SEND_RECV,
  SYS_RECV,
  SYS_REPLY_RECV,
  SYS_SEND,
} from '../../kernel/abi.ts';
import { ThreadUnwound, type UserContext, type UserThread } from '../../kernel/user.ts';
import { RunFailure } from '../../memory/assert.ts';
import { demand, Misuse } from '../../memory/misuse.ts';
import { Configured } from '../../memory/configured.ts';
import type { ChildFault, EntryPoints, ProtectionDomain } from '../pd.ts';
import {
  BADGE_HIGH_CALL,
  BADGE_HIGH_FAULT,
  SLOT_INPUT,
  SLOT_MONITOR_ENDPOINT,
  SLOT_REPLY,
} from '../slots.ts';
import type { PdCounters, RuntimeObserver } from './observer.ts';
import type { PdProfile } from './profile.ts';
import type { DeferredSignal } from './protection-domain.ts';
import type { RegisterAccesses } from './regions.ts';

// Low halves of registers in `regs`. Folded constants: docs/hot-code.md.
const A0 = 2 * REG_A0;
const A1 = 2 * REG_A1;
const A6 = 2 * REG_A6;
const A7 = 2 * REG_A7;
const T0 = 2 * REG_T0;
const RECV = SYS_RECV;
const INPUT = SLOT_INPUT;
const REPLY = SLOT_REPLY;
const NB_SEND_RECV = SYS_NB_SEND_RECV;
const FAULT = BADGE_HIGH_FAULT;
const CALL = BADGE_HIGH_CALL;
const PLAIN_INFO = 0xffff_f07f;
const EMPTY_INFO = messageInfo(0, 0, 0);

export interface PdLoopOptions {
  readonly thread: UserThread;
  readonly profile: PdProfile;
  /** Runs the program's entry function. */
  readonly init: () => EntryPoints;
  readonly pd: ProtectionDomain<unknown>;
  readonly deferred: DeferredSignal;
  readonly accesses: RegisterAccesses;
  readonly counters: PdCounters;
  readonly observer: RuntimeObserver;
}

/**
 *     created ──init──▶ running ◀──────▶ waiting
 * A context that is resumed while `created` or `running` was cut off there by a fault. Numbers,
 * because the phase changes twice in each wake-up, and storing a string costs a write barrier.
 */
const CREATED = 0;
const RUNNING = 1;
const WAITING = 2;
/** The next wait carries no reply. */
const NO_REPLY = -1;

export class PdLoop extends Configured<PdLoopOptions> implements UserContext {
  readonly #thread: UserThread = this.options.thread;
  readonly #regs: Uint32Array = this.options.thread.regs;
  readonly #profile: PdProfile = this.options.profile;
  readonly #init: () => EntryPoints = this.options.init;
  readonly #pd: ProtectionDomain<unknown> = this.options.pd;
  readonly #deferred: DeferredSignal = this.options.deferred;
  readonly #accesses: RegisterAccesses = this.options.accesses;
  readonly #counters: PdCounters = this.options.counters;
  readonly #observer: RuntimeObserver = this.options.observer;
  #phase = CREATED;
  /**
   * The program's entry points, taken out once: each program returns an object of another shape,
   * and a property of many shapes is slow to look up.
   */
  #notified: EntryPoints['notified'] | undefined;
  #protected: EntryPoints['protected'];
  #fault: EntryPoints['fault'];
  #progress: EntryPoints['progress'];
  #awaitsTime: EntryPoints['awaitsTime'];
  #counted: unknown;
  /**
   * The event being handled: bits of the badge that are still to do, and the message that came with
   * it.
   */
  #badgeLow = 0;
  #badgeHigh = 0;
  #info = 0;
  /** Message information of the reply that the next wait carries, or {@link NO_REPLY}. */
  #reply = NO_REPLY;
  /** What `progress` was after the last event. */
  #progressSeen = 0;

  /**
   * What the program answers to {@link EntryPoints.awaitsTime}; undefined when it does not know.
   */
  awaitsTime(): boolean | undefined {
    const awaitsTime = this.#awaitsTime;
    return awaitsTime === undefined ? undefined : awaitsTime();
  }

  /** What the program has returned as `counters`. */
  get counted(): unknown {
    return this.#counted;
  }

  resume(): void {
    this.#accesses.count = 0;
    try {
      if (this.#phase === CREATED) this.#start();
      else this.#handle();
    } catch (thrown) {
      const error = bearable(thrown);
      this.#report(error);
      throw error;
    }
    this.#wait();
  }

  #start(): void {
    const entry = entryPointsOf(this.#init());
    this.#notified = entry.notified;
    this.#protected = entry.protected;
    this.#fault = entry.fault;
    this.#progress = entry.progress;
    this.#awaitsTime = entry.awaitsTime;
    this.#counted = entry.counters;
    this.#progressSeen = entry.progress === undefined ? -1 : entry.progress();
    for (const irq of this.#profile.irqs) this.#pd.irqAck(irq);
    if (this.#profile.passive) {
      // The request to the monitor takes the place of a deferred signal, as in Microkit: one set by
      // `init` is lost.
      if (this.#deferred.cptr !== 0) {
        this.#counters.deferredLost++;
        this.#pd.log(`${this.#profile.name}: passive: the signal that init deferred is lost`);
      }
      this.#deferred.cptr = SLOT_MONITOR_ENDPOINT;
      this.#deferred.info = EMPTY_INFO;
    }
  }

  #handle(): void {
    if (this.#phase === WAITING) {
      const regs = this.#regs;
      // Signed: a number of 32 bits that is a small integer to the engine, whatever its highest
      // bit.
      this.#badgeLow = (regs[A0] as number) | 0;
      this.#badgeHigh = (regs[A0 + 1] as number) | 0;
      this.#info = (regs[A1] as number) | 0;
      this.#phase = RUNNING;
    }
    if ((this.#badgeHigh & FAULT) !== 0) this.#childFault();
    else if ((this.#badgeHigh & CALL) !== 0) this.#call();
    else this.#signals();
  }

  /**
   * Each event may defer a signal of its own: one that an event before it has deferred goes out
   * first. In libmicrokit the second would replace it, and a peer whose wish has been withdrawn
   * already would wait for ever.
   */
  #signals(): void {
    const counters = this.#counters;
    const notified = this.#notified as EntryPoints['notified'];
    counters.wakeUps++;
    // The fields follow the locals, so that a fault in between leaves behind what is still to do.
    let low = this.#badgeLow;
    while (low !== 0) {
      if (this.#deferred.cptr !== 0) this.#flush();
      counters.notified++;
      const returned: unknown = notified(31 - Math.clz32(low & -low));
      if (returned !== undefined) refusePromise('notified', returned);
      low &= low - 1;
      this.#badgeLow = low;
    }
    let high = this.#badgeHigh;
    while (high !== 0) {
      if (this.#deferred.cptr !== 0) this.#flush();
      counters.notified++;
      const returned: unknown = notified(63 - Math.clz32(high & -high));
      if (returned !== undefined) refusePromise('notified', returned);
      high &= high - 1;
      this.#badgeHigh = high;
    }
    if (this.#hasStoodStill()) counters.wastedWakeUps++;
  }

  /**
   * @returns whether the program knows its progress, and there has been none since the last event
   */
  #hasStoodStill(): boolean {
    const progress = this.#progress;
    if (progress === undefined) return false;
    const now = progress();
    if (now === this.#progressSeen) return true;
    this.#progressSeen = now;
    return false;
  }

  #call(): void {
    const protectedCall = this.#protected;
    if (protectedCall === undefined) throw this.#missing('protected');
    this.#counters.protectedCalls++;
    const reply = protectedCall(this.#badgeLow & 0x3f, (this.#info & PLAIN_INFO) >>> 0);
    if (typeof reply !== 'number') throw wrongReply(reply);
    this.#reply = (reply & PLAIN_INFO) >>> 0;
    this.#hasStoodStill();
  }

  #childFault(): void {
    const handleFault = this.#fault;
    if (handleFault === undefined) throw this.#missing('fault');
    const words: number[] = [];
    for (let i = 0; i < messageLength(this.#info); i++) words.push(this.#pd.mr(i));
    const fault: ChildFault = { label: messageLabel(this.#info), words };
    const verdict = handleFault(this.#badgeLow & 0xff, fault);
    refusePromise('fault', verdict);
    if (verdict === 'resume') {
      this.#reply = EMPTY_INFO;
    }
  }

  /** Waits for the next event, with the reply and the deferred signal on the way. */
  #wait(): void {
    const regs = this.#regs;
    const deferred = this.#deferred;
    regs[A0 + 1] = 0;
    regs[A1 + 1] = 0;
    if (this.#reply !== NO_REPLY) {
      if (deferred.cptr !== 0) this.#flush();
      regs[A1] = this.#reply;
      this.#reply = NO_REPLY;
      regs[A7] = SYS_REPLY_RECV;
    } else if (deferred.cptr !== 0) {
      this.#counters.deferred++;
      regs[T0] = deferred.cptr;
      regs[T0 + 1] = 0;
      regs[A1] = deferred.info;
      regs[A7] = NB_SEND_RECV;
      deferred.cptr = 0;
    } else {
      regs[A7] = RECV;
    }
    regs[A0] = INPUT;
    regs[A6] = REPLY;
    regs[A6 + 1] = 0;
    this.#phase = WAITING;
    this.#thread.trapLast();
  }

  /** A wait that replies has no room for the deferred signal: it goes first, by itself. */
  #flush(): void {
    const regs = this.#regs;
    regs[A0] = this.#deferred.cptr;
    regs[A1] = this.#deferred.info;
    regs[A7] = SYS_SEND;
    this.#deferred.cptr = 0;
    this.#thread.trap();
  }

  #missing(entryPoint: string): Error {
    return new Error(`${this.#profile.name} is missing the '${entryPoint}' entry point`);
  }

  #report(error: unknown): void {
    if (error instanceof ThreadUnwound || error instanceof RunFailure) return;
    this.#counters.exceptions++;
    this.#observer.exception(this.#profile.name, error);
  }
}

/** @returns what was thrown, or an error in its place: a proxy may throw when it is looked at */
function bearable(thrown: unknown): unknown {
  try {
    void (thrown instanceof Error);
    return thrown;
  } catch {
    return new Misuse('throws what cannot be looked at');
  }
}

/** @throws Misuse when a program has returned something else */
function entryPointsOf(returned: unknown): EntryPoints {
  refusePromise('main', returned);
  const entry = Object(returned) as EntryPoints;
  demand(
    typeof entry.notified === 'function',
    'main returns no entry points: { notified(channel) { … } }',
  );
  return entry;
}

function wrongReply(reply: unknown): Misuse {
  refusePromise('protected', reply);
  return new Misuse('protected returns no message information: return messageInfo(label, count)');
}

/** @throws Misuse when an entry point goes on after it has returned */
function refusePromise(entryPoint: string, returned: unknown): void {
  if (typeof returned !== 'object' || returned === null) return;
  if ('next' in returned && Symbol.toStringTag in returned) {
    throw new Misuse(`${entryPoint} is a generator, of which nothing runs; make it a function`);
  }
  if (!('then' in returned)) return;
  // That it is refused is all that is to be said of it.
  Promise.resolve(returned).catch(() => undefined);
  throw new Misuse(`${entryPoint} is async; an entry point is done when it returns`);
}
