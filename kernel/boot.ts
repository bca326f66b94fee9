/** Boot: everything that exists before the first system call. See section "Boot" of the README. */

import type { BootInfo } from './boot-info.ts';
import type { Machine } from './machine.ts';
import type { ProgramImage } from './user.ts';

/** The pc at which the root task starts. */
export const ROOT_TASK_ENTRY = 0x1_0000;

/** A program and the pc at which it starts: TCB_WriteRegisters of this pc, with resume, runs `image.start()`. */
export interface LoadedImage {
  /** A multiple of 16. */
  readonly entry: number;
  readonly image: ProgramImage;
}

export interface BootOptions {
  readonly machine: Machine;
  /** The initial thread: priority and MCP 255. It gets the boot information when it is made. */
  readonly rootTask: (bootInfo: BootInfo) => ProgramImage;
  /** All other programs. */
  readonly images?: readonly LoadedImage[];
  /** log2 of the slots of the root CNode; 12 when left out. */
  readonly rootCNodeSizeBits?: number;
}

/** Counts of the running kernel, for benchmarks and reports. */
export interface KernelCounters {
  kernelEntries: number;
  contextSwitches: number;
  notificationsSent: number;
  interrupts: number;
  ipcCalls: number;
  faults: number;
}

/** A running kernel. */
export interface Kernel {
  readonly bootInfo: BootInfo;
  readonly counters: KernelCounters;
  /**
   * Runs threads until none is runnable or the machine's time has reached `untilNs`.
   *
   * @returns 'idle' when no thread can run before an interrupt or the kernel's own deadline (`machine.setDeadline`),
   * 'deadline' when there is more to do
   */
  run(untilNs: number): 'idle' | 'deadline';
}

/** A boot configuration that cannot be met; the message is one line for the user. */
export class BootError extends Error {
  override readonly name = 'BootError';
}

/** @throws BootError when the configuration cannot be met */
export function boot(options: BootOptions): Kernel {
  throw new BootError(`not yet: ${options.machine.irqMax}`);
}
