/** What went wrong for a thread: the record of a fault, until its handler has been told. */

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
