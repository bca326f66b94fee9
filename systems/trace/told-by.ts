/**
 * Which system call told the next stage of an entry: the first one after the entry was published
 * that signals a domain at the queue's other end. Without any, the next stage is awake already, and
 * the call that ended the handler is named.
 */

import { REG_A0, REG_A7, REG_T0, SYS_NB_SEND_RECV } from '../../kernel/abi.ts';
import type { SystemNames, Target } from './names.ts';

/** What is told: a hop whose `by` is still open. */
interface Told {
  readonly hop: { by: string };
  readonly pd: number;
  readonly queue: string;
}

export interface SystemCall {
  /** Such as "Send: notify net_virt_rx". */
  readonly text: string;
  /** Such as "Send". */
  readonly name: string;
  readonly target: Target;
}

/** @returns the system call that a domain's registers hold */
export function systemCallOf(names: SystemNames, pd: number, regs: Uint32Array): SystemCall {
  const number = (regs[2 * REG_A7] as number) | 0;
  const register = number === SYS_NB_SEND_RECV ? REG_T0 : REG_A0;
  const target = names.target(pd, regs[2 * register] as number);
  const text = names.targetText(target);
  const name = names.systemCall(number);
  return { name, target, text: text === '' ? name : `${name}: ${text}` };
}

export class ToldBy {
  readonly #names: SystemNames;
  readonly #hasQueue: (pd: number, queue: string) => boolean;
  #open: readonly Told[] = [];

  constructor(names: SystemNames, hasQueue: (pd: number, queue: string) => boolean) {
    this.#names = names;
    this.#hasQueue = hasQueue;
  }

  /** A domain has put an entry into a queue: its present system call, or a later one, tells. */
  put(told: Told): void {
    this.#open = [...this.#open, told];
  }

  /** After what is new in its queues has been {@link put}. */
  calls(pd: number, regs: Uint32Array, how: 'goes on' | 'waits'): void {
    if (this.#open.length === 0) return;
    const call = systemCallOf(this.#names, pd, regs);
    this.#open = this.#open.filter(({ hop, pd: owner, queue }) => {
      if (owner !== pd) return true;
      const isTold =
        (call.target.kind === 'notify' || call.target.kind === 'call') &&
        this.#hasQueue(call.target.pd, queue);
      if (isTold) hop.by = call.text;
      else if (how === 'waits') hop.by = call.name;
      return !isTold && how === 'goes on';
    });
  }
}
