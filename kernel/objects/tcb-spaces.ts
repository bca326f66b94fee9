/**
 * Invocations of threads that change the capabilities in a TCB: CSpace, VSpace, IPC buffer,
 * handlers, scheduling.
 */

import { smallInteger } from '../../memory/small-integer.ts';
import { ALIGNMENT_ERROR, ILLEGAL_OPERATION, IPC_BUFFER_BYTES, TRUNCATED_MESSAGE } from '../abi.ts';
import { sameObjectAs, updateCapData } from './cap.ts';
import { cteDelete } from './deletion.ts';
import { deriveCap } from './derive.ts';
import { refuse, refuseCapability, refuseRange } from '../errors.ts';
import { isValidFaultHandler } from '../ipc/fault.ts';
import { cteInsert, isLongRunningDelete } from './mdb.ts';
import { argument, argumentHigh, argumentLow } from '../ipc/message-registers.ts';
import { NULL_CAP } from './objects.ts';
import type { Cap, SchedContext, Slot, Tcb } from './objects.ts';
import { isBlocked, rescheduleRequired, setThreadState } from '../sched/ready-queue.ts';
import { bindTcb, unbindTcb } from '../sched/sched-context.ts';
import { isReleased } from '../sched/sporadic.ts';
import { STATUS_ERROR, STATUS_OK } from '../state.ts';
import type { KernelState, Status } from '../state.ts';
import { setPriority } from '../sched/thread.ts';

export function decodeConfigure(k: KernelState, length: number, slot: Slot, tcb: Tcb): Status {
  const [cspace, vspace, buffer] = k.extraCaps;
  if (length < 3 || cspace === null || vspace === null || buffer === null) {
    return refuse(k, TRUNCATED_MESSAGE);
  }
  const hasBuffer = argumentLow(k, 2) !== 0 || argumentHigh(k, 2) !== 0;
  const bufferCap = hasBuffer ? deriveBuffer(k, buffer, 2) : NULL_CAP;
  if (bufferCap === null) return STATUS_ERROR;
  const spaces = deriveSpaces(k, tcb, cspace, vspace);
  if (spaces === null) return STATUS_ERROR;
  const addressLow = argumentLow(k, 2);
  const addressHigh = argumentHigh(k, 2);
  setThreadState(k, k.current, 'restart');
  const status = installSpaces(k, tcb, slot, cspace, vspace, spaces);
  if (status !== STATUS_OK) return status;
  return installBuffer(k, tcb, slot, buffer, bufferCap, addressLow, addressHigh);
}

export function decodeSetSpace(k: KernelState, length: number, slot: Slot, tcb: Tcb): Status {
  const [handler, cspace, vspace] = k.extraCaps;
  if (length < 2 || handler === null || cspace === null || vspace === null) {
    return refuse(k, TRUNCATED_MESSAGE);
  }
  const spaces = deriveSpaces(k, tcb, cspace, vspace);
  if (spaces === null) return STATUS_ERROR;
  const handlerCap = handler.cap;
  if (!isValidFaultHandler(handlerCap)) return refuseCapability(k, 1);
  setThreadState(k, k.current, 'restart');
  const status = install(k, tcb, slot, tcb.faultHandler, handlerCap, handler);
  if (status !== STATUS_OK) return status;
  return installSpaces(k, tcb, slot, cspace, vspace, spaces);
}

export function decodeSetTimeoutEndpoint(k: KernelState, slot: Slot, tcb: Tcb): Status {
  const handler = k.extraCaps[0];
  if (handler === null) return refuse(k, TRUNCATED_MESSAGE);
  const cap = handler.cap;
  if (!isValidFaultHandler(cap)) return refuseCapability(k, 1);
  setThreadState(k, k.current, 'restart');
  return install(k, tcb, slot, tcb.timeoutHandler, cap, handler);
}

export function decodeSetIpcBuffer(k: KernelState, length: number, slot: Slot, tcb: Tcb): Status {
  const buffer = k.extraCaps[0];
  if (length < 1 || buffer === null) return refuse(k, TRUNCATED_MESSAGE);
  const addressLow = argumentLow(k, 0);
  const addressHigh = argumentHigh(k, 0);
  const hasBuffer = addressLow !== 0 || addressHigh !== 0;
  const cap = hasBuffer ? deriveBuffer(k, buffer, 0) : NULL_CAP;
  if (cap === null) return STATUS_ERROR;
  setThreadState(k, k.current, 'restart');
  return installBuffer(k, tcb, slot, buffer, cap, addressLow, addressHigh);
}

export function decodeSetSchedParams(k: KernelState, length: number, slot: Slot, tcb: Tcb): Status {
  const [authoritySlot, contextSlot, handler] = k.extraCaps;
  if (length < 2 || authoritySlot === null || contextSlot === null || handler === null) {
    return refuse(k, TRUNCATED_MESSAGE);
  }
  const authority = authorityOf(k, authoritySlot);
  if (authority === null) return STATUS_ERROR;
  const maxPriority = argument(k, 0);
  const priority = argument(k, 1);
  if (checkPriority(k, maxPriority, authority) !== STATUS_OK) return STATUS_ERROR;
  if (checkPriority(k, priority, authority) !== STATUS_OK) return STATUS_ERROR;
  let sc: SchedContext | null = null;
  switch (contextSlot.cap.kind) {
    case 'schedContext':
      sc = contextSlot.cap.schedContext;
      if (tcb.schedContext !== sc) {
        if (tcb.schedContext !== null || sc.tcb !== null) return refuse(k, ILLEGAL_OPERATION);
        if (isBlocked(tcb) && !isReleased(k, sc)) return refuse(k, ILLEGAL_OPERATION);
      }
      break;
    case 'null':
      if (tcb === k.current) return refuse(k, ILLEGAL_OPERATION);
      break;
    default:
      return refuseCapability(k, 2);
  }
  const handlerCap = handler.cap;
  if (!isValidFaultHandler(handlerCap)) return refuseCapability(k, 3);
  setThreadState(k, k.current, 'restart');
  const status = install(k, tcb, slot, tcb.faultHandler, handlerCap, handler);
  if (status !== STATUS_OK) return status;
  tcb.maxPriority = smallInteger(maxPriority);
  setPriority(k, tcb, smallInteger(priority));
  if (sc === null) {
    if (tcb.schedContext !== null) unbindTcb(k, tcb.schedContext);
  } else if (sc !== tcb.schedContext) {
    bindTcb(k, sc, tcb);
  }
  return STATUS_OK;
}

/** @returns the thread whose maximum controlled priority bounds what may be set */
export function authorityOf(k: KernelState, slot: Slot): Tcb | null {
  if (slot.cap.kind === 'thread') return slot.cap.tcb;
  refuseCapability(k, 1);
  return null;
}

export function checkPriority(k: KernelState, priority: number, authority: Tcb): Status {
  return priority > authority.maxPriority ? refuseRange(k, 0, authority.maxPriority) : STATUS_OK;
}

// ---------------------------------------------------------------------------------------- deriving

/** @param at the argument that holds the buffer's address */
function deriveBuffer(k: KernelState, slot: Slot, at: number): Cap | null {
  const cap = deriveCap(k, slot, slot.cap);
  if (cap === null) return null;
  if (cap.kind !== 'frame' || cap.isDevice) {
    refuse(k, ILLEGAL_OPERATION);
    return null;
  }
  if ((argumentLow(k, at) & (IPC_BUFFER_BYTES - 1)) !== 0) {
    refuse(k, ALIGNMENT_ERROR);
    return null;
  }
  return cap;
}

interface Spaces {
  readonly cspace: Cap;
  readonly vspace: Cap;
}

/** Checks and derives the roots of CSpace and VSpace; their data are arguments 0 and 1. */
function deriveSpaces(k: KernelState, tcb: Tcb, cspace: Slot, vspace: Slot): Spaces | null {
  if (isLongRunningDelete(tcb.ctable) || isLongRunningDelete(tcb.vtable)) {
    refuse(k, ILLEGAL_OPERATION);
    return null;
  }
  const root = deriveCap(k, cspace, withData(k, cspace.cap, 0));
  if (root === null) return null;
  if (root.kind !== 'cnode') {
    refuse(k, ILLEGAL_OPERATION);
    return null;
  }
  const table = deriveCap(k, vspace, withData(k, vspace.cap, 1));
  if (table === null) return null;
  if (table.kind !== 'pageTable' || !table.isMapped) {
    refuse(k, ILLEGAL_OPERATION);
    return null;
  }
  return { cspace: root, vspace: table };
}

function withData(k: KernelState, cap: Cap, at: number): Cap {
  const low = argumentLow(k, at);
  const high = argumentHigh(k, at);
  return low === 0 && high === 0 ? cap : updateCapData('set', low, high, cap);
}

// -------------------------------------------------------------------------------------- installing

/**
 * Replaces a capability of a TCB. Deleting the old one can take away the source or the TCB itself:
 * the new one is put in only if both are still what they were.
 */
function install(
  k: KernelState,
  tcb: Tcb,
  tcbSlot: Slot,
  target: Slot,
  cap: Cap,
  source: Slot,
): Status {
  const status = cteDelete(k, target, 'exposed');
  if (status !== STATUS_OK) return status;
  if (sameObjectAs(cap, source.cap) && isStill(tcb, tcbSlot)) cteInsert(cap, source, target);
  return STATUS_OK;
}

function isStill(tcb: Tcb, slot: Slot): boolean {
  return slot.cap.kind === 'thread' && slot.cap.tcb === tcb;
}

function installSpaces(
  k: KernelState,
  tcb: Tcb,
  tcbSlot: Slot,
  cspace: Slot,
  vspace: Slot,
  spaces: Spaces,
): Status {
  const status = install(k, tcb, tcbSlot, tcb.ctable, spaces.cspace, cspace);
  if (status !== STATUS_OK) return status;
  k.mappingGeneration += 1;
  return install(k, tcb, tcbSlot, tcb.vtable, spaces.vspace, vspace);
}

function installBuffer(
  k: KernelState,
  tcb: Tcb,
  tcbSlot: Slot,
  buffer: Slot,
  cap: Cap,
  addressLow: number,
  addressHigh: number,
): Status {
  const status = cteDelete(k, tcb.buffer, 'exposed');
  if (status !== STATUS_OK) return status;
  tcb.ipcBufferLow = addressLow;
  tcb.ipcBufferHigh = addressHigh;
  if (sameObjectAs(cap, buffer.cap) && isStill(tcb, tcbSlot)) {
    cteInsert(cap, buffer, tcb.buffer);
  }
  if (tcb === k.current) rescheduleRequired(k);
  return STATUS_OK;
}
