/**
 * What a machine-code domain does with Microkit's calls, counted where it shows: at its system
 * calls. The counters are those that the runtime of TypeScript programs keeps, and mean the same.
 */

import {
  REG_A0,
  REG_A7,
  REG_T0,
  SYS_CALL,
  SYS_NB_SEND_RECV,
  SYS_RECV,
  SYS_REPLY_RECV,
  SYS_SEND,
} from '../../kernel/abi.ts';
import {
  BADGE_HIGH_CALL,
  BADGE_HIGH_FAULT,
  SLOT_CHILD_TCB,
  SLOT_IRQ_HANDLER,
  SLOT_OUTPUT_ENDPOINT,
  SLOT_OUTPUT_NOTIFICATION,
} from '../slots.ts';
import type { PdCounters } from './observer.ts';

// Low halves of registers in `regs`.
const A0 = 2 * REG_A0;
const A7 = 2 * REG_A7;
const T0 = 2 * REG_T0;

export class CallCounter {
  readonly #counters: PdCounters;
  /** The last system call waits for an event. */
  #isWaiting = false;

  constructor(counters: PdCounters) {
    this.#counters = counters;
  }

  /** The domain makes the system call that is in its registers. */
  onCall(regs: Uint32Array): void {
    const counters = this.#counters;
    const cptr = regs[A0] as number;
    switch ((regs[A7] as number) | 0) {
      case SYS_SEND:
        this.#countSignal(cptr);
        return;
      case SYS_CALL:
        if (isIn(cptr, SLOT_OUTPUT_ENDPOINT, SLOT_IRQ_HANDLER)) counters.ppcalls++;
        else this.#countSignal(cptr);
        return;
      case SYS_NB_SEND_RECV:
        counters.deferred++;
        this.#countSignal(regs[T0] as number);
        this.#isWaiting = true;
        return;
      case SYS_RECV:
      case SYS_REPLY_RECV:
        this.#isWaiting = true;
        return;
      default:
    }
  }

  /** The domain goes on: if it has waited, the badge of what has come is in a0. */
  onResume(regs: Uint32Array): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    const counters = this.#counters;
    const low = regs[A0] as number;
    const high = regs[A0 + 1] as number;
    if ((high & BADGE_HIGH_FAULT) !== 0) return;
    if ((high & BADGE_HIGH_CALL) !== 0) {
      counters.protectedCalls++;
      return;
    }
    counters.wakeUps++;
    counters.notified += bitCount(low) + bitCount(high);
  }

  #countSignal(cptr: number): void {
    if (isIn(cptr, SLOT_OUTPUT_NOTIFICATION, SLOT_OUTPUT_ENDPOINT)) this.#counters.notifies++;
    else if (isIn(cptr, SLOT_IRQ_HANDLER, SLOT_CHILD_TCB)) this.#counters.irqAcks++;
  }
}

function isIn(cptr: number, first: number, end: number): boolean {
  return cptr >= first && cptr < end;
}

function bitCount(word: number): number {
  let count = 0;
  for (let rest = word | 0; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
