/** Invocations of frames, page tables, ASID control and ASID pools. */

import {
  ALIGNMENT_ERROR,
  ASID_CONTROL_MAKE_POOL,
  ASID_POOL_ASSIGN,
  DELETE_FIRST,
  ILLEGAL_OPERATION,
  PAGE_GET_ADDRESS,
  PAGE_MAP,
  PAGE_TABLE_MAP,
  PAGE_TABLE_UNMAP,
  PAGE_UNMAP,
  REVOKE_FIRST,
  TRUNCATED_MESSAGE,
} from '../abi.ts';
import { mappedFrame, maskVmRights } from '../objects/cap.ts';
import { lookupSlotForCNodeOp } from '../objects/cspace.ts';
import {
  ensureEmptySlot,
  refuse,
  refuseArgument,
  refuseCapability,
  refuseLookup,
  setInvalidRoot,
  setMissingCapability,
} from '../errors.ts';
import { cteInsert, ensureNoChildren, isFinalCapability } from '../objects/mdb.ts';
import {
  argument,
  argumentHigh,
  argumentLow,
  lookupIpcBuffer,
  setMr,
  setReplyInfo,
} from '../ipc/message-registers.ts';
import { ASID_POOL_BITS, bytesOf, PAGE_BITS, VM_KERNEL_ONLY } from '../objects/object-sizes.ts';
import { AsidPool } from './page-table.ts';
import type { AsidPoolCap, Cap, FrameCap, PageTableCap, Slot } from '../objects/objects.ts';
import type { PageTableEntry } from './page-table.ts';
import { setThreadState } from '../sched/ready-queue.ts';
import { ASID_LOW_BITS, ASID_POOLS, STATUS_ERROR, STATUS_OK } from '../state.ts';
import type { KernelState, Status } from '../state.ts';
import {
  findVSpaceForAsid,
  setEntry,
  unmapFrame,
  unmapPageTable,
  USER_TOP,
  walk,
} from './vspace.ts';

export function decodeFrame(
  k: KernelState,
  label: number,
  length: number,
  slot: Slot,
  cap: FrameCap,
  isCall: boolean,
): Status {
  switch (label) {
    case PAGE_MAP:
      return decodePageMap(k, length, slot, cap);
    case PAGE_UNMAP:
      setThreadState(k, k.current, 'restart');
      unmapFrame(k, cap);
      slot.cap = mappedFrame(cap, 0, 0);
      return STATUS_OK;
    case PAGE_GET_ADDRESS:
      if (isCall) {
        const bufferAt = lookupIpcBuffer(k, k.current, 'receive');
        setReplyInfo(k.current, 0, setMr(k, k.current, bufferAt, 0, cap.base, 0));
      }
      setThreadState(k, k.current, 'running');
      return STATUS_OK;
    default:
      return refuse(k, ILLEGAL_OPERATION);
  }
}

function decodePageMap(k: KernelState, length: number, slot: Slot, cap: FrameCap): Status {
  const vspaceSlot = k.extraCaps[0];
  if (length < 3 || vspaceSlot === null) return refuse(k, TRUNCATED_MESSAGE);
  const vspace = vspaceSlot.cap;
  if (vspace.kind !== 'pageTable' || !vspace.isMapped) return refuseCapability(k, 1);
  const asid = vspace.mappedAsid;
  const root = findVSpaceForAsid(k, asid);
  if (root === null) return refuseLookup(k, 'destination');
  if (root !== vspace.table) return refuseCapability(k, 1);
  const size = bytesOf(cap.sizeBits);
  const wraps = argumentHigh(k, 0) === 0xffff_ffff && argumentLow(k, 0) > 2 ** 32 - size;
  const vaddr = argument(k, 0);
  if (!wraps && vaddr + size - 1 >= USER_TOP) return refuseArgument(k, 0);
  if ((argumentLow(k, 0) & (size - 1)) !== 0) return refuse(k, ALIGNMENT_ERROR);
  const { table, index, bitsLeft } = walk(root, vaddr);
  if (bitsLeft !== cap.sizeBits) {
    setMissingCapability(k, bitsLeft);
    return refuseLookup(k, 'destination');
  }
  const entry = table.entries[index];
  if (cap.mappedAsid !== 0) {
    if (cap.mappedAsid !== asid) return refuseCapability(k, 1);
    if (cap.mappedAddress !== vaddr) return refuseArgument(k, 0);
    if (entry?.kind === 'table') return refuse(k, DELETE_FIRST);
  } else if (entry !== undefined) {
    return refuse(k, DELETE_FIRST);
  }
  const vmRights = maskVmRights(cap.vmRights, argumentLow(k, 1));
  const isExecutable = (argumentLow(k, 2) & 1) === 0;
  setThreadState(k, k.current, 'restart');
  slot.cap = mappedFrame(cap, asid, vaddr);
  setEntry(k, table, index, pageEntry(cap, vmRights, isExecutable));
  return STATUS_OK;
}

/** @returns the entry; a page that the user could not even execute is not mapped at all */
function pageEntry(
  cap: FrameCap,
  vmRights: number,
  isExecutable: boolean,
): PageTableEntry | undefined {
  if (vmRights === VM_KERNEL_ONLY && !isExecutable) return undefined;
  const { base, sizeBits, isDevice } = cap;
  return { kind: 'page', base, sizeBits, vmRights, isExecutable, isDevice };
}

export function decodePageTable(
  k: KernelState,
  label: number,
  length: number,
  slot: Slot,
  cap: PageTableCap,
): Status {
  switch (label) {
    case PAGE_TABLE_UNMAP:
      return decodePageTableUnmap(k, slot, cap);
    case PAGE_TABLE_MAP:
      return decodePageTableMap(k, length, slot, cap);
    default:
      return refuse(k, ILLEGAL_OPERATION);
  }
}

function decodePageTableUnmap(k: KernelState, slot: Slot, cap: PageTableCap): Status {
  if (!isFinalCapability(slot)) return refuse(k, REVOKE_FIRST);
  if (cap.isMapped && findVSpaceForAsid(k, cap.mappedAsid) === cap.table) {
    return refuse(k, REVOKE_FIRST);
  }
  setThreadState(k, k.current, 'restart');
  if (cap.isMapped) {
    unmapPageTable(k, cap);
    cap.table.entries.fill(undefined);
    k.mappingGeneration += 1;
  }
  slot.cap = { ...cap, isMapped: false, mappedAsid: 0, mappedAddress: 0 };
  return STATUS_OK;
}

function decodePageTableMap(k: KernelState, length: number, slot: Slot, cap: PageTableCap): Status {
  const vspaceSlot = k.extraCaps[0];
  if (length < 2 || vspaceSlot === null) return refuse(k, TRUNCATED_MESSAGE);
  if (cap.isMapped) return refuseCapability(k, 0);
  const vspace = vspaceSlot.cap;
  if (vspace.kind !== 'pageTable' || !vspace.isMapped) return refuseCapability(k, 1);
  const vaddr = argument(k, 0);
  if (vaddr >= USER_TOP) return refuseArgument(k, 0);
  const asid = vspace.mappedAsid;
  const root = findVSpaceForAsid(k, asid);
  if (root === null) return refuseLookup(k, 'destination');
  if (root !== vspace.table) return refuseCapability(k, 1);
  const { table, index, bitsLeft } = walk(root, vaddr);
  if (bitsLeft === PAGE_BITS || table.entries[index] !== undefined) {
    return refuse(k, DELETE_FIRST);
  }
  setThreadState(k, k.current, 'restart');
  const size = bytesOf(bitsLeft);
  const mappedAddress = Math.floor(vaddr / size) * size;
  slot.cap = { ...cap, isMapped: true, mappedAsid: asid, mappedAddress };
  setEntry(k, table, index, { kind: 'table', table: cap.table });
  return STATUS_OK;
}

export function decodeAsidControl(k: KernelState, label: number, length: number): Status {
  if (label !== ASID_CONTROL_MAKE_POOL) return refuse(k, ILLEGAL_OPERATION);
  const [untypedSlot, rootSlot] = k.extraCaps;
  if (length < 2 || untypedSlot === null || rootSlot === null) {
    return refuse(k, TRUNCATED_MESSAGE);
  }
  const index = k.asidTable.indexOf(null);
  if (index < 0 || index >= ASID_POOLS) return refuse(k, DELETE_FIRST);
  const untyped = untypedSlot.cap;
  if (untyped.kind !== 'untyped' || untyped.sizeBits !== ASID_POOL_BITS || untyped.isDevice) {
    return refuseCapability(k, 1);
  }
  if (ensureNoChildren(k, untypedSlot) !== STATUS_OK) return STATUS_ERROR;
  const low = argumentLow(k, 0);
  const high = argumentHigh(k, 0);
  const depth = argument(k, 1);
  const target = lookupSlotForCNodeOp(k, 'destination', rootSlot.cap, low, high, depth);
  if (target === null || ensureEmptySlot(k, target) !== STATUS_OK) return STATUS_ERROR;
  setThreadState(k, k.current, 'restart');
  untyped.freeIndex = 2 ** ASID_POOL_BITS;
  const pool = new AsidPool(untyped.base, index << ASID_LOW_BITS);
  k.onCreate?.(pool);
  const cap: Cap = { kind: 'asidPool', pool };
  cteInsert(cap, untypedSlot, target);
  k.asidTable[index] = pool;
  return STATUS_OK;
}

export function decodeAsidPool(k: KernelState, label: number, cap: AsidPoolCap): Status {
  if (label !== ASID_POOL_ASSIGN) return refuse(k, ILLEGAL_OPERATION);
  const slot = k.extraCaps[0];
  if (slot === null) return refuse(k, TRUNCATED_MESSAGE);
  const root = slot.cap;
  if (root.kind !== 'pageTable' || root.isMapped) return refuseCapability(k, 1);
  const pool = k.asidTable[cap.pool.asidBase >>> ASID_LOW_BITS];
  if (pool === null || pool === undefined) {
    setInvalidRoot(k);
    return refuseLookup(k, 'destination');
  }
  if (pool !== cap.pool) return refuseCapability(k, 0);
  let index = pool.asidBase === 0 ? 1 : 0;
  while (index < pool.roots.length && pool.roots[index] !== null) index += 1;
  if (index === pool.roots.length) return refuse(k, DELETE_FIRST);
  setThreadState(k, k.current, 'restart');
  const mappedAsid = pool.asidBase + index;
  slot.cap = { ...root, isMapped: true, mappedAsid, mappedAddress: 0 };
  pool.roots[index] = root.table;
  k.mappingGeneration += 1;
  return STATUS_OK;
}
