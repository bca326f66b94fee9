/**
 * Test support: kernel objects that tell of what is done with them, one property each. The kernel
 * has no hooks for this.
 */

import type { CNode, Slot, Tcb } from '../../kernel/objects/objects.ts';

/** Tells of every change of a property of a kernel object. */
export function watch<T extends object, K extends keyof T>(
  object: T,
  property: K,
  tell: (value: T[K]) => void,
): void {
  let value = object[property];
  Object.defineProperty(object, property, {
    get: () => value,
    set: (next: T[K]) => {
      const isNew = next !== value;
      value = next;
      if (isNew) tell(next);
    },
  });
}

/** Tells of every look at the capability in a slot. */
export function watchReads(slot: Slot, tell: (kind: string) => void): void {
  const { cap } = slot;
  Object.defineProperty(slot, 'cap', {
    get: () => {
      tell(cap.kind);
      return cap;
    },
  });
}

/** The CNode in slot 0 of a domain's root CNode. */
export function ownCNode(tcb: Tcb): CNode {
  const root = tcb.ctable.cap;
  const inner = root.kind === 'cnode' ? root.cnode.slotAt(0).cap : root;
  if (inner.kind !== 'cnode') throw new Error('a capability space has two levels');
  return inner.cnode;
}
