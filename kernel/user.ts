/**
 * The processor as a user thread's program meets it: a register file, memory behind a page table,
 * and the trap instruction. This is the only thing of the kernel that a program is given;
 * everything else it does by system calls.
 */

import type { Access, MmioDevice, OpenRegion } from '../memory/region.ts';

/** What a mapped range turns out to be. */
export type Mapping =
  | {
      readonly kind: 'ram';
      readonly at: number;
      readonly memory: OpenRegion;
      readonly writable: 'yes' | 'no';
    }
  | { readonly kind: 'device'; readonly device: MmioDevice; readonly offset: number };

export interface UserThread {
  /** The register file: see `REG_…` in `abi.ts`. */
  readonly regs: Uint32Array;

  /**
   * Executes the system call in a7 from inside a running program, and returns when the thread has
   * the processor again. Higher-priority threads run nested inside this call. Throws
   * `ThreadUnwound` when the thread was meanwhile stopped, restarted or deleted.
   */
  trap(): void;

  /**
   * Executes the system call in a7 as the last act of `UserContext.resume()`. Returns at once;
   * `resume()` is called again when the thread next has the processor.
   */
  trapLast(): void;

  /**
   * Lets time pass as computing does, up to what would interrupt it: the end of the budget, a
   * refill of another thread. Then `resume()` has to return without a trap to be resumed when its
   * turn comes. Host time passes by itself.
   *
   * @returns nanoseconds that are left
   */
  spend(durationNs: number): number;

  /**
   * Lets time pass in the middle of the program, as if the instructions up to here had taken so
   * long: interrupts and threads of higher priority that become due meanwhile run nested inside
   * this call, as in {@link trap}. Programs do not call it: it is for whoever explores the orders
   * in which things can happen. Virtual clock only.
   *
   * @throws ThreadUnwound as {@link trap} does
   */
  pass(durationNs: number): void;

  /**
   * The program sets its own pc for memory accesses, so that one that faulted can be made again.
   */
  keepsPc(): void;

  /**
   * For calls that do not trap: holds the program to making them only while the kernel lets it run.
   *
   * @throws CalledOutside otherwise, and if nobody runs, the thread has faulted
   */
  demandRunning(): void;

  /**
   * Walks the thread's page table over a range that must be mapped contiguously and allow `access`.
   */
  mapping(vaddr: number, lengthBytes: number, access: Access): Mapping | undefined;
}

/**
 * The body of a thread: the kernel resumes it with the result of its last system call in the
 * registers, and it runs until `trapLast` or until it throws. An exception is a fault of the
 * thread: `MemoryFault` a VM fault, anything else a user exception. A `RunFailure`, our own bug for
 * instance, ends the run and is never caught.
 */
export interface UserContext {
  resume(): void;
}

/**
 * A longest run of addresses of a thread with equal rights, whose bytes lie one after the other in
 * RAM or among one device's registers.
 */
export interface MappedRun {
  /** First virtual address, a multiple of 4 KiB. */
  readonly vaddr: number;
  readonly sizeBytes: number;
  readonly isReadable: boolean;
  readonly isWritable: boolean;
  readonly isExecutable: boolean;
  /** Offset in RAM of the first byte; -1 for a device. */
  readonly at: number;
  readonly device: MmioDevice | undefined;
  /** Offset among the device's registers of the first byte. */
  readonly deviceOffset: number;
}

/**
 * What the kernel lends to a body that executes instructions. Such a body never traps from within
 * `resume()`: it runs up to a system call or fault and ends with it, or up to {@link preemptionAt}
 * or a pending interrupt and ends without.
 */
export interface HartThread extends UserThread {
  /** The name that DebugNameThread has given to the thread, or ''. */
  readonly name: string;
  /** Nanoseconds since power-on. */
  now(): number;
  /**
   * Lets time pass for instructions, with every event on the way at its own time; nothing under the
   * host clock.
   */
  charge(durationNs: number): void;
  /** When the budget ends, another thread wakes up or the run is over. */
  preemptionAt(): number;
  /** When the machine does something by itself, after which an interrupt may be pending. */
  nextEventAt(): number;
  readonly isInterruptPending: boolean;
  /** Whether the body has made its last system call of this `resume()`. */
  readonly hasTrapped: boolean;
  /** The cause of the exception that it has raised as its last act, or below zero. */
  readonly exception: number;
  /**
   * Raises an exception as the last act of `resume()`. Cause and value as `scause` and `stval` have
   * them.
   */
  raiseLast(cause: number, valueLow: number, valueHigh: number): void;
  /** @returns the run that holds an address, or undefined when nothing is mapped there */
  runAt(vaddr: number): MappedRun | undefined;
  /** Another number whenever a mapping has changed, of this thread or another. */
  readonly mappingGeneration: number;
}

/** The body of a thread that executes instructions. */
export interface MachineCode extends UserContext {
  /** The thread's register file from here on, with `REG_NEXT_PC` behind the others. */
  readonly registers: Uint32Array;
  /** Virtual time that its instructions have taken so far. */
  readonly userNs: number;
  /** `false` makes every floating-point instruction illegal. */
  allowFloatingPoint(isAllowed: boolean): void;
}

/**
 * Program text: what runs when a thread without a context is resumed with its pc at this image's
 * entry address.
 */
export interface ProgramImage {
  readonly name: string;
  start(thread: UserThread): UserContext;
}

/**
 * Thrown by `trap()` when the thread's frame must be left for good: the thread was stopped,
 * restarted or deleted while threads above it ran. Catching it is of no use: each further `trap()`
 * throws again, and what the handler does after its end is not waited for.
 */
export class ThreadUnwound extends Error {
  override readonly name = 'ThreadUnwound';
}

/**
 * A program makes a call while the kernel does not let it run: from a promise, a timer, or a
 * program of another domain that has got hold of what was given to this one.
 */
export class CalledOutside extends Error {
  override readonly name = 'CalledOutside';
}

/**
 * Thrown by a program to raise a user exception of its own, such as an illegal instruction (number
 * 2).
 */
export class UserException extends Error {
  override readonly name = 'UserException';
  readonly number: number;
  readonly code: number;

  constructor(number: number, code: number) {
    super(`user exception ${number}, code ${code}`);
    this.number = number;
    this.code = code;
  }
}

/** Number of the user exception that stands for an error thrown by a program. */
export const USER_EXCEPTION_PROGRAM = 0x10;

/**
 * Number of the user exception of a thread whose frame was unwound while it waited: see "Three
 * corners", README.
 */
export const USER_EXCEPTION_FRAME_LOST = 0x11;

/**
 * Number of the user exception of machine code that ran on and on where its instructions take no
 * time.
 */
export const USER_EXCEPTION_ENDLESS = 0x12;
