/** The kernel's state as text, for comparing before and after. Times, counters and registers are left out. */

import type { Cap, KernelObject, Slot, Tcb } from '../objects.ts';
import type { PageTableEntry } from '../page-table.ts';
import type { KernelState } from '../state.ts';
import { nameOf, placeOf } from './census.ts';
import type { Census, PlacedSlot } from './census.ts';

/** @returns one line per capability, object and global, in a fixed order */
export function digest(k: KernelState, census: Census): readonly string[] {
  const { slots, live } = census.look(k);
  const places = new Map<Slot, PlacedSlot>(slots.map((placed) => [placed.slot, placed]));
  const lines = slots.map((placed) => describeSlot(placed, places));
  for (const object of live) lines.push(`${nameOf(object)} ${describeObject(object)}`);
  lines.push(`current ${nameOf(k.current)} domain ${k.currentDomain}`);
  lines.push(`irqs ${[...k.irqState].join('')}`);
  lines.push(`domains ${k.domainStart} ${JSON.stringify(k.domainSchedule)}`);
  return lines.toSorted();
}

function describeSlot(placed: PlacedSlot, places: ReadonlyMap<Slot, PlacedSlot>): string {
  const { slot } = placed;
  const next = slot.mdbNext === null ? undefined : places.get(slot.mdbNext);
  const after = next === undefined ? '-' : placeOf(next);
  const bits = `${slot.revocable ? 'r' : '-'}${slot.firstBadged ? 'b' : '-'}`;
  return `${placeOf(placed)} ${describeCap(slot.cap)} ${bits} next ${after}`;
}

export function describeCap(cap: Cap): string {
  const fields = Object.entries(cap).map(([name, value]: [string, unknown]) =>
    isObject(value) ? `${name}=${nameOf(value)}` : `${name}=${String(value)}`,
  );
  return fields.join(' ');
}

function isObject(value: unknown): value is KernelObject {
  return typeof value === 'object' && value !== null && 'paddr' in value;
}

function describeObject(object: KernelObject): string {
  switch (object.kind) {
    case 'tcb':
      return describeTcb(object);
    case 'endpoint':
      return `${object.state} ${queueOf(object.head)}`;
    case 'notification': {
      const bound = `${ref(object.boundTcb)} ${ref(object.schedContext)}`;
      const word = `${object.wordHigh}:${object.wordLow}`;
      return `${object.state} ${word} ${bound} ${queueOf(object.head)}`;
    }
    case 'reply': {
      const links = `${ref(object.prev)} ${ref(object.next)} ${ref(object.schedContext)}`;
      return `${ref(object.tcb)} ${links}`;
    }
    case 'schedContext': {
      const bound = `${ref(object.tcb)} ${ref(object.notification)} ${ref(object.reply)}`;
      return `${object.period} ${object.refillMax} ${object.badgeLow} ${bound}`;
    }
    case 'pageTable':
      return object.entries.map(describeEntry).filter(Boolean).join(' ');
    case 'asidPool':
      return object.roots.map((root, i) => (root === null ? '' : `${i}=${ref(root)}`)).join('');
    case 'cnode':
      return String(object.radix);
    default:
      return object satisfies never;
  }
}

function describeTcb(tcb: Tcb): string {
  const where = `${tcb.state} at ${ref(tcb.blockedOn)} reply ${ref(tcb.reply)}`;
  const priority = `${tcb.priority}/${tcb.maxPriority} domain ${tcb.domain}`;
  const bound = `${ref(tcb.schedContext)} ${ref(tcb.boundNotification)} ${ref(tcb.yieldTo)}`;
  const queues = `${tcb.isQueued ? 'ready' : ''}${tcb.isInReleaseQueue ? 'release' : ''}`;
  return `${where} ${priority} ${bound} ${queues} ${tcb.ipcBufferHigh}:${tcb.ipcBufferLow}`;
}

function describeEntry(entry: PageTableEntry | undefined, index: number): string {
  if (entry === undefined) return '';
  if (entry.kind === 'table') return `${index}>${ref(entry.table)}`;
  return `${index}:${entry.base}/${entry.sizeBits}/${entry.vmRights}`;
}

function ref(object: KernelObject | null): string {
  return object === null ? '-' : nameOf(object);
}

function queueOf(head: Tcb | null): string {
  const names: string[] = [];
  for (let tcb = head; tcb !== null; tcb = tcb.queueNext) names.push(nameOf(tcb));
  return names.join(',');
}
