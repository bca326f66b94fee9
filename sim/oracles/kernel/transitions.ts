/**
 * Invariants of a step, not of a state: 12 (rights never grow), 24 (objects are made by retype), 35
 * (stale mappings).
 */

import { isMdbParentOf } from '../../../kernel/objects/mdb.ts';
import {
  VM_KERNEL_ONLY,
  VM_READ_ONLY,
  VM_READ_WRITE,
} from '../../../kernel/objects/object-sizes.ts';
import type { Cap, FrameCap, KernelObject, Slot } from '../../../kernel/objects/objects.ts';
import type { PageTableEntry } from '../../../kernel/memory/page-table.ts';
import type { KernelState } from '../../../kernel/state.ts';
import type { Report } from './capabilities.ts';
import { nameOf, objectOf, placeOf } from '../../../kernel/inspect/census.ts';
import type { Progress, SlotChange } from '../../../kernel/inspect/census.ts';
import type { TableChange } from './table-watch.ts';

export class Transitions {
  readonly #k: KernelState;
  /** Objects made by retype: all that were seen since the beginning. */
  #made = 0;

  constructor(k: KernelState) {
    this.#k = k;
  }

  /** The first state: nothing is known of what came before. */
  begin(): void {
    this.#made = this.#k.objectsMade;
  }

  check(progress: Progress, tables: readonly TableChange[], report: Report): void {
    if (progress.changes.length > 0) checkRights(progress, report);
    this.#checkMade(progress, report);
    for (const change of tables) checkTableChange(change, progress.changes, report);
  }

  /**
   * 24: an object comes into being only inside an untyped, with a capability derived from that of
   * the untyped.
   */
  #checkMade({ created, snapshot }: Progress, report: Report): void {
    const retyped = created.filter(({ kind }) => kind !== 'asidPool').length;
    if (this.#k.objectsMade !== this.#made + retyped) report(24, 'objects were made unseen');
    this.#made = this.#k.objectsMade;
    if (created.length === 0) return;
    const slots = new Map<KernelObject, Slot>();
    for (const { slot } of snapshot.slots) {
      const object = objectOf(slot.cap);
      if (object !== undefined) slots.set(object, slot);
    }
    for (const object of created) {
      const slot = slots.get(object);
      if (slot === undefined) report(24, `${nameOf(object)} is new and has no capability`);
      else if (!hasUntypedAbove(slot)) report(24, `${nameOf(object)} was made of no untyped`);
    }
  }
}

function hasUntypedAbove(slot: Slot): boolean {
  for (let at = slot.mdbPrev; at !== null; at = at.mdbPrev) {
    if (at.cap.kind === 'untyped' && isMdbParentOf(at, slot)) return true;
  }
  return false;
}

// ------------------------------------------------------------------------------------------ rights

/** 12: whoever has a right to an object has it from a capability that had it before. */
function checkRights({ changes, snapshot, created }: Progress, report: Report): void {
  const emptied = changes.filter(({ placed, before }) => placed.slot.cap !== before);
  for (const { placed, before } of emptied) {
    const cap = placed.slot.cap;
    const key = keyOf(cap);
    if (key === undefined || isWithin(cap, before)) continue;
    if (created.some((object) => object === key)) continue;
    if (emptied.some((other) => isWithin(cap, other.before))) continue;
    const source = placed.slot.mdbPrev;
    if (source !== null && keyOf(source.cap) === key) {
      if (!isWithin(cap, source.cap)) report(12, `${placeOf(placed)}: more rights than its source`);
    } else if (snapshot.slots.some(({ slot }) => slot !== placed.slot && keyOf(slot.cap) === key)) {
      report(12, `${placeOf(placed)}: derived from none of the capabilities to its object`);
    }
  }
}

/** @returns what a capability with rights is for */
function keyOf(cap: Cap): unknown {
  switch (cap.kind) {
    case 'endpoint':
    case 'notification':
    case 'reply':
      return objectOf(cap);
    case 'frame':
      return cap.base;
    default:
      return undefined;
  }
}

/** Whether `cap` is for the same as `source`, and lets do no more. */
function isWithin(cap: Cap, source: Cap): boolean {
  switch (cap.kind) {
    case 'endpoint':
      return (
        source.kind === 'endpoint' &&
        source.endpoint === cap.endpoint &&
        (cap.rights & ~source.rights) === 0 &&
        isBadgeFrom(cap, source)
      );
    case 'notification':
      return (
        source.kind === 'notification' &&
        source.notification === cap.notification &&
        (cap.rights & ~source.rights) === 0 &&
        isBadgeFrom(cap, source)
      );
    case 'reply':
      return (
        source.kind === 'reply' && source.reply === cap.reply && (source.canGrant || !cap.canGrant)
      );
    case 'frame':
      return (
        source.kind === 'frame' &&
        source.base === cap.base &&
        source.sizeBits === cap.sizeBits &&
        source.isDevice === cap.isDevice &&
        strengthOf(cap.vmRights) <= strengthOf(source.vmRights)
      );
    default:
      return false;
  }
}

interface Badged {
  readonly badgeLow: number;
  readonly badgeHigh: number;
}

/** A badge is given once, and then stays. */
function isBadgeFrom(cap: Badged, source: Badged): boolean {
  const isPlain = source.badgeLow === 0 && source.badgeHigh === 0;
  return isPlain || (cap.badgeLow === source.badgeLow && cap.badgeHigh === source.badgeHigh);
}

function strengthOf(vmRights: number): number {
  return [VM_KERNEL_ONLY, VM_READ_ONLY, VM_READ_WRITE].indexOf(vmRights);
}

// ---------------------------------------------------------------------------------------- mappings

/**
 * 35: a mapping goes only with the capability that made it; a stale one takes nobody else's along.
 * It may be replaced by another capability that is mapped at this very place already, and is stale:
 * seL4 asks such a one for address space and address alone (decodeRISCVFrameInvocation,
 * RISCVPageMap).
 */
function checkTableChange(
  { table, index, before }: TableChange,
  changes: readonly SlotChange[],
  report: Report,
): void {
  if (table.kind !== 'pageTable' || before === undefined) return;
  const entry = before as PageTableEntry;
  const now = table.entries[index];
  const isAllowed = changes.some(({ before: old, placed }) => {
    const { cap } = placed.slot;
    if (old.kind === 'pageTable' && old.table === table) return true;
    if (cap === old) return false;
    if (entry.kind === 'table') return old.kind === 'pageTable' && old.table === entry.table;
    if (!isMappedAt(old, index)) return false;
    return shows(entry, old) || (isMappedAgain(cap, old) && now !== undefined && shows(now, cap));
  });
  if (!isAllowed) report(35, `${nameOf(table)}[${index}] has gone, but not its capability`);
}

function isMappedAt(cap: Cap, index: number): cap is FrameCap {
  if (cap.kind !== 'frame' || cap.mappedAsid === 0) return false;
  return Math.floor(cap.mappedAddress / 2 ** cap.sizeBits) % 512 === index;
}

function isMappedAgain(cap: Cap, old: FrameCap): cap is FrameCap {
  if (cap.kind !== 'frame' || cap.base !== old.base) return false;
  return cap.mappedAsid === old.mappedAsid && cap.mappedAddress === old.mappedAddress;
}

function shows(entry: PageTableEntry, cap: FrameCap): boolean {
  return entry.kind === 'page' && entry.base === cap.base && entry.sizeBits === cap.sizeBits;
}
