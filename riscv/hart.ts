/**
 * A hart (hardware thread) in user mode, as both engines keep it: one block of memory, so that the
 * translated code and the interpreter can take over from each other at any instruction, and so that
 * the kernel's view of the integer registers is a view of the same bytes.
 *
 * The block lies in the staging area of RAM, where no physical address reaches it. All values are
 * little-endian.
 */

import type { MmioDevice } from '../memory/region.ts';

/** Offsets in the block, in bytes. */
export const HART = {
  /**
   * 32 words of 8 bytes in the order of seL4's user context: pc, ra, sp, gp, s0..s11, a0..a7,
   * t0..t6, tp. The pc is that of the last system call or fault ("FaultIP" in seL4); where the hart
   * goes on is `nextPc`.
   */
  registers: 0,
  /** Where the next instruction is fetched ("NextIP" in seL4). */
  nextPc: 256,
  /**
   * Floating-point control and status, u32: accrued exceptions in bits 0..4, rounding mode in bits
   * 5..7.
   */
  fcsr: 264,
  /** u32: 0 makes every floating-point instruction illegal (mstatus.FS = Off). */
  hasFloatingPoint: 268,
  /** Instructions retired since the start, u64. */
  retired: 272,
  /**
   * Instructions that may still be executed before the engine has to return, i32. Up to date
   * whenever the engine calls out ({@link Outside}); who is called may lower it, and the engine
   * reads it again.
   */
  remaining: 280,
  /** u32: 1 while `reservation…` holds one (LR/SC). */
  hasReservation: 284,
  /** Virtual address and value of the reservation, u64 each. */
  reservationAddress: 288,
  reservationValue: 296,
  /** Of the trap that the engine has returned: the value of the `stval` register, u64. */
  trapValue: 304,
  /** Number of entries ever written to `branches`, u32. */
  branchCount: 312,
  /**
   * The last targets of taken jumps and branches, {@link BRANCHES} of u64: entry number
   * `branchCount - 1 & 15` is the newest. Translated code records less: functions that it has
   * called, of those that call others. Their addresses have bit 0 set.
   */
  branches: 320,
  /** f0..f31, 8 bytes each. */
  floats: 448,
  /** u64: what reading x0 yields. Always 0. */
  zero: 704,
  /** u64: where what is written to x0 goes. Nobody reads it. */
  discarded: 712,
  /**
   * Nanoseconds since power-on, u64, and what an instruction takes of them, i32: an instruction
   * begins at `clock`, less `remaining` times `clockStep`, with `remaining` as it is before it. A
   * step below 0 says that this is not how time passes: then {@link Outside.nowNs} is asked.
   * Whoever runs the hart keeps both up to date.
   */
  clock: 720,
  clockStep: 728,
  /** What an engine keeps for itself: cached runs of the address space. */
  engine: 736,
} as const;

export const HART_BYTES = 2048;

/**
 * What the `time` register counts in: 10 MHz, as on QEMU's `virt`. The `cycle` register counts
 * nanoseconds, cycles of 1 GHz.
 */
export const NS_PER_TICK = 100;

/** Entries of the record of branches, a power of two. */
export const BRANCHES = 16;

/**
 * Index in `registers` of x0..x31. x0 has none: its index is that of the pc, and nobody may use it.
 */
export const SLOT_OF_X: readonly number[] = [
  0, 1, 2, 3, 31, 24, 25, 26, 4, 5, 16, 17, 18, 19, 20, 21, 22, 23, 6, 7, 8, 9, 10, 11, 12, 13, 14,
  15, 27, 28, 29, 30,
];

/**
 * Why an engine has returned: the number of the exception as `scause` has it (privileged
 * specification, table of causes), or one of our own below zero. With an exception, `registers[pc]`
 * is the instruction that made it and `nextPc` too, except after `ecall`, where `nextPc` is the
 * instruction behind it. Nothing of an instruction that trapped is done.
 */
export const EXIT = {
  /**
   * `remaining` is used up. `nextPc` and `registers[pc]` are the instruction that would be next.
   */
  limit: -1,
  /**
   * A debugger wants to look before the instruction at `nextPc` is executed: see `Scrutiny` in
   * `address-space.ts`. Nothing has happened; a reservation is still there.
   */
  planted: -2,
  fetchAccess: 1,
  illegal: 2,
  breakpoint: 3,
  loadMisaligned: 4,
  loadAccess: 5,
  storeMisaligned: 6,
  storeAccess: 7,
  ecall: 8,
  fetchPage: 12,
  loadPage: 13,
  storePage: 15,
} as const;

/**
 * A longest run of addresses with equal rights that lie one after the other in RAM, or among one
 * device's registers.
 */
export interface Run {
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

/** What an engine asks of whoever runs it. */
export interface Outside {
  /** @returns the run that holds a virtual address, or undefined when nothing is mapped there */
  runAt(vaddr: number): Run | undefined;
  /**
   * Changes whenever a mapping does: what was cached of `runAt` is void. Looked at when the engine
   * is entered.
   */
  generation(): number;
  /**
   * An access to a device's registers: lets the virtual time of the instructions so far pass before
   * it, and may lower `remaining` when an interrupt is pending after it. The instruction itself is
   * counted already, in `retired` and in `remaining`: it can no longer trap. `registers[pc]` is its
   * address. `width` is 1, 2 or 4, `offset` a multiple of it. 8-byte accesses are two of 4, low
   * half first. Values are unsigned.
   */
  readDevice(run: Run, offset: number, width: number): number;
  writeDevice(run: Run, offset: number, value: number, width: number): void;
  /** Nanoseconds since power-on, a whole number; asked when `HART.clockStep` is below 0. */
  nowNs(): number;
}
