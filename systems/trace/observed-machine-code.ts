/**
 * Machine code under observation: its system calls are seen where the kernel is entered. Between
 * them it runs in slices, and what an observer is told of those is that the thread has the
 * processor (again).
 */

import {
  REG_A7,
  SYS_NB_SEND_RECV,
  SYS_NB_SEND_WAIT,
  SYS_RECV,
  SYS_REPLY_RECV,
  SYS_WAIT,
} from '../../kernel/abi.ts';
import { type HartThread, type MachineCode, UserException } from '../../kernel/user.ts';
import { MemoryFault } from '../../memory/region.ts';
import { RUN_INIT, RUN_WOKEN, type ThreadObserver } from './observer.ts';

const A7 = 2 * REG_A7;
/** System calls with which a thread waits. */
const WAITS: readonly number[] = [
  SYS_RECV,
  SYS_REPLY_RECV,
  SYS_NB_SEND_RECV,
  SYS_NB_SEND_WAIT,
  SYS_WAIT,
];
/** Exceptions below are of instructions; access and page faults are of memory. */
const MEMORY_CAUSES: readonly number[] = [1, 5, 7, 12, 13, 15];
/** It goes on where it was, after a system call or a pause. */
const GOES_ON = -1;

export interface ObservedMachineCodeOptions {
  readonly thread: HartThread;
  readonly body: MachineCode;
  readonly pd: number;
  readonly observer: ThreadObserver;
}

export class ObservedMachineCode implements MachineCode {
  readonly registers: Uint32Array;
  readonly #options: ObservedMachineCodeOptions;
  #next: number = RUN_INIT;

  constructor(options: ObservedMachineCodeOptions) {
    this.registers = options.body.registers;
    this.#options = options;
    options.observer.started(options.pd, options.thread);
  }

  get userNs(): number {
    return this.#options.body.userNs;
  }

  allowFloatingPoint(isAllowed: boolean): void {
    this.#options.body.allowFloatingPoint(isAllowed);
  }

  resume(): void {
    const { body, observer, pd, thread } = this.#options;
    const { registers } = this;
    if (this.#next === GOES_ON) observer.returns(pd);
    else observer.runs(pd, this.#next, registers);
    this.#next = GOES_ON;
    body.resume();
    if (thread.hasTrapped) {
      const isWait = WAITS.includes((registers[A7] as number) | 0);
      if (isWait) observer.waits(pd, registers);
      else observer.enters(pd, registers);
      this.#next = isWait ? RUN_WOKEN : GOES_ON;
    } else if (thread.exception >= 0) {
      observer.throws(pd, errorOf(thread.exception));
    }
  }
}

/** What a TypeScript program would have thrown. */
function errorOf(cause: number): Error {
  return MEMORY_CAUSES.includes(cause) ? new MemoryFault(0, 'read') : new UserException(cause, 0);
}
