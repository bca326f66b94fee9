/**
 * Untyped memory and its one invocation: retype. The only place where kernel objects come into
 * being after boot.
 */

import {
  ILLEGAL_OPERATION,
  OBJECT_4K_PAGE,
  OBJECT_CNODE,
  OBJECT_ENDPOINT,
  OBJECT_GIGA_PAGE,
  OBJECT_MEGA_PAGE,
  OBJECT_NOTIFICATION,
  OBJECT_PAGE_TABLE,
  OBJECT_REPLY,
  OBJECT_SCHED_CONTEXT,
  OBJECT_TCB,
  OBJECT_UNTYPED,
  RIGHTS_ALL,
  TRUNCATED_MESSAGE,
  UNTYPED_RETYPE,
} from '../abi.ts';
import { lookupSlotForCNodeOp } from '../objects/cspace.ts';
import {
  ensureEmptySlot,
  refuse,
  refuseArgument,
  refuseLookup,
  refuseMemory,
  refuseRange,
  setMissingCapability,
} from '../errors.ts';
import { hasChildren, insertNewCap } from '../objects/mdb.ts';
import { argument, argumentHigh, argumentLow } from '../ipc/message-registers.ts';
import {
  bytesOf,
  ENDPOINT_BITS,
  GIGA_PAGE_BITS,
  MEGA_PAGE_BITS,
  NOTIFICATION_BITS,
  PAGE_BITS,
  PAGE_TABLE_BITS,
  REPLY_BITS,
  SCHED_CONTEXT_BITS_MIN,
  SLOT_BITS,
  TCB_BITS,
  UNTYPED_BITS_MAX,
  UNTYPED_BITS_MIN,
  VM_READ_WRITE,
} from '../objects/object-sizes.ts';
import { CNode, Endpoint, Notification, Reply, SchedContext, Tcb } from '../objects/objects.ts';
import { PageTable } from './page-table.ts';
import type { Cap, KernelObject, Slot, UntypedCap } from '../objects/objects.ts';
import { setThreadState } from '../sched/ready-queue.ts';
import { preemptionPoint } from '../sched/schedule.ts';
import { STATUS_ERROR, STATUS_OK, STATUS_PREEMPTED } from '../state.ts';
import type { KernelState, Status } from '../state.ts';

const OBJECT_TYPES = 11;
const FAN_OUT_MAX = 256;
const RESET_CHUNK_BYTES = 256;

/** @returns log2 of the bytes of a new object of this type */
function sizeBitsOf(type: number, userBits: number): number {
  switch (type) {
    case OBJECT_TCB:
      return TCB_BITS;
    case OBJECT_ENDPOINT:
      return ENDPOINT_BITS;
    case OBJECT_NOTIFICATION:
      return NOTIFICATION_BITS;
    case OBJECT_CNODE:
      return SLOT_BITS + userBits;
    case OBJECT_REPLY:
      return REPLY_BITS;
    case OBJECT_GIGA_PAGE:
      return GIGA_PAGE_BITS;
    case OBJECT_4K_PAGE:
      return PAGE_BITS;
    case OBJECT_MEGA_PAGE:
      return MEGA_PAGE_BITS;
    case OBJECT_PAGE_TABLE:
      return PAGE_TABLE_BITS;
    default:
      return userBits;
  }
}

export function decodeUntyped(
  k: KernelState,
  label: number,
  length: number,
  slot: Slot,
  cap: UntypedCap,
): Status {
  if (label !== UNTYPED_RETYPE) return refuse(k, ILLEGAL_OPERATION);
  const rootSlot = k.extraCaps[0];
  if (length < 6 || rootSlot === null) return refuse(k, TRUNCATED_MESSAGE);
  const type = argument(k, 0);
  const userBits = argument(k, 1);
  if (type >= OBJECT_TYPES) return refuseArgument(k, 0);
  const sizeBits = sizeBitsOf(type, userBits);
  if (userBits >= 64 || sizeBits > UNTYPED_BITS_MAX) return refuseRange(k, 0, UNTYPED_BITS_MAX);
  if (type === OBJECT_CNODE && userBits === 0) return refuseArgument(k, 1);
  if (type === OBJECT_UNTYPED && userBits < UNTYPED_BITS_MIN) return refuseArgument(k, 1);
  if (type === OBJECT_SCHED_CONTEXT && userBits < SCHED_CONTEXT_BITS_MIN) {
    return refuseArgument(k, 1);
  }
  const nodeCap = lookupNode(k, rootSlot);
  if (nodeCap === null) return STATUS_ERROR;
  if (nodeCap.kind !== 'cnode') {
    setMissingCapability(k, argument(k, 3));
    return refuseLookup(k, 'destination');
  }
  const node = nodeCap.cnode;
  const nodeSize = bytesOf(node.radix);
  const offset = argument(k, 4);
  const count = argument(k, 5);
  if (offset > nodeSize - 1) return refuseRange(k, 0, nodeSize - 1);
  if (count < 1 || count > FAN_OUT_MAX) return refuseRange(k, 1, FAN_OUT_MAX);
  if (count > nodeSize - offset) return refuseRange(k, 1, nodeSize - offset);
  for (let i = offset; i < offset + count; i += 1) {
    const used = node.slots[i];
    if (used !== undefined && ensureEmptySlot(k, used) !== STATUS_OK) return STATUS_ERROR;
  }
  const isReset = !hasChildren(slot);
  const freeIndex = isReset ? 0 : cap.freeIndex;
  const freeBytes = bytesOf(cap.sizeBits) - freeIndex;
  const objectBytes = bytesOf(sizeBits);
  if (Math.floor(freeBytes / objectBytes) < count) return refuseMemory(k, freeBytes);
  if (cap.isDevice && !isFrameType(type) && type !== OBJECT_UNTYPED) return refuseArgument(k, 1);
  setThreadState(k, k.current, 'restart');
  if (isReset && resetUntyped(k, cap) !== STATUS_OK) return STATUS_PREEMPTED;
  const start = Math.ceil(freeIndex / objectBytes) * objectBytes;
  cap.freeIndex = start + count * objectBytes;
  for (let i = 0; i < count; i += 1) {
    const paddr = cap.base + start + i * objectBytes;
    const made = createObject(k, type, paddr, sizeBits, cap.isDevice);
    insertNewCap(slot, node.slotAt(offset + i), made);
  }
  return STATUS_OK;
}

/** @returns the capability to the CNode that gets the new ones: at depth 0 the root itself */
function lookupNode(k: KernelState, rootSlot: Slot): Cap | null {
  const depth = argument(k, 3);
  if (depth === 0) return rootSlot.cap;
  const low = argumentLow(k, 2);
  const high = argumentHigh(k, 2);
  return lookupSlotForCNodeOp(k, 'destination', rootSlot.cap, low, high, depth)?.cap ?? null;
}

function isFrameType(type: number): boolean {
  return type === OBJECT_GIGA_PAGE || type === OBJECT_4K_PAGE || type === OBJECT_MEGA_PAGE;
}

/**
 * Clears an untyped without children, from the top downwards, so that the capability always says
 * what is still dirty: preempted, it goes on where it was.
 */
function resetUntyped(k: KernelState, cap: UntypedCap): Status {
  if (cap.freeIndex === 0) return STATUS_OK;
  const size = bytesOf(cap.sizeBits);
  if (cap.isDevice || size < RESET_CHUNK_BYTES) {
    if (!cap.isDevice) k.ram.fill(cap.base - k.ram.base, 0, size);
    cap.freeIndex = 0;
    return STATUS_OK;
  }
  let chunks = Math.ceil(cap.freeIndex / RESET_CHUNK_BYTES);
  while (chunks > 0) {
    // As many chunks as work units are left until the preemption point, at once: each is one.
    const now = Math.max(1, Math.min(chunks, k.workUnitsMax - k.workUnits));
    chunks -= now;
    const offset = chunks * RESET_CHUNK_BYTES;
    k.ram.fill(cap.base - k.ram.base + offset, 0, now * RESET_CHUNK_BYTES);
    cap.freeIndex = offset;
    k.workUnits += now - 1;
    if (preemptionPoint(k)) return STATUS_PREEMPTED;
  }
  return STATUS_OK;
}

function createObject(
  k: KernelState,
  type: number,
  paddr: number,
  sizeBits: number,
  isDevice: boolean,
): Cap {
  switch (type) {
    case OBJECT_UNTYPED:
      return { kind: 'untyped', base: paddr, sizeBits, isDevice, freeIndex: 0 };
    case OBJECT_TCB: {
      const tcb = made(k, new Tcb(paddr));
      tcb.domain = k.currentDomain;
      return { kind: 'thread', tcb };
    }
    case OBJECT_ENDPOINT: {
      const endpoint = made(k, new Endpoint(paddr));
      return { kind: 'endpoint', endpoint, badgeLow: 0, badgeHigh: 0, rights: RIGHTS_ALL };
    }
    case OBJECT_NOTIFICATION: {
      const notification = made(k, new Notification(paddr));
      return { kind: 'notification', notification, badgeLow: 0, badgeHigh: 0, rights: RIGHTS_ALL };
    }
    case OBJECT_CNODE: {
      const cnode = made(k, new CNode(paddr, sizeBits - SLOT_BITS));
      return { kind: 'cnode', cnode, guardLow: 0, guardHigh: 0, guardSize: 0 };
    }
    case OBJECT_SCHED_CONTEXT:
      return { kind: 'schedContext', schedContext: made(k, new SchedContext(paddr, sizeBits)) };
    case OBJECT_REPLY:
      return { kind: 'reply', reply: made(k, new Reply(paddr)), canGrant: true };
    case OBJECT_PAGE_TABLE: {
      const table = made(k, new PageTable(paddr));
      return { kind: 'pageTable', table, isMapped: false, mappedAsid: 0, mappedAddress: 0 };
    }
    default:
      return {
        kind: 'frame',
        base: paddr,
        sizeBits,
        vmRights: VM_READ_WRITE,
        isDevice,
        mappedAsid: 0,
        mappedAddress: 0,
      };
  }
}

function made<O extends KernelObject>(k: KernelState, object: O): O {
  k.objectsMade += 1;
  k.onCreate?.(object);
  return object;
}
