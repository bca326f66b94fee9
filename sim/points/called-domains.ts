/**
 * Faults of a domain that others call. When its budget ends in the middle of its work, its callers
 * wait for it to have a new one. On hardware they just wait. A TypeScript program that waits is a
 * JavaScript frame, and it would lie on top of the frame of the one that it waits for: neither
 * could go on, and the kernel would give up the caller's (kernel/README.md, "corners"). So what
 * makes such a domain slow happens where it has no frame: when it has done its work, and before it
 * waits again.
 */

import { REG_A0, REG_A1, REG_A6, REG_A7, REG_T0, SYS_SEND } from '../../kernel/abi.ts';
import type { ProgramImage, UserContext, UserThread } from '../../kernel/user.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import { SLOT_OUTPUT_NOTIFICATION } from '../../microkit/slots.ts';

/** Registers of the wait that a signal before it would overwrite; both halves of each. */
const KEPT = [REG_A0, REG_A1, REG_A6, REG_A7, REG_T0].flatMap((register) => [
  2 * register,
  2 * register + 1,
]);

/** @returns names of domains that others may make protected calls to */
export function calledDomains(system: SystemDescription): ReadonlySet<string> {
  const called = system.channels.flatMap(({ a, b }) => [
    ...(a.pp ? [b.pd] : []),
    ...(b.pp ? [a.pd] : []),
  ]);
  return new Set(flatten(system).flatMap(({ pd }) => (called.includes(pd.name) ? [pd.name] : [])));
}

export interface AfterWork {
  /**
   * How long the domain is slow before it waits, ns; 0 for not at all. Asked once for each time.
   */
  readonly lateness: () => number;
  /** Channels that it signals before it waits. Emptied as they are signalled. */
  readonly babble?: number[];
}

/** The image, with what goes wrong behind its work and before its wait. */
export function imageAfterWork(image: ProgramImage, after: AfterWork): ProgramImage {
  return {
    name: image.name,
    start: (thread) => {
      after.babble?.splice(0);
      const owing = new OwingThread(thread, after);
      const context = image.start(owing);
      return new OwingContext(context, owing);
    },
  };
}

/**
 * A thread that owes its wait until it is no longer slow, and has signalled all that it is to
 * signal.
 */
class OwingThread implements UserThread {
  readonly regs: Uint32Array;
  readonly #thread: UserThread;
  readonly #after: AfterWork;
  /**
   * What {@link KEPT} held when the program began to wait; undefined while it does not owe this.
   */
  #owed: readonly number[] | undefined;
  #lateNs = 0;

  constructor(thread: UserThread, after: AfterWork) {
    this.regs = thread.regs;
    this.#thread = thread;
    this.#after = after;
  }

  trapLast(): void {
    this.#lateNs = this.#after.lateness();
    this.#owed = KEPT.map((index) => this.regs[index] as number);
    this.goesOnOwing();
  }

  /** One step towards the wait. @returns false when none is owed: then the program has its turn */
  goesOnOwing(): boolean {
    const owed = this.#owed;
    if (owed === undefined) return false;
    if (this.#lateNs > 0) {
      // Without a system call `resume` is over, and called again when the thread has its turn.
      this.#lateNs = this.#thread.spend(this.#lateNs);
      return true;
    }
    const channel = this.#after.babble?.shift();
    if (channel === undefined) {
      KEPT.forEach((index, i) => (this.regs[index] = owed[i] as number));
      this.#owed = undefined;
    } else {
      this.#signal(channel);
    }
    this.#thread.trapLast();
    return true;
  }

  #signal(channel: number): void {
    this.regs[2 * REG_A0] = SLOT_OUTPUT_NOTIFICATION + channel;
    this.regs[2 * REG_A0 + 1] = 0;
    this.regs[2 * REG_A1] = 0;
    this.regs[2 * REG_A1 + 1] = 0;
    this.regs[2 * REG_A7] = SYS_SEND;
    this.regs[2 * REG_A7 + 1] = -1;
  }

  trap(): void {
    this.#thread.trap();
  }

  spend(durationNs: number): number {
    return this.#thread.spend(durationNs);
  }

  pass(durationNs: number): void {
    this.#thread.pass(durationNs);
  }

  keepsPc(): void {
    this.#thread.keepsPc();
  }

  demandRunning(): void {
    this.#thread.demandRunning();
  }

  mapping(...range: Parameters<UserThread['mapping']>): ReturnType<UserThread['mapping']> {
    return this.#thread.mapping(...range);
  }
}

class OwingContext implements UserContext {
  readonly #context: UserContext;
  readonly #thread: OwingThread;

  constructor(context: UserContext, thread: OwingThread) {
    this.#context = context;
    this.#thread = thread;
  }

  resume(): void {
    if (!this.#thread.goesOnOwing()) this.#context.resume();
  }
}
