/** What went wrong for a thread: the record of a fault, until its handler has been told. */

import type { Access, MemoryFault } from '../../memory/region.ts';

/** Why a lookup failed; the numbers are those of the message less one. */
export const LOOKUP_INVALID_ROOT = 0;
export const LOOKUP_MISSING_CAPABILITY = 1;
export const LOOKUP_DEPTH_MISMATCH = 2;
export const LOOKUP_GUARD_MISMATCH = 3;

export interface LookupFailure {
  type: number;
  bitsLeft: number;
  bitsFound: number;
  guardLow: number;
  guardHigh: number;
}

export type Fault =
  | {
      readonly kind: 'cap';
      readonly cptrLow: number;
      readonly cptrHigh: number;
      readonly inReceivePhase: boolean;
      readonly lookup: Readonly<LookupFailure>;
    }
  | { readonly kind: 'unknownSyscall'; readonly low: number; readonly high: number }
  | { readonly kind: 'userException'; readonly number: number; readonly code: number }
  | { readonly kind: 'timeout'; readonly badgeLow: number; readonly badgeHigh: number }
  | {
      readonly kind: 'vm';
      readonly addressLow: number;
      readonly addressHigh: number;
      readonly isInstruction: boolean;
      readonly status: number;
    };

export function userException(number: number, code: number): Fault {
  return { kind: 'userException', number, code };
}

/** RISC-V access fault codes: 1 instruction, 5 load, 7 store. */
const ACCESS_FAULT: Readonly<Record<Access, number>> = { execute: 1, read: 5, write: 7 };

/** Exceptions of a fetch: access fault and page fault. */
const FETCH_FAULTS: readonly number[] = [1, 12];
/**
 * Exceptions that are faults of virtual memory, as seL4 tells them apart: access and page faults.
 */
const VM_FAULTS: readonly number[] = [...FETCH_FAULTS, 5, 7, 13, 15];

/**
 * The fault of an instruction that has trapped.
 *
 * @param cause as `scause` has it; @param low and high of `stval`
 */
export function machineFault(cause: number, low: number, high: number): Fault {
  if (!VM_FAULTS.includes(cause)) return userException(cause, 0);
  const isInstruction = FETCH_FAULTS.includes(cause);
  return { kind: 'vm', addressLow: low, addressHigh: high, isInstruction, status: cause };
}

/** The fault of fetching at an address where there is no program. */
export function fetchFault(pc: number): Fault {
  return { kind: 'vm', ...halves(pc), isInstruction: true, status: 1 };
}

function halves(address: number): { readonly addressLow: number; readonly addressHigh: number } {
  return { addressLow: address >>> 0, addressHigh: Math.floor(address / 2 ** 32) };
}

/** The fault of a load, store or instruction fetch that the mapping does not allow. */
export function memoryFault(error: MemoryFault): Fault {
  return {
    kind: 'vm',
    ...halves(error.address),
    isInstruction: error.access === 'execute',
    status: ACCESS_FAULT[error.access],
  };
}
