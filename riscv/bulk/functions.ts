/**
 * `memcpy`, `memmove`, `memset` and `memcmp` of an image, which an engine may do at once instead of
 * executing them.
 *
 * Whoever runs an engine says where they are; it knows them by their names, and their code by its
 * bytes. They are entered like any function: arguments in a0 to a2, the return address in ra, the
 * result in a0 (RISC-V ELF psABI, integer calling convention). Done at once, they leave every other
 * register as it was, where their code may have used any that the caller saves.
 */

import type { CodeRun } from '../address-space.ts';
import { decode, lengthOf } from '../decode.ts';
import { OPERATIONS } from '../operations.ts';

export const BULK_NAMES = ['memcpy', 'memmove', 'memset', 'memcmp'] as const;
export type BulkName = (typeof BULK_NAMES)[number];

export interface BulkFunction {
  readonly name: BulkName;
  /** Where it begins. */
  readonly vaddr: number;
  /** Its instructions, as the image has them: memory with other bytes there is executed. */
  readonly code: Uint8Array;
}

/**
 * Instructions that a function counts as: what good code of words of 8 bytes takes. One for each
 * word to set, two to copy one, four to compare one.
 *
 * @param bytes that were copied, set, or found equal
 */
export function chargeOf(name: BulkName, bytes: number): number {
  return CHARGE_EACH + (bytes >>> CHARGE_SHIFTS[name]);
}

export const CHARGE_EACH = 12;
/** Bytes per instruction, as a power of two. */
export const CHARGE_SHIFTS: Readonly<Record<BulkName, number>> = {
  memcpy: 2,
  memmove: 2,
  memset: 3,
  memcmp: 1,
};

/**
 * More bytes are left to the code: nothing interrupts what is done at once, so it has to be short.
 */
export const MOST_BYTES = 4096;

/** Why a function is not replaced, or undefined. */
export function whyExecuted({ vaddr, code }: BulkFunction): string | undefined {
  if (code.length === 0) return 'its size is not known';
  return isOwnLoop(vaddr, code) ? 'a loop of it begins with its first instruction' : undefined;
}

/**
 * @returns by their addresses, those of the functions that a piece of executable memory holds
 * unchanged
 */
export function bulkEntries(
  run: CodeRun,
  functions: readonly BulkFunction[],
): ReadonlyMap<number, BulkName> {
  const entries = new Map<number, BulkName>();
  for (const { name, vaddr, code } of functions) {
    const from = vaddr - run.vaddr;
    if (from < 0 || from + code.length > run.sizeBytes) continue;
    if (code.every((byte, index) => run.bytes[from + index] === byte)) entries.set(vaddr, name);
  }
  return entries;
}

/** Whether some branch of the code goes to its beginning: coming there is then no call. */
function isOwnLoop(vaddr: number, code: Uint8Array): boolean {
  const half = (at: number): number => (code[at] ?? 0) | ((code[at + 1] ?? 0) << 8);
  for (let at = 0; at < code.length;) {
    const length = lengthOf(half(at));
    const instruction = decode(half(at) | (length === 4 ? half(at + 2) << 16 : 0));
    const format = OPERATIONS[instruction.op]?.format;
    if ((format === 'B' || format === 'J') && vaddr + at + instruction.imm === vaddr) return true;
    at += length;
  }
  return false;
}
