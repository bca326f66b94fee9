/**
 * All objects and slots of a kernel, for checks and dumps. The kernel itself has no such list: it is told of each object
 * as it is made (`BootOptions.onCreate`), and finds out which are alive by looking for capabilities.
 */

import { capBase, capSizeBits } from '../cap.ts';
import { TCB_SLOTS } from '../objects.ts';
import type { Cap, KernelObject, Slot } from '../objects.ts';
import type { KernelState } from '../state.ts';

/** A slot and where it is. */
export interface PlacedSlot {
  readonly slot: Slot;
  /** The object that it is part of, or the kernel's table of interrupts. */
  readonly holder: KernelObject | 'irq';
  readonly index: number;
}

/** @returns such as "cnode@0x80001000[3]" */
export function placeOf({ holder, index }: PlacedSlot): string {
  return `${holder === 'irq' ? holder : nameOf(holder)}[${index}]`;
}

/** What there is at one moment. */
export interface Snapshot {
  /** Slots with a capability, in no particular order. */
  readonly slots: readonly PlacedSlot[];
  /** Objects to which a capability exists. */
  readonly live: ReadonlySet<KernelObject>;
}

export class Census {
  readonly #objects: KernelObject[] = [];
  #pruneAt = 4096;

  /** To be given to `boot` as `onCreate`. */
  readonly onCreate = (object: KernelObject): void => {
    this.#objects.push(object);
  };

  /** Every object made, dead ones included until they are forgotten. */
  get objects(): readonly KernelObject[] {
    return this.#objects;
  }

  look(k: KernelState): Snapshot {
    const slots: PlacedSlot[] = [];
    for (const object of this.#objects) collectSlots(object, slots);
    k.irqSlots.forEach((slot, irq) => collect(slot, slots, 'irq', irq));
    const live = new Set<KernelObject>();
    for (const { slot } of slots) {
      const object = objectOf(slot.cap);
      if (object !== undefined) live.add(object);
    }
    if (this.#objects.length > this.#pruneAt) this.#forgetDead(live, slots);
    return { slots, live };
  }

  /** Objects without a capability are gone for good, once their own slots are empty. */
  #forgetDead(live: ReadonlySet<KernelObject>, slots: readonly PlacedSlot[]): void {
    const holders = new Set(slots.map(({ holder }) => holder));
    const kept = this.#objects.filter((object) => live.has(object) || holders.has(object));
    this.#objects.length = 0;
    this.#objects.push(...kept);
    this.#pruneAt = Math.max(4096, kept.length * 2);
  }
}

function collectSlots(object: KernelObject, into: PlacedSlot[]): void {
  if (object.kind === 'cnode') {
    // A callback of forEach skips what was never filled in, however large the CNode.
    object.slots.forEach((slot, index) => {
      if (slot !== undefined) collect(slot, into, object, index);
    });
  } else if (object.kind === 'tcb') {
    for (let i = 0; i < TCB_SLOTS; i += 1) collect(object.slotAt(i), into, object, i);
  }
}

function collect(
  slot: Slot,
  into: PlacedSlot[],
  holder: KernelObject | 'irq',
  index: number,
): void {
  if (slot.cap.kind === 'null' && slot.mdbPrev === null && slot.mdbNext === null) return;
  into.push({ slot, holder, index });
}

export function nameOf(object: KernelObject): string {
  return `${object.kind}@0x${object.paddr.toString(16)}`;
}

/** @returns the object that a capability keeps alive; a zombie's object is still there */
export function objectOf(cap: Cap): KernelObject | undefined {
  switch (cap.kind) {
    case 'endpoint':
      return cap.endpoint;
    case 'notification':
      return cap.notification;
    case 'reply':
      return cap.reply;
    case 'cnode':
      return cap.cnode;
    case 'thread':
      return cap.tcb;
    case 'schedContext':
      return cap.schedContext;
    case 'pageTable':
      return cap.table;
    case 'asidPool':
      return cap.pool;
    case 'zombie':
      return cap.object;
    default:
      return undefined;
  }
}

/** @returns the physical range that a capability names, if it names memory */
export function rangeOf(cap: Cap): { readonly start: number; readonly end: number } | undefined {
  const start = capBase(cap);
  return start < 0 ? undefined : { start, end: start + 2 ** capSizeBits(cap) };
}
