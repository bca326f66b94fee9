/**
 * Everything that a running kernel holds, as plain data: objects, capability slots with the
 * derivation tree, interrupts and address spaces. What capDL says of a system before it runs, taken
 * from one that does.
 */

import { RIGHT_GRANT, RIGHT_GRANT_REPLY, RIGHT_READ, RIGHT_WRITE } from '../../kernel/abi.ts';
import { Census, objectOf } from '../../kernel/inspect/census.ts';
import type { PlacedSlot, Snapshot } from '../../kernel/inspect/census.ts';
import { hasChildren, isMdbParentOf } from '../../kernel/objects/mdb.ts';
import { VM_READ_ONLY, VM_READ_WRITE } from '../../kernel/objects/object-sizes.ts';
import { objectBits } from '../../kernel/objects/objects.ts';
import type { Cap, KernelObject, SchedContext, Slot } from '../../kernel/objects/objects.ts';
import { IRQ_SIGNAL, TICKS_PER_US } from '../../kernel/state.ts';
import type { KernelState } from '../../kernel/state.ts';
import { addressSpaces } from './address-spaces.ts';
import type { AddressSpace, RegionAt } from './address-spaces.ts';
import { ObjectNames } from './names.ts';

/** A kernel object: an address is physical, sizes are those of seL4 (RISC-V 64, MCS). */
export interface DumpedObject {
  readonly name: string;
  /**
   * capDL's word for it: tcb, cnode, ep, notification, rtreply, sc, pt, asid_pool, ut, frame, irq …
   */
  readonly type: string;
  readonly paddr?: number;
  readonly sizeBytes?: number;
  /** Such as the priority of a thread, or the slots of a CNode. */
  readonly properties: Readonly<Record<string, number | string>>;
}

/** A capability: where it lies, what it names, and what its holder may do with that. */
export interface DumpedCap {
  /** The object that the slot is in; 'irqs' for the kernel's table of interrupts. */
  readonly holder: string;
  readonly slot: number;
  /** What the slots of a thread are called. */
  readonly slotName?: string;
  readonly object: string;
  readonly type: string;
  /** Letters R, W, G (grant), P (grant reply). */
  readonly rights?: string;
  readonly badge?: string;
  readonly guard?: string;
  readonly guardSize?: number;
  /** Of a frame or page table: where it is mapped. */
  readonly asid?: number;
  readonly vaddr?: number;
  /** Of a frame. */
  readonly paddr?: number;
  readonly sizeBytes?: number;
  /**
   * Of an untyped: bytes that the next retype may use, which is all of them while nothing is
   * derived from it.
   */
  readonly freeBytes?: number;
  /** Others may be derived from it: it came with the object, or has a badge of its own. */
  readonly original: boolean;
  /** Index in the list of the capability that it was derived from; none for what boot made. */
  readonly parent?: number;
}

/** An interrupt that somebody has a handler of. */
export interface DumpedIrq {
  readonly irq: number;
  /** The notification that is signalled, and with which badge. */
  readonly notification?: string;
  readonly badge?: string;
}

/** The whole dump, as `--json` prints it. */
export interface CapabilityDump {
  readonly schema: 1;
  readonly system: string;
  readonly objects: readonly DumpedObject[];
  /** In the order of the derivation tree: a capability stands behind what it was derived from. */
  readonly caps: readonly DumpedCap[];
  readonly irqs: readonly DumpedIrq[];
  readonly addressSpaces: readonly AddressSpace[];
}

/** What is looked at: a kernel between two system calls. */
export interface DumpOptions {
  readonly system: string;
  readonly state: KernelState;
  /** Has been told of every object since boot. */
  readonly census: Census;
  /** What a description calls the memory at an address of a domain. */
  readonly regionAt?: RegionAt;
}

const CAPDL_TYPE: Readonly<Record<Cap['kind'], string>> = {
  null: 'null',
  untyped: 'ut',
  endpoint: 'ep',
  notification: 'notification',
  reply: 'rtreply',
  cnode: 'cnode',
  thread: 'tcb',
  schedContext: 'sc',
  schedControl: 'sched_control',
  irqControl: 'irq_control',
  irqHandler: 'irq',
  domain: 'domain',
  frame: 'frame',
  pageTable: 'pt',
  asidControl: 'asid_control',
  asidPool: 'asid_pool',
  zombie: 'zombie',
};
const TCB_SLOT_NAMES = ['cspace', 'vspace', 'ipc_buffer', 'fault_handler', 'timeout_handler'];

/** Reads all of it, and changes nothing. */
export function dumpCapabilities(options: DumpOptions): CapabilityDump {
  const { state, census, system } = options;
  const snapshot = census.look(state);
  const names = new ObjectNames(snapshot);
  const ordered = inTreeOrder(snapshot);
  return {
    schema: 1,
    system,
    objects: objectsOf(snapshot, names),
    caps: ordered.map(({ placed, parent }) => describe(placed, parent, names)),
    irqs: irqsOf(state, names),
    addressSpaces: addressSpaces(state, names, options.regionAt),
  };
}

// ---------------------------------------------------------------------------------------- the tree

interface Ordered {
  readonly placed: PlacedSlot;
  readonly parent: number | undefined;
}

/**
 * The lists of the derivation tree one behind the other, each slot with the nearest one that is its
 * parent.
 */
function inTreeOrder({ slots }: Snapshot): readonly Ordered[] {
  const places = new Map(slots.map((placed) => [placed.slot, placed]));
  const heads = slots.filter(({ slot }) => slot.mdbPrev === null).toSorted(byPlace);
  const ordered: Ordered[] = [];
  for (const head of heads) {
    const ancestors: { readonly slot: Slot; readonly index: number }[] = [];
    for (let slot: Slot | null = head.slot; slot !== null; slot = slot.mdbNext) {
      const placed = places.get(slot);
      if (placed === undefined) continue;
      for (let last = ancestors.at(-1); last !== undefined; last = ancestors.at(-1)) {
        if (isMdbParentOf(last.slot, slot)) break;
        ancestors.pop();
      }
      const parent = ancestors.at(-1)?.index;
      ancestors.push({ slot, index: ordered.length });
      ordered.push({ placed, parent });
    }
  }
  return ordered;
}

function byPlace(one: PlacedSlot, other: PlacedSlot): number {
  const addressOf = ({ holder }: PlacedSlot): number => (holder === 'irq' ? -1 : holder.paddr);
  return addressOf(one) - addressOf(other) || one.index - other.index;
}

// ------------------------------------------------------------------------------------ capabilities

function describe(placed: PlacedSlot, parent: number | undefined, names: ObjectNames): DumpedCap {
  const { slot, holder, index } = placed;
  const slotName = holder !== 'irq' && holder.kind === 'tcb' ? TCB_SLOT_NAMES[index] : undefined;
  return {
    holder: holder === 'irq' ? 'irqs' : names.of(holder),
    slot: index,
    ...(slotName === undefined ? {} : { slotName }),
    object: nameOfCap(slot.cap, names),
    type: CAPDL_TYPE[slot.cap.kind],
    ...attributesOf(slot),
    original: slot.revocable,
    ...(parent === undefined ? {} : { parent }),
  };
}

/**
 * @returns the name of what a capability names; an untyped and a frame are called by their
 * addresses
 */
export function nameOfCap(cap: Cap, names: ObjectNames): string {
  const object = objectOf(cap);
  if (object !== undefined) return names.of(object);
  switch (cap.kind) {
    case 'untyped':
      return `${cap.isDevice ? 'device_' : ''}untyped_0x${cap.base.toString(16)}_${cap.sizeBits}`;
    case 'frame':
      return `${cap.isDevice ? 'device_' : ''}frame_0x${cap.base.toString(16)}`;
    case 'irqHandler':
      return `irq_${cap.irq}`;
    default:
      return CAPDL_TYPE[cap.kind];
  }
}

function attributesOf(slot: Slot): Partial<DumpedCap> {
  const { cap } = slot;
  switch (cap.kind) {
    case 'endpoint':
    case 'notification': {
      const badge = wordOf(cap.badgeLow, cap.badgeHigh);
      return { rights: rightsOf(cap.rights, cap.kind), ...(badge === '0x0' ? {} : { badge }) };
    }
    case 'reply':
      return { rights: cap.canGrant ? 'WG' : 'W' };
    case 'cnode':
      return { guard: wordOf(cap.guardLow, cap.guardHigh), guardSize: cap.guardSize };
    case 'frame':
      return {
        rights: vmRightsOf(cap.vmRights),
        paddr: cap.base,
        sizeBytes: 2 ** cap.sizeBits,
        ...(cap.mappedAsid === 0 ? {} : { asid: cap.mappedAsid, vaddr: cap.mappedAddress }),
      };
    case 'pageTable':
      return cap.isMapped ? { asid: cap.mappedAsid, vaddr: cap.mappedAddress } : {};
    case 'untyped':
      return {
        sizeBytes: 2 ** cap.sizeBits,
        freeBytes: 2 ** cap.sizeBits - (hasChildren(slot) ? cap.freeIndex : 0),
      };
    default:
      return {};
  }
}

function rightsOf(rights: number, kind: 'endpoint' | 'notification'): string {
  const letters = [
    [RIGHT_READ, 'R'],
    [RIGHT_WRITE, 'W'],
    [RIGHT_GRANT, 'G'],
    [RIGHT_GRANT_REPLY, 'P'],
  ] as const;
  const shown = kind === 'notification' ? letters.slice(0, 2) : letters;
  return shown.map(([bit, letter]) => ((rights & bit) === 0 ? '' : letter)).join('');
}

function vmRightsOf(vmRights: number): string {
  if (vmRights === VM_READ_WRITE) return 'RW';
  return vmRights === VM_READ_ONLY ? 'R' : '';
}

function wordOf(low: number, high: number): string {
  return `0x${((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString(16)}`;
}

// ----------------------------------------------------------------------------------------- objects

/** Kernel objects, and what is an object to capabilities alone: untypeds, frames, interrupts. */
function objectsOf({ slots, live }: Snapshot, names: ObjectNames): readonly DumpedObject[] {
  const objects = new Map<string, DumpedObject>();
  for (const object of live) {
    const name = names.of(object);
    objects.set(name, {
      name,
      type: CAPDL_TYPE[object.kind === 'tcb' ? 'thread' : object.kind],
      paddr: object.paddr,
      sizeBytes: 2 ** objectBits(object),
      properties: propertiesOf(object, names),
    });
  }
  for (const { slot } of slots) {
    const cap = slot.cap;
    const name = nameOfCap(cap, names);
    if (objects.has(name) || cap.kind === 'zombie') continue;
    const place =
      cap.kind === 'untyped' || cap.kind === 'frame'
        ? { paddr: cap.base, sizeBytes: 2 ** cap.sizeBits }
        : {};
    objects.set(name, { name, type: CAPDL_TYPE[cap.kind], ...place, properties: {} });
  }
  return [...objects.values()].toSorted(
    (one, other) =>
      one.type.localeCompare(other.type) ||
      (one.paddr ?? 0) - (other.paddr ?? 0) ||
      one.name.localeCompare(other.name),
  );
}

function propertiesOf(object: KernelObject, names: ObjectNames): DumpedObject['properties'] {
  switch (object.kind) {
    case 'tcb':
      return {
        priority: object.priority,
        maxPriority: object.maxPriority,
        domain: object.domain,
        ...(object.schedContext === null ? {} : { sc: names.of(object.schedContext) }),
        ...(object.boundNotification === null
          ? {}
          : { notification: names.of(object.boundNotification) }),
      };
    case 'cnode':
      return { slots: 2 ** object.radix };
    case 'schedContext':
      return timesOf(object);
    case 'asidPool':
      return { asidBase: object.asidBase };
    default:
      return {};
  }
}

function timesOf(sc: SchedContext): DumpedObject['properties'] {
  if (sc.refillMax === 0) return {};
  let budget = 0;
  for (let i = 0; i < sc.refillCount; i += 1) {
    budget += sc.refillAmount[(sc.refillHead + i) % sc.refillMax] as number;
  }
  const period = sc.period === 0 ? budget : sc.period;
  return { budgetUs: budget / TICKS_PER_US, periodUs: period / TICKS_PER_US };
}

function irqsOf(state: KernelState, names: ObjectNames): readonly DumpedIrq[] {
  const irqs: DumpedIrq[] = [];
  state.irqState.forEach((kind, irq) => {
    if (kind !== IRQ_SIGNAL) return;
    const cap = state.irqSlots[irq]?.cap;
    if (cap?.kind !== 'notification') irqs.push({ irq });
    else {
      const badge = wordOf(cap.badgeLow, cap.badgeHigh);
      irqs.push({ irq, notification: names.of(cap.notification), badge });
    }
  });
  return irqs;
}
