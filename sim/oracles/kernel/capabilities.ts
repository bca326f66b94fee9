/**
 * Invariants of capabilities, of the derivation tree, and of memory: numbers 1 to 16 of the list in
 * the README.
 */

import { isMdbParentOf } from '../../../kernel/objects/mdb.ts';
import { sameObjectAs } from '../../../kernel/objects/cap.ts';
import type { Slot } from '../../../kernel/objects/objects.ts';
import { objectBits } from '../../../kernel/objects/objects.ts';
import { nameOf, objectOf, placeOf, rangeOf } from '../../../kernel/inspect/census.ts';
import type { PlacedSlot, Snapshot } from '../../../kernel/inspect/census.ts';

type Places = ReadonlyMap<Slot, PlacedSlot>;

function where(places: Places, slot: Slot): string {
  const placed = places.get(slot);
  return placed === undefined ? 'a slot in no object' : placeOf(placed);
}

/** Says what is broken. */
export type Report = (invariant: number, what: string) => void;

export function checkCapabilities(snapshot: Snapshot, report: Report): void {
  const { slots } = snapshot;
  const places: Places = new Map(slots.map((placed) => [placed.slot, placed]));
  for (const each of slots) {
    checkNode(each, places, report);
    checkCap(each, report);
  }
  const lists = readLists(slots, report);
  const untypeds = slots.flatMap(({ slot }) => rangeOfUntyped(slot));
  for (const list of lists) {
    checkFamilies(list, places, report);
    checkNesting(list, untypeds, places, report);
  }
  checkOriginals(slots, report);
  checkOverlap(snapshot, report);
}

/**
 * 1: next and previous name each other, and every slot on the list is known; 2: an empty slot is on
 * no list.
 */
function checkNode(placed: PlacedSlot, places: Places, report: Report): void {
  const { slot } = placed;
  if (slot.cap.kind === 'null') report(2, `${placeOf(placed)} is empty, but on the list`);
  const { mdbNext, mdbPrev } = slot;
  if (mdbNext !== null && mdbNext.mdbPrev !== slot)
    report(1, `${placeOf(placed)}: next does not point back`);
  if (mdbPrev !== null && mdbPrev.mdbNext !== slot)
    report(1, `${placeOf(placed)}: prev does not point back`);
  if (mdbNext !== null && !places.has(mdbNext))
    report(1, `${placeOf(placed)}: next is in no object`);
}

function checkCap(placed: PlacedSlot, report: Report): void {
  const { slot } = placed;
  const cap = slot.cap;
  const range = rangeOf(cap);
  if (range !== undefined && range.start % (range.end - range.start) !== 0) {
    report(9, `${placeOf(placed)}: ${cap.kind} is not aligned to its size`);
  }
  switch (cap.kind) {
    case 'untyped':
      if (cap.freeIndex % 16 !== 0 || cap.freeIndex < 0 || cap.freeIndex > 2 ** cap.sizeBits) {
        report(15, `${placeOf(placed)}: free index ${cap.freeIndex}`);
      }
      return;
    case 'cnode':
      if (cap.cnode.radix + cap.guardSize > 64 || cap.cnode.radix < 1) {
        report(16, `${placeOf(placed)}: radix ${cap.cnode.radix}, guard ${cap.guardSize} bits`);
      }
      return;
    case 'endpoint':
    case 'notification':
      if ((cap.badgeLow !== 0 || cap.badgeHigh !== 0) && !slot.firstBadged) {
        const before = slot.mdbPrev?.cap;
        const isOfOneBadge =
          before?.kind === cap.kind &&
          before.badgeLow === cap.badgeLow &&
          before.badgeHigh === cap.badgeHigh;
        if (!isOfOneBadge) report(11, `${placeOf(placed)}: apart from others with its badge`);
      }
      return;
    case 'zombie': {
      const slots = cap.object.kind === 'tcb' ? 5 : 2 ** cap.object.radix;
      if (cap.count > slots) report(13, `${placeOf(placed)}: a zombie of ${cap.count} slots`);
      if (cap.object.kind !== 'cnode') return;
      cap.object.slots.forEach((beyond, index) => {
        if (index >= cap.count && beyond !== undefined && beyond.cap.kind !== 'null') {
          report(13, `${placeOf(placed)}: slot ${index} beyond a zombie's count is not empty`);
        }
      });
      return;
    }
    default:
  }
}

/** 1: following the lists from their heads reaches every slot once. */
function readLists(slots: readonly PlacedSlot[], report: Report): Slot[][] {
  const lists: Slot[][] = [];
  let reached = 0;
  for (const placed of slots) {
    const { slot } = placed;
    if (slot.mdbPrev !== null) continue;
    const list: Slot[] = [];
    for (let at: Slot | null = slot; at !== null; at = at.mdbNext) {
      list.push(at);
      if (list.length > slots.length) {
        report(1, `the list from ${placeOf(placed)} has a cycle`);
        return lists;
      }
    }
    reached += list.length;
    lists.push(list);
  }
  if (reached !== slots.length) report(1, `${slots.length - reached} slots are on a cycle`);
  return lists;
}

/** 3: capabilities to one object lie side by side. */
function checkFamilies(list: readonly Slot[], places: Places, report: Report): void {
  const seen = new Map<unknown, Slot>();
  for (const slot of list) {
    const key = objectOf(slot.cap);
    if (key === undefined || slot.cap.kind === 'zombie') continue;
    const last = seen.get(key);
    if (last !== undefined && slot.mdbPrev !== last && !sameObjectAs(last.cap, slot.cap)) continue;
    if (last !== undefined && slot.mdbPrev !== last) {
      report(3, `${where(places, slot)}: apart from others to ${nameOf(key)}`);
    }
    seen.set(key, slot);
  }
}

/** What an untyped covers. */
interface UntypedRange {
  readonly slot: Slot;
  readonly start: number;
  readonly end: number;
  /** Where free memory begins. */
  readonly freeAt: number;
}

function rangeOfUntyped(slot: Slot): UntypedRange[] {
  const { cap } = slot;
  if (cap.kind !== 'untyped') return [];
  const { base, sizeBits, freeIndex } = cap;
  return [{ slot, start: base, end: base + 2 ** sizeBits, freeAt: base + freeIndex }];
}

/**
 * 4, 5, 6, 7: what lies in an untyped is among its descendants, untypeds included, and below its
 * free index.
 *
 * @param untypeds those of all lists
 */
function checkNesting(
  list: readonly Slot[],
  untypeds: readonly UntypedRange[],
  places: Places,
  report: Report,
): void {
  const ancestors: Slot[] = [];
  for (const slot of list) {
    while (ancestors.length > 0 && !isMdbParentOf(ancestors.at(-1) as Slot, slot)) ancestors.pop();
    const range = rangeOf(slot.cap);
    if (range !== undefined) {
      for (const untyped of untypeds) {
        if (range.start < untyped.start || range.end > untyped.end) continue;
        if (untyped.slot !== slot) checkInside(slot, range, untyped, ancestors, places, report);
      }
    }
    ancestors.push(slot);
  }
}

/** One slot whose memory lies in that of an untyped. */
function checkInside(
  slot: Slot,
  range: { readonly start: number; readonly end: number },
  untyped: UntypedRange,
  ancestors: readonly Slot[],
  places: Places,
  report: Report,
): void {
  const isSame = range.start === untyped.start && range.end === untyped.end;
  const isAncestor = ancestors.includes(untyped.slot);
  if (slot.cap.kind === 'untyped') {
    // Of two to the same memory one is the parent of the other.
    if (!isAncestor && !(isSame && isMdbParentOf(slot, untyped.slot))) {
      report(6, `${where(places, slot)}: overlaps ${where(places, untyped.slot)}`);
    }
  } else if (!isAncestor) {
    report(4, `${where(places, slot)}: in an untyped that is not its ancestor`);
  }
  if (isAncestor && !isSame && range.end > untyped.freeAt) {
    report(7, `${where(places, slot)}: above the free index of its untyped`);
  }
}

/** 10: an object has one original capability at most. */
function checkOriginals(slots: readonly PlacedSlot[], report: Report): void {
  const originals = new Set<unknown>();
  for (const placed of slots) {
    const { slot } = placed;
    const cap = slot.cap;
    const object = objectOf(cap);
    if (!slot.revocable || object === undefined || cap.kind === 'zombie') continue;
    const isBadged =
      (cap.kind === 'endpoint' || cap.kind === 'notification') &&
      (cap.badgeLow !== 0 || cap.badgeHigh !== 0);
    if (isBadged) continue;
    if (originals.has(object))
      report(10, `${placeOf(placed)}: a second original of ${nameOf(object)}`);
    originals.add(object);
  }
}

/** 6, 7: no two objects overlap; untypeds overlap only as parent and child. */
function checkOverlap({ slots, live }: Snapshot, report: Report): void {
  const ranges = new Map<number, { start: number; end: number; name: string }>();
  for (const object of live) {
    const start = object.paddr;
    ranges.set(start, { start, end: start + sizeOf(object), name: nameOf(object) });
  }
  for (const placed of slots) {
    const cap = placed.slot.cap;
    if (cap.kind !== 'frame') continue;
    const other = ranges.get(cap.base);
    const end = cap.base + 2 ** cap.sizeBits;
    if (other !== undefined && !other.name.startsWith('frame')) {
      report(7, `${placeOf(placed)}: a frame lies on ${other.name}`);
    }
    ranges.set(cap.base, { start: cap.base, end, name: 'frame' });
  }
  const sorted = [...ranges.values()].toSorted((one, other) => one.start - other.start);
  for (let i = 1; i < sorted.length; i += 1) {
    const before = sorted[i - 1];
    const at = sorted[i];
    if (before !== undefined && at !== undefined && before.end > at.start) {
      report(7, `${before.name} and ${at.name} overlap`);
    }
  }
}

function sizeOf(object: Parameters<typeof nameOf>[0]): number {
  return 2 ** objectBits(object);
}
