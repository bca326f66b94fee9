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
      readonly address: number;
      readonly isInstruction: boolean;
      readonly status: number;
    };

export function userException(number: number, code: number): Fault {
  return { kind: 'userException', number, code };
}

/** RISC-V access fault codes: 1 instruction, 5 load, 7 store. */
const ACCESS_FAULT: Readonly<Record<Access, number>> = { execute: 1, read: 5, write: 7 };

/** The fault of a load, store or instruction fetch that the mapping does not allow. */
export function memoryFault(error: MemoryFault): Fault {
  return {
    kind: 'vm',
    address: error.address,
    isInstruction: error.access === 'execute',
    status: ACCESS_FAULT[error.access],
  };
}
