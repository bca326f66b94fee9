/**
 * Refusals: the one place where an invocation's error is recorded, and where it becomes message
 * registers.
 */

import {
  DELETE_FIRST,
  FAILED_LOOKUP,
  INVALID_ARGUMENT,
  INVALID_CAPABILITY,
  NOT_ENOUGH_MEMORY,
  RANGE_ERROR,
} from './abi.ts';
import {
  LOOKUP_DEPTH_MISMATCH,
  LOOKUP_GUARD_MISMATCH,
  LOOKUP_INVALID_ROOT,
  LOOKUP_MISSING_CAPABILITY,
} from './ipc/fault-record.ts';
import type { LookupFailure } from './ipc/fault-record.ts';
import type { Slot, Tcb } from './objects/objects.ts';
import { setMr } from './ipc/message-registers.ts';
import { STATUS_ERROR, STATUS_OK } from './state.ts';
import type { KernelState, Status } from './state.ts';

/** Refuses with an error that has no message registers. */
export function refuse(k: KernelState, type: number): Status {
  k.error.type = type;
  return STATUS_ERROR;
}

export function refuseArgument(k: KernelState, number: number): Status {
  k.error.type = INVALID_ARGUMENT;
  k.error.number = number;
  return STATUS_ERROR;
}

export function refuseCapability(k: KernelState, number: number): Status {
  k.error.type = INVALID_CAPABILITY;
  k.error.number = number;
  return STATUS_ERROR;
}

/** @param max below 2^53 */
export function refuseRange(k: KernelState, min: number, max: number): Status {
  return refuseRangeWord(k, min, max >>> 0, Math.floor(max / 2 ** 32));
}

export function refuseRangeWord(
  k: KernelState,
  min: number,
  maxLow: number,
  maxHigh: number,
): Status {
  k.error.type = RANGE_ERROR;
  k.error.rangeMin = min;
  k.error.rangeMaxLow = maxLow;
  k.error.rangeMaxHigh = maxHigh;
  return STATUS_ERROR;
}

export function refuseMemory(k: KernelState, bytesLeft: number): Status {
  k.error.type = NOT_ENOUGH_MEMORY;
  k.error.memoryLeft = bytesLeft;
  return STATUS_ERROR;
}

/** Refuses because of the lookup failure in `k.lookup`. */
export function refuseLookup(k: KernelState, which: 'source' | 'destination'): Status {
  k.error.type = FAILED_LOOKUP;
  k.error.lookupWasSource = which === 'source';
  return STATUS_ERROR;
}

export function ensureEmptySlot(k: KernelState, slot: Slot): Status {
  return slot.cap.kind === 'null' ? STATUS_OK : refuse(k, DELETE_FIRST);
}

export function setInvalidRoot(k: KernelState): void {
  k.lookup.type = LOOKUP_INVALID_ROOT;
}

export function setMissingCapability(k: KernelState, bitsLeft: number): void {
  k.lookup.type = LOOKUP_MISSING_CAPABILITY;
  k.lookup.bitsLeft = bitsLeft;
}

export function setDepthMismatch(k: KernelState, bitsLeft: number, bitsFound: number): void {
  k.lookup.type = LOOKUP_DEPTH_MISMATCH;
  k.lookup.bitsLeft = bitsLeft;
  k.lookup.bitsFound = bitsFound;
}

/** Writes the error into the caller's message registers. @returns the length of the message */
export function setErrorMrs(k: KernelState, tcb: Tcb, bufferAt: number): number {
  const error = k.error;
  switch (error.type) {
    case INVALID_ARGUMENT:
    case INVALID_CAPABILITY:
      return setMr(k, tcb, bufferAt, 0, error.number, 0);
    case RANGE_ERROR:
      setMr(k, tcb, bufferAt, 0, error.rangeMin, 0);
      return setMr(k, tcb, bufferAt, 1, error.rangeMaxLow, error.rangeMaxHigh);
    case FAILED_LOOKUP:
      setMr(k, tcb, bufferAt, 0, error.lookupWasSource ? 1 : 0, 0);
      return setLookupMrs(k, tcb, bufferAt, k.lookup, 1);
    case NOT_ENOUGH_MEMORY: {
      const left = error.memoryLeft;
      return setMr(k, tcb, bufferAt, 0, left >>> 0, Math.floor(left / 2 ** 32));
    }
    default:
      return 0;
  }
}

/** Writes a lookup failure from message register `offset` on. @returns the length of the message */
export function setLookupMrs(
  k: KernelState,
  tcb: Tcb,
  bufferAt: number,
  lookup: Readonly<LookupFailure>,
  offset: number,
): number {
  const length = setMr(k, tcb, bufferAt, offset, lookup.type + 1, 0);
  switch (lookup.type) {
    case LOOKUP_MISSING_CAPABILITY:
      return setMr(k, tcb, bufferAt, offset + 1, lookup.bitsLeft, 0);
    case LOOKUP_DEPTH_MISMATCH:
      setMr(k, tcb, bufferAt, offset + 1, lookup.bitsLeft, 0);
      return setMr(k, tcb, bufferAt, offset + 2, lookup.bitsFound, 0);
    case LOOKUP_GUARD_MISMATCH:
      setMr(k, tcb, bufferAt, offset + 1, lookup.bitsLeft, 0);
      setMr(k, tcb, bufferAt, offset + 2, lookup.guardLow, lookup.guardHigh);
      return setMr(k, tcb, bufferAt, offset + 3, lookup.bitsFound, 0);
    default:
      return length;
  }
}
