/**
 * The mapping database: the capability derivation tree, as a doubly linked list of slots in
 * preorder. Who is whose parent is not stored but computed from the capabilities and the two bits
 * of each node.
 */

import { assert } from '../../memory/assert.ts';
import { REVOKE_FIRST } from '../abi.ts';
import { isCapRevocable, sameObjectAs, sameRegionAs } from './cap.ts';
import { refuse } from '../errors.ts';
import { bytesOf } from './object-sizes.ts';
import { NULL_CAP } from './objects.ts';
import type { Cap, Slot } from './objects.ts';
import { IRQ_INACTIVE, STATUS_OK } from '../state.ts';
import type { KernelState, Status } from '../state.ts';

export function isMdbParentOf(a: Slot, b: Slot): boolean {
  if (!a.revocable) return false;
  const parent = a.cap;
  const child = b.cap;
  if (!sameRegionAs(parent, child)) return false;
  const isBadged = parent.kind === 'endpoint' || parent.kind === 'notification';
  if (!isBadged || child.kind !== parent.kind) return true;
  if (parent.badgeLow === 0 && parent.badgeHigh === 0) return true;
  return (
    parent.badgeLow === child.badgeLow && parent.badgeHigh === child.badgeHigh && !b.firstBadged
  );
}

/** Puts a copy or derivative of `source`'s capability into the empty slot `target`. */
export function cteInsert(cap: Cap, source: Slot, target: Slot): void {
  assert(target.cap.kind === 'null', 'a capability is put into an empty slot');
  const revocable = isCapRevocable(cap, source.cap);
  setUntypedAsFull(source.cap, cap);
  target.cap = cap;
  target.revocable = revocable;
  target.firstBadged = revocable;
  linkAfter(source, target);
}

/** An untyped of which a copy exists must not be handed out twice. */
function setUntypedAsFull(source: Cap, derived: Cap): void {
  if (source.kind !== 'untyped' || derived.kind !== 'untyped') return;
  if (source.base === derived.base && source.sizeBits === derived.sizeBits) {
    source.freeIndex = bytesOf(source.sizeBits);
  }
}

/** Puts the first capability to a new object into `target`, as a child of `parent`. */
export function insertNewCap(parent: Slot, target: Slot, cap: Cap): void {
  target.cap = cap;
  target.revocable = true;
  target.firstBadged = true;
  linkAfter(parent, target);
}

function linkAfter(source: Slot, target: Slot): void {
  const next = source.mdbNext;
  target.mdbPrev = source;
  target.mdbNext = next;
  source.mdbNext = target;
  if (next !== null) next.mdbPrev = target;
}

/** Moves the node of `source` to the empty slot `target`, with `cap` in place of its capability. */
export function cteMove(cap: Cap, source: Slot, target: Slot): void {
  assert(target.cap.kind === 'null', 'a capability is moved to an empty slot');
  target.cap = cap;
  source.cap = NULL_CAP;
  copyNode(source, target);
  clearNode(source);
  if (target.mdbPrev !== null) target.mdbPrev.mdbNext = target;
  if (target.mdbNext !== null) target.mdbNext.mdbPrev = target;
}

/**
 * Exchanges two slots; each capability may be changed on the way.
 *
 * The order matters when the two are neighbours: the second node is read after the first one's
 * neighbours have been redirected.
 */
export function cteSwap(cap1: Cap, slot1: Slot, cap2: Cap, slot2: Slot): void {
  slot1.cap = cap2;
  slot2.cap = cap1;
  const prev1 = slot1.mdbPrev;
  const next1 = slot1.mdbNext;
  const revocable1 = slot1.revocable;
  const firstBadged1 = slot1.firstBadged;
  if (prev1 !== null) prev1.mdbNext = slot2;
  if (next1 !== null) next1.mdbPrev = slot2;
  // When the two are neighbours, one of these has just become slot2 itself; below it is overwritten
  // with what it was.
  const prev2 = slot2.mdbPrev;
  const next2 = slot2.mdbNext;
  slot1.mdbPrev = prev2;
  slot1.mdbNext = next2;
  slot1.revocable = slot2.revocable;
  slot1.firstBadged = slot2.firstBadged;
  slot2.mdbPrev = prev1;
  slot2.mdbNext = next1;
  slot2.revocable = revocable1;
  slot2.firstBadged = firstBadged1;
  if (prev2 !== null) prev2.mdbNext = slot1;
  if (next2 !== null) next2.mdbPrev = slot1;
}

function copyNode(source: Slot, target: Slot): void {
  target.mdbPrev = source.mdbPrev;
  target.mdbNext = source.mdbNext;
  target.revocable = source.revocable;
  target.firstBadged = source.firstBadged;
}

function clearNode(slot: Slot): void {
  slot.mdbPrev = null;
  slot.mdbNext = null;
  slot.revocable = false;
  slot.firstBadged = false;
}

/**
 * Empties a slot whose capability has been finalised.
 *
 * @param cleanup what `finaliseCap` wants done after the last capability is gone
 */
export function emptySlot(k: KernelState, slot: Slot, cleanup: Cap): void {
  if (slot.cap.kind === 'null') return;
  const { mdbPrev, mdbNext } = slot;
  if (mdbPrev !== null) mdbPrev.mdbNext = mdbNext;
  if (mdbNext !== null) {
    mdbNext.mdbPrev = mdbPrev;
    mdbNext.firstBadged = mdbNext.firstBadged || slot.firstBadged;
  }
  slot.cap = NULL_CAP;
  clearNode(slot);
  if (cleanup.kind === 'irqHandler') {
    k.irqState[cleanup.irq] = IRQ_INACTIVE;
    k.machine.disableIrq(cleanup.irq);
  }
}

export function hasChildren(slot: Slot): boolean {
  return slot.mdbNext !== null && isMdbParentOf(slot, slot.mdbNext);
}

export function ensureNoChildren(k: KernelState, slot: Slot): Status {
  return hasChildren(slot) ? refuse(k, REVOKE_FIRST) : STATUS_OK;
}

/**
 * Whether this is the last capability to its object. All capabilities to one object lie side by
 * side in the list.
 */
export function isFinalCapability(slot: Slot): boolean {
  const { mdbPrev, mdbNext } = slot;
  if (mdbPrev !== null && sameObjectAs(mdbPrev.cap, slot.cap)) return false;
  return mdbNext === null || !sameObjectAs(slot.cap, mdbNext.cap);
}

/** Whether deleting this capability may take long, because what it names has slots of its own. */
export function isLongRunningDelete(slot: Slot): boolean {
  switch (slot.cap.kind) {
    case 'thread':
    case 'zombie':
    case 'cnode':
      return isFinalCapability(slot);
    default:
      return false;
  }
}
