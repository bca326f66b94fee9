/**
 * All objects and slots of a kernel, for checks and dumps. The kernel itself has no such list: it
 * is told of each object as it is made (`BootOptions.onCreate`), and finds out which are alive by
 * looking for capabilities.
 */

import { capBase, capSizeBits } from '../objects/cap.ts';
import { NULL_CAP, TCB_SLOTS } from '../objects/objects.ts';
import type { Cap, KernelObject, Slot } from '../objects/objects.ts';
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

/** A slot that is not as it was when last looked at. */
export interface SlotChange {
  readonly placed: PlacedSlot;
  /** What it held: the null capability when it was empty. */
  readonly before: Cap;
  /**
   * 'content': capability, free index or whether it is an original; 'place': only where it is on
   * the list.
   */
  readonly kind: 'content' | 'place';
}

/** What there is at one moment. */
export interface Snapshot {
  /** Slots with a capability, in no particular order. */
  readonly slots: readonly PlacedSlot[];
  /** Objects to which a capability exists. */
  readonly live: ReadonlySet<KernelObject>;
}

/** What is different from the last look. */
export interface Progress {
  /** The very same object as before when no slot has changed. */
  readonly snapshot: Snapshot;
  readonly changes: readonly SlotChange[];
  readonly created: readonly KernelObject[];
}

const PRUNE_SLACK = 64;
/** Larger CNodes are mostly holes, which a callback of forEach skips. */
const SLOTS_IN_A_LOOP = 4096;

export class Census {
  #holders: Holder[] = [];
  #irqs: Holder | undefined;
  #created: KernelObject[] = [];
  #last: Snapshot | undefined;

  /** To be given to `boot` as `onCreate`. */
  readonly onCreate = (object: KernelObject): void => {
    this.#holders.push(new Holder(object));
    this.#created.push(object);
  };

  /** Every object made, dead ones included until they are forgotten. */
  get objects(): readonly KernelObject[] {
    return this.#holders.map(({ object }) => object as KernelObject);
  }

  look(k: KernelState): Snapshot {
    return this.advance(k).snapshot;
  }

  /** Looks, and compares with the last look. */
  advance(k: KernelState): Progress {
    const changes: SlotChange[] = [];
    this.#irqs ??= new Holder('irq');
    this.#irqs.refresh(k.irqSlots, changes);
    for (const holder of this.#holders) holder.refresh(holder.slots(), changes);
    const created = this.#created;
    if (changes.length > 0 || created.length > 0 || this.#last === undefined) {
      this.#created = [];
      this.#last = this.#collect(this.#irqs);
    }
    return { snapshot: this.#last, changes, created };
  }

  #collect(irqs: Holder): Snapshot {
    const slots: PlacedSlot[] = [];
    irqs.collect(slots);
    for (const holder of this.#holders) holder.collect(slots);
    const live = new Set<KernelObject>();
    for (const { slot } of slots) {
      const object = objectOf(slot.cap);
      if (object !== undefined) live.add(object);
    }
    if (this.#holders.length > 2 * live.size + PRUNE_SLACK) this.#forgetDead(live);
    return { slots, live };
  }

  /** Objects without a capability are gone for good, once their own slots are empty. */
  #forgetDead(live: ReadonlySet<KernelObject>): void {
    this.#holders = this.#holders.filter(
      (holder) => live.has(holder.object as KernelObject) || holder.hasSlots(),
    );
  }
}

const NO_SLOTS: readonly (Slot | undefined)[] = [];
const TCB_SLOT_INDICES = Array.from({ length: TCB_SLOTS }, (_, index) => index);

/**
 * The slots of one object, or of the kernel's table of interrupts, as they were when last looked
 * at.
 */
class Holder {
  readonly object: KernelObject | 'irq';
  readonly #kept: (KeptSlot | undefined)[] = [];
  readonly #tcbSlots: readonly Slot[];

  constructor(object: KernelObject | 'irq') {
    this.object = object;
    const isTcb = object !== 'irq' && object.kind === 'tcb';
    this.#tcbSlots = isTcb ? TCB_SLOT_INDICES.map((index) => object.slotAt(index)) : [];
  }

  slots(): readonly (Slot | undefined)[] {
    const { object } = this;
    if (object === 'irq') return NO_SLOTS;
    return object.kind === 'cnode' ? object.slots : this.#tcbSlots;
  }

  refresh(slots: readonly (Slot | undefined)[], changes: SlotChange[]): void {
    if (slots.length > SLOTS_IN_A_LOOP) {
      slots.forEach((slot, index) => this.#refreshSlot(slot, index, changes));
      return;
    }
    for (let index = 0; index < slots.length; index += 1) {
      this.#refreshSlot(slots[index], index, changes);
    }
  }

  #refreshSlot(slot: Slot | undefined, index: number, changes: SlotChange[]): void {
    if (slot === undefined) return;
    let kept = this.#kept[index];
    if (kept === undefined) {
      kept = new KeptSlot(slot, this.object, index);
      this.#kept[index] = kept;
    }
    kept.refresh(changes);
  }

  collect(into: PlacedSlot[]): void {
    this.#kept.forEach((kept) => {
      if (kept?.isUsed() === true) into.push(kept);
    });
  }

  hasSlots(): boolean {
    return this.#kept.some((kept) => kept?.isUsed() === true);
  }
}

class KeptSlot implements PlacedSlot {
  readonly slot: Slot;
  readonly holder: KernelObject | 'irq';
  readonly index: number;
  #cap: Cap = NULL_CAP;
  #freeIndex = 0;
  #prev: Slot | null = null;
  #next: Slot | null = null;
  #revocable = false;
  #firstBadged = false;

  constructor(slot: Slot, holder: KernelObject | 'irq', index: number) {
    this.slot = slot;
    this.holder = holder;
    this.index = index;
  }

  isUsed(): boolean {
    return this.#cap.kind !== 'null' || this.#prev !== null || this.#next !== null;
  }

  refresh(changes: SlotChange[]): void {
    const { slot } = this;
    const cap = slot.cap;
    const freeIndex = cap.kind === 'untyped' ? cap.freeIndex : 0;
    const isContentSame =
      cap === this.#cap && freeIndex === this.#freeIndex && slot.revocable === this.#revocable;
    const isPlaceSame =
      slot.mdbPrev === this.#prev &&
      slot.mdbNext === this.#next &&
      slot.firstBadged === this.#firstBadged;
    if (isContentSame && isPlaceSame) return;
    const kind = isContentSame ? 'place' : 'content';
    changes.push({ placed: this, before: this.#cap, kind });
    this.#cap = cap;
    this.#freeIndex = freeIndex;
    this.#prev = slot.mdbPrev;
    this.#next = slot.mdbNext;
    this.#revocable = slot.revocable;
    this.#firstBadged = slot.firstBadged;
  }
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
