/**
 * Deleting and revoking capabilities. A CNode or TCB is deleted slot by slot, as a *zombie*
 * capability that counts the slots that are left; each step leaves a consistent state, so that the
 * operation can be preempted and made again.
 */

import { assert } from '../../memory/assert.ts';
import { finaliseCap } from './finalise.ts';
import { cteSwap, emptySlot, isFinalCapability, isMdbParentOf } from './mdb.ts';
import type { Cap, Slot, ZombieCap } from './objects.ts';
import { preemptionPoint } from '../sched/schedule.ts';
import { STATUS_OK, STATUS_PREEMPTED } from '../state.ts';
import type { KernelState, Status } from '../state.ts';

/**
 * Deletes the capability in a slot.
 *
 * @param exposure whether users can see the slot; in a slot of something that is itself being
 * deleted a zombie may stay
 */
export function cteDelete(k: KernelState, slot: Slot, exposure: 'exposed' | 'hidden'): Status {
  while (slot.cap.kind !== 'null') {
    const { remainder, cleanup } = finaliseCap(k, slot.cap, isFinalCapability(slot));
    if (isRemovable(remainder, slot)) {
      emptySlot(k, slot, cleanup);
      return STATUS_OK;
    }
    assert(remainder.kind === 'zombie', 'only a zombie is deleted step by step');
    slot.cap = remainder;
    if (exposure === 'hidden' && firstSlot(remainder) === slot) return STATUS_OK;
    const status = reduceZombie(k, slot, remainder, exposure);
    if (status !== STATUS_OK) return status;
    if (preemptionPoint(k)) return STATUS_PREEMPTED;
  }
  return STATUS_OK;
}

/** Deletes all capabilities derived from the one in `slot`. */
export function cteRevoke(k: KernelState, slot: Slot): Status {
  for (;;) {
    const next = slot.mdbNext;
    if (next === null || slot.cap.kind === 'null' || !isMdbParentOf(slot, next)) return STATUS_OK;
    const status = cteDelete(k, next, 'exposed');
    if (status !== STATUS_OK) return status;
    if (preemptionPoint(k)) return STATUS_PREEMPTED;
  }
}

function firstSlot(zombie: ZombieCap): Slot {
  return zombie.object.slotAt(0);
}

function isRemovable(cap: Cap, slot: Slot): boolean {
  if (cap.kind === 'null') return true;
  if (cap.kind !== 'zombie') return false;
  return cap.count === 0 || (cap.count === 1 && firstSlot(cap) === slot);
}

/** Makes a zombie smaller by one slot. */
function reduceZombie(
  k: KernelState,
  slot: Slot,
  zombie: ZombieCap,
  exposure: 'exposed' | 'hidden',
): Status {
  assert(zombie.count > 0, 'a zombie that is reduced has slots');
  if (exposure === 'hidden') {
    // The zombie moves into the object that it stands for; deleting it goes on from there.
    swapForDelete(firstSlot(zombie), slot);
    return STATUS_OK;
  }
  const last = zombie.object.slotAt(zombie.count - 1);
  const status = cteDelete(k, last, 'hidden');
  if (status !== STATUS_OK) return status;
  const now = slot.cap;
  if (now.kind === 'zombie' && now.object === zombie.object && now.count === zombie.count) {
    assert(last.cap.kind === 'null', 'the last slot of a zombie has been emptied');
    slot.cap = { ...zombie, count: zombie.count - 1 };
  } else {
    // Deleting the last slot has swapped another zombie into this one, or emptied it.
    assert(
      now.kind === 'null' || (now.kind === 'zombie' && firstSlot(now) === slot),
      'a zombie that was exchanged stands in its own first slot',
    );
  }
  return STATUS_OK;
}

function swapForDelete(a: Slot, b: Slot): void {
  if (a !== b) cteSwap(a.cap, a, b.cap, b);
}
