/** CSpace lookup: from a cptr to a slot, through CNodes with guard and radix. */

import { FAILED_LOOKUP } from '../abi.ts';
import { maskHigh, maskLow } from './cap.ts';
import { refuseLookup, refuseRange, setDepthMismatch, setInvalidRoot } from '../errors.ts';
import { LOOKUP_GUARD_MISMATCH } from '../ipc/fault-record.ts';
import type { Cap, CNodeCap, Slot, Tcb } from './objects.ts';
import type { KernelState } from '../state.ts';

/**
 * Follows the lowest `depth` bits of a cptr from a CNode capability down.
 *
 * Ends when the bits are used up or at a slot that holds no CNode; `k.bitsRemaining` says how many
 * bits are left then.
 *
 * @param depth 1..64
 * @returns the slot, or `null` with the reason in `k.lookup`
 */
export function resolveAddressBits(
  k: KernelState,
  root: Cap,
  low: number,
  high: number,
  depth: number,
): Slot | null {
  if (root.kind !== 'cnode') {
    setInvalidRoot(k);
    return null;
  }
  let node: CNodeCap = root;
  let bits = depth;
  for (;;) {
    const radix = node.cnode.radix;
    const guardSize = node.guardSize;
    const level = radix + guardSize;
    if (guardSize !== 0 && !guardMatches(node, low, high, bits)) {
      k.lookup.type = LOOKUP_GUARD_MISMATCH;
      k.lookup.bitsLeft = bits;
      k.lookup.bitsFound = guardSize;
      k.lookup.guardLow = node.guardLow;
      k.lookup.guardHigh = node.guardHigh;
      return null;
    }
    if (level > bits) {
      setDepthMismatch(k, bits, level);
      return null;
    }
    bits -= level;
    const index = shiftLow(low, high, bits) & ((1 << radix) - 1);
    const slot = node.cnode.slotAt(index);
    const cap = slot.cap;
    if (bits === 0 || cap.kind !== 'cnode') {
      k.bitsRemaining = bits;
      return slot;
    }
    node = cap;
  }
}

function guardMatches(node: CNodeCap, low: number, high: number, bits: number): boolean {
  const size = node.guardSize;
  if (size > bits) return false;
  const shift = bits - size;
  return (
    maskLow(shiftLow(low, high, shift), size) === node.guardLow &&
    maskHigh(shift < 32 ? high >>> shift : 0, size) === node.guardHigh
  );
}

/** @returns the low half of a 64-bit word shifted right */
function shiftLow(low: number, high: number, shift: number): number {
  if (shift >= 32) return shift >= 64 ? 0 : high >>> (shift - 32);
  return shift === 0 ? low : ((low >>> shift) | (high << (32 - shift))) >>> 0;
}

/**
 * Looks up a cptr of 64 bits in a thread's CSpace, as every system call does. Bits that are left
 * over are ignored, and an empty slot is a success: the null capability.
 *
 * The usual shapes are found without the loop: one CNode whose guard of zeros leaves the radix, or
 * two of which the first has no guard and the second's guard of zeros leaves the radix.
 *
 * @returns the slot, or `null` with the reason in `k.lookup`
 */
export function lookupSlot(k: KernelState, tcb: Tcb, low: number, high: number): Slot | null {
  const root = tcb.ctable.cap;
  if (root.kind !== 'cnode') return resolveAddressBits(k, root, low, high, 64);
  const radix = root.cnode.radix;
  if (root.guardSize + radix === 64) {
    if (high === 0 && low >>> radix === 0 && root.guardLow === 0 && root.guardHigh === 0) {
      return root.cnode.slots[low] ?? root.cnode.slotAt(low);
    }
  } else if (root.guardSize === 0 && radix < 32) {
    const first = root.cnode.slots[high >>> (32 - radix)];
    if (first !== undefined && first.cap.kind === 'cnode') {
      const node = first.cap;
      const innerRadix = node.cnode.radix;
      if (
        radix + node.guardSize + innerRadix === 64 &&
        high << radix === 0 &&
        low >>> innerRadix === 0 &&
        node.guardLow === 0 &&
        node.guardHigh === 0
      ) {
        return node.cnode.slots[low] ?? node.cnode.slotAt(low);
      }
    }
  }
  return resolveAddressBits(k, root, low, high, 64);
}

/**
 * Looks up a slot for an operation on a CNode: root, index and depth must be met exactly.
 *
 * @param depth as given by the caller, any value
 * @returns the slot, or `null` with the refusal in `k.error`
 */
export function lookupSlotForCNodeOp(
  k: KernelState,
  which: 'source' | 'destination',
  root: Cap,
  low: number,
  high: number,
  depth: number,
): Slot | null {
  if (root.kind !== 'cnode') {
    setInvalidRoot(k);
    refuseLookup(k, which);
    return null;
  }
  if (depth < 1 || depth > 64) {
    refuseRange(k, 1, 64);
    return null;
  }
  const slot = resolveAddressBits(k, root, low, high, depth);
  if (slot === null) {
    refuseLookup(k, which);
    return null;
  }
  if (k.bitsRemaining !== 0) {
    setDepthMismatch(k, k.bitsRemaining, 0);
    k.error.type = FAILED_LOOKUP;
    k.error.lookupWasSource = which === 'source';
    return null;
  }
  return slot;
}
