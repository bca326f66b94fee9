/**
 * What can be seen of a running system without changing it, and how it is seen: the testbed is made
 * of observed parts in place of plain ones. A testbed without an {@link Instrument} has none of
 * this code on its path.
 *
 *     thread    started ──▶ runs ──▶ enters ──▶ returns ──▶ enters ──▶ (waits) ──▶ runs …
 *     board     raised ──▶ claimed ──▶ completed;  idle;  deviceRead, deviceWritten
 *
 * Threads are numbered as `flatten()` numbers protection domains; the monitor comes behind them.
 */

import type { Board, BoardOptions } from '../../board/board.ts';
import type { HartThread, MachineCode, ProgramImage, UserThread } from '../../kernel/user.ts';
import type { Batches } from '../../memory/ram.ts';

/** How a thread comes to run. Numbers, because they are recorded. */
export const RUN_INIT = 0;
/** Its wait is over: the badge is in a0, the message information in a1. */
export const RUN_WOKEN = 1;
/** Its handler begins again, after a fault that was handled. */
export const RUN_AGAIN = 2;

export interface ThreadObserver {
  /** A program starts on the thread, whose page table is complete. */
  started(pd: number, thread: UserThread): void;
  /** @param how one of `RUN_…` */
  runs(pd: number, how: number, regs: Uint32Array): void;
  /**
   * The thread makes the system call that is in its registers; `waits`: as the last act of its
   * handler.
   */
  enters(pd: number, regs: Uint32Array): void;
  waits(pd: number, regs: Uint32Array): void;
  /** A system call of {@link enters} is over, and the thread goes on. */
  returns(pd: number): void;
  /** The program has thrown: the kernel makes a fault of it, or takes its frame away. */
  throws(pd: number, error: unknown): void;
}

export interface BoardObserver {
  raised(irq: number): void;
  claimed(irq: number): void;
  completed(irq: number): void;
  /** The processor has nothing to do, or its time slice is over. */
  idle(): void;
  /** The live loop begins a slice, perhaps after a pause. */
  sliceBegins(): void;
  /** @param device number of the device in the order in which they were first mapped */
  deviceRead(device: number, offset: number): void;
  deviceWritten(device: number, offset: number, value: number): void;
  /** A device has been mapped for the first time. */
  deviceMapped(device: number, name: string): void;
}

/** Makes the observed parts of a testbed. */
export interface Instrument {
  /**
   * 'wasm': it makes do with what memory is like behind a batch. It is shown each step unless told.
   */
  readonly batches?: Batches;
  makeBoard(options: BoardOptions): Board;
  observe(image: ProgramImage, pd: number): ProgramImage;
  /** @param start makes the body of a domain's thread that runs machine code */
  observeMachineCode?(
    start: (thread: HartThread) => MachineCode,
    pd: number,
  ): (thread: HartThread) => MachineCode;
}
