/**
 * What holds of capabilities without looking at the derivation tree: which region of memory they
 * name, whether two name the same object, and how rights and data are changed when one is copied.
 */

import { RIGHT_GRANT, RIGHT_READ, RIGHT_WRITE } from '../abi.ts';
import {
  ASID_POOL_BITS,
  bytesOf,
  ENDPOINT_BITS,
  NOTIFICATION_BITS,
  PAGE_TABLE_BITS,
  REPLY_BITS,
  SLOT_BITS,
  TCB_BITS,
  VM_KERNEL_ONLY,
  VM_READ_ONLY,
  VM_READ_WRITE,
} from './object-sizes.ts';
import { NULL_CAP } from './objects.ts';
import type { Cap, CNode, FrameCap } from './objects.ts';

/** @returns the physical address of what the capability names, -1 when it names no memory */
export function capBase(cap: Cap): number {
  switch (cap.kind) {
    case 'untyped':
    case 'frame':
      return cap.base;
    case 'endpoint':
      return cap.endpoint.paddr;
    case 'notification':
      return cap.notification.paddr;
    case 'reply':
      return cap.reply.paddr;
    case 'cnode':
      return cap.cnode.paddr;
    case 'thread':
      return cap.tcb.paddr;
    case 'schedContext':
      return cap.schedContext.paddr;
    case 'pageTable':
      return cap.table.paddr;
    case 'asidPool':
      return cap.pool.paddr;
    case 'zombie':
      return cap.object.paddr;
    case 'null':
    case 'schedControl':
    case 'irqControl':
    case 'irqHandler':
    case 'domain':
    case 'asidControl':
      return -1;
    default:
      return cap satisfies never;
  }
}

/** @returns log2 of the size of what the capability names; only for those with a base */
export function capSizeBits(cap: Cap): number {
  switch (cap.kind) {
    case 'untyped':
    case 'frame':
      return cap.sizeBits;
    case 'endpoint':
      return ENDPOINT_BITS;
    case 'notification':
      return NOTIFICATION_BITS;
    case 'reply':
      return REPLY_BITS;
    case 'cnode':
      return cap.cnode.radix + SLOT_BITS;
    case 'thread':
      return TCB_BITS;
    case 'schedContext':
      return cap.schedContext.sizeBits;
    case 'pageTable':
      return PAGE_TABLE_BITS;
    case 'asidPool':
      return ASID_POOL_BITS;
    case 'zombie':
      return cap.object.kind === 'tcb' ? TCB_BITS : cap.object.radix + SLOT_BITS;
    default:
      return 0;
  }
}

/**
 * Whether `b` names something inside the region that `a` names: the first half of being its parent.
 */
export function sameRegionAs(a: Cap, b: Cap): boolean {
  switch (a.kind) {
    case 'untyped': {
      const base = capBase(b);
      return (
        base >= a.base &&
        base + bytesOf(capSizeBits(b)) <= a.base + bytesOf(a.sizeBits) &&
        base !== -1
      );
    }
    case 'endpoint':
      return b.kind === 'endpoint' && a.endpoint === b.endpoint;
    case 'notification':
      return b.kind === 'notification' && a.notification === b.notification;
    case 'reply':
      return b.kind === 'reply' && a.reply === b.reply;
    case 'cnode':
      return b.kind === 'cnode' && a.cnode === b.cnode;
    case 'thread':
      return b.kind === 'thread' && a.tcb === b.tcb;
    case 'schedContext':
      return b.kind === 'schedContext' && a.schedContext === b.schedContext;
    case 'frame':
      return b.kind === 'frame' && frameHolds(a, b);
    case 'pageTable':
      return b.kind === 'pageTable' && a.table === b.table;
    case 'asidPool':
      return b.kind === 'asidPool' && a.pool === b.pool;
    case 'irqControl':
      return b.kind === 'irqControl' || b.kind === 'irqHandler';
    case 'irqHandler':
      return b.kind === 'irqHandler' && a.irq === b.irq;
    case 'domain':
    case 'schedControl':
    case 'asidControl':
      return b.kind === a.kind;
    case 'null':
    case 'zombie':
      return false;
    default:
      return a satisfies never;
  }
}

function frameHolds(a: FrameCap, b: FrameCap): boolean {
  return b.base >= a.base && b.base + bytesOf(b.sizeBits) <= a.base + bytesOf(a.sizeBits);
}

export function sameObjectAs(a: Cap, b: Cap): boolean {
  if (a.kind === 'untyped') return false;
  if (a.kind === 'irqControl' && b.kind === 'irqHandler') return false;
  if (a.kind === 'frame') {
    return (
      b.kind === 'frame' &&
      a.base === b.base &&
      a.sizeBits === b.sizeBits &&
      a.isDevice === b.isDevice
    );
  }
  return sameRegionAs(a, b);
}

/**
 * Whether the copy `derived` of `source` starts a family of its own: what "revocable" and "first
 * badged" become.
 */
export function isCapRevocable(derived: Cap, source: Cap): boolean {
  switch (derived.kind) {
    case 'endpoint':
      return (
        source.kind === 'endpoint' &&
        (derived.badgeLow !== source.badgeLow || derived.badgeHigh !== source.badgeHigh)
      );
    case 'notification':
      return (
        source.kind === 'notification' &&
        (derived.badgeLow !== source.badgeLow || derived.badgeHigh !== source.badgeHigh)
      );
    case 'irqHandler':
      return source.kind === 'irqControl';
    case 'untyped':
      return true;
    default:
      return false;
  }
}

/**
 * @returns the capability with at most these rights: itself when it has no others, for capabilities
 * do not change
 */
export function maskCapRights(cap: Cap, rights: number): Cap {
  switch (cap.kind) {
    case 'endpoint':
      return (cap.rights & rights) === cap.rights ? cap : { ...cap, rights: cap.rights & rights };
    case 'notification':
      return (cap.rights & rights) === cap.rights ? cap : { ...cap, rights: cap.rights & rights };
    case 'reply':
      return { ...cap, canGrant: cap.canGrant && (rights & RIGHT_GRANT) !== 0 };
    case 'frame': {
      const vmRights = maskVmRights(cap.vmRights, rights);
      return vmRights === cap.vmRights ? cap : { ...cap, vmRights };
    }
    default:
      return cap;
  }
}

/** Written out: copied with `...`, a capability takes as long as the rest of a mapping. */
export function mappedFrame(cap: FrameCap, mappedAsid: number, mappedAddress: number): FrameCap {
  const { base, sizeBits, vmRights, isDevice } = cap;
  return { kind: 'frame', base, sizeBits, vmRights, isDevice, mappedAsid, mappedAddress };
}

export function maskVmRights(vmRights: number, rights: number): number {
  if ((rights & RIGHT_READ) === 0) return VM_KERNEL_ONLY;
  if (vmRights === VM_READ_ONLY) return VM_READ_ONLY;
  if (vmRights === VM_READ_WRITE) {
    return (rights & RIGHT_WRITE) === 0 ? VM_READ_ONLY : VM_READ_WRITE;
  }
  return VM_KERNEL_ONLY;
}

/**
 * The capability with a badge or a guard set.
 *
 * @param mode 'preserve' for Mutate and Rotate, which may not change a badge at all
 * @returns the null capability when the change is not allowed
 */
export function updateCapData(
  mode: 'preserve' | 'set',
  dataLow: number,
  dataHigh: number,
  cap: Cap,
): Cap {
  switch (cap.kind) {
    case 'endpoint':
      if (mode === 'preserve' || cap.badgeLow !== 0 || cap.badgeHigh !== 0) return NULL_CAP;
      return { ...cap, badgeLow: dataLow, badgeHigh: dataHigh };
    case 'notification':
      if (mode === 'preserve' || cap.badgeLow !== 0 || cap.badgeHigh !== 0) return NULL_CAP;
      return { ...cap, badgeLow: dataLow, badgeHigh: dataHigh };
    case 'cnode':
      return withGuard(cap.cnode, dataLow, dataHigh);
    default:
      return cap;
  }
}

/** @param dataLow guard size in bits 0..5, the guard in the 58 bits above */
function withGuard(cnode: CNode, dataLow: number, dataHigh: number): Cap {
  const guardSize = dataLow & 0x3f;
  if (guardSize + cnode.radix > 64) return NULL_CAP;
  const low = ((dataLow >>> 6) | (dataHigh << 26)) >>> 0;
  const high = dataHigh >>> 6;
  return {
    kind: 'cnode',
    cnode,
    guardLow: maskLow(low, guardSize),
    guardHigh: maskHigh(high, guardSize),
    guardSize,
  };
}

/** @returns the low half of a 64-bit word of which only the lowest `bits` are kept */
export function maskLow(low: number, bits: number): number {
  return bits >= 32 ? low : (low & ((1 << bits) - 1)) >>> 0;
}

export function maskHigh(high: number, bits: number): number {
  if (bits <= 32) return 0;
  return bits >= 64 ? high : (high & ((1 << (bits - 32)) - 1)) >>> 0;
}

/** seL4's capability type numbers, as DebugCapIdentify returns them. */
export const CAP_TYPE: Readonly<Record<Cap['kind'], number>> = {
  null: 0,
  frame: 1,
  untyped: 2,
  pageTable: 3,
  endpoint: 4,
  notification: 6,
  reply: 8,
  cnode: 10,
  asidControl: 11,
  thread: 12,
  asidPool: 13,
  irqControl: 14,
  irqHandler: 16,
  zombie: 18,
  domain: 20,
  schedContext: 22,
  schedControl: 24,
};
