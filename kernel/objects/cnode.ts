/** Invocations of CNodes: copying, moving and deleting capabilities. */

import {
  CNODE_CANCEL_BADGED_SENDS,
  CNODE_COPY,
  CNODE_DELETE,
  CNODE_MINT,
  CNODE_MOVE,
  CNODE_MUTATE,
  CNODE_REVOKE,
  CNODE_ROTATE,
  ILLEGAL_OPERATION,
  RIGHTS_ALL,
  TRUNCATED_MESSAGE,
} from '../abi.ts';
import { maskCapRights, updateCapData } from './cap.ts';
import { lookupSlotForCNodeOp } from './cspace.ts';
import { cteDelete, cteRevoke } from './deletion.ts';
import { deriveCap } from './derive.ts';
import { cancelBadgedSends } from '../ipc/endpoint.ts';
import { ensureEmptySlot, refuse, refuseLookup, setMissingCapability } from '../errors.ts';
import { cteInsert, cteMove, cteSwap } from './mdb.ts';
import { argument, argumentHigh, argumentLow } from '../ipc/message-registers.ts';
import type { Cap, CNodeCap, Slot } from './objects.ts';
import { setThreadState } from '../sched/ready-queue.ts';
import { STATUS_ERROR, STATUS_OK } from '../state.ts';
import type { KernelState, Status } from '../state.ts';

export function decodeCNode(k: KernelState, label: number, length: number, cap: CNodeCap): Status {
  if (label < CNODE_REVOKE || label > CNODE_ROTATE) return refuse(k, ILLEGAL_OPERATION);
  if (length < 2) return refuse(k, TRUNCATED_MESSAGE);
  const target = lookupArgument(k, 'destination', cap, 0);
  if (target === null) return STATUS_ERROR;
  switch (label) {
    case CNODE_COPY:
    case CNODE_MINT:
    case CNODE_MOVE:
    case CNODE_MUTATE:
      return decodeInsert(k, label, length, target);
    case CNODE_REVOKE:
      setThreadState(k, k.current, 'restart');
      return cteRevoke(k, target);
    case CNODE_DELETE:
      setThreadState(k, k.current, 'restart');
      return cteDelete(k, target, 'exposed');
    case CNODE_CANCEL_BADGED_SENDS:
      return decodeCancelBadgedSends(k, target.cap);
    default:
      return decodeRotate(k, length, target);
  }
}

/** Looks up the slot that the arguments `at` (index) and `at + 1` (depth) name. */
function lookupArgument(
  k: KernelState,
  which: 'source' | 'destination',
  root: Cap,
  at: number,
): Slot | null {
  const low = argumentLow(k, at);
  return lookupSlotForCNodeOp(k, which, root, low, argumentHigh(k, at), argument(k, at + 1));
}

function decodeInsert(k: KernelState, label: number, length: number, target: Slot): Status {
  const rootSlot = k.extraCaps[0];
  if (length < 4 || rootSlot === null) return refuse(k, TRUNCATED_MESSAGE);
  if (ensureEmptySlot(k, target) !== STATUS_OK) return STATUS_ERROR;
  const source = lookupArgument(k, 'source', rootSlot.cap, 2);
  if (source === null) return STATUS_ERROR;
  if (source.cap.kind === 'null') {
    setMissingCapability(k, argument(k, 3));
    return refuseLookup(k, 'source');
  }
  switch (label) {
    case CNODE_COPY: {
      if (length < 5) return refuse(k, TRUNCATED_MESSAGE);
      return insert(k, source, target, maskCapRights(source.cap, argumentLow(k, 4)));
    }
    case CNODE_MINT: {
      if (length < 6) return refuse(k, TRUNCATED_MESSAGE);
      const masked = maskCapRights(source.cap, argumentLow(k, 4));
      const low = argumentLow(k, 5);
      return insert(k, source, target, updateCapData('set', low, argumentHigh(k, 5), masked));
    }
    case CNODE_MOVE:
      return move(k, source, target, source.cap);
    default: {
      if (length < 5) return refuse(k, TRUNCATED_MESSAGE);
      const low = argumentLow(k, 4);
      return move(
        k,
        source,
        target,
        updateCapData('preserve', low, argumentHigh(k, 4), source.cap),
      );
    }
  }
}

function insert(k: KernelState, source: Slot, target: Slot, wanted: Cap): Status {
  const cap = deriveCap(k, source, wanted);
  if (cap === null) return STATUS_ERROR;
  if (cap.kind === 'null') return refuse(k, ILLEGAL_OPERATION);
  setThreadState(k, k.current, 'restart');
  cteInsert(cap, source, target);
  return STATUS_OK;
}

function move(k: KernelState, source: Slot, target: Slot, cap: Cap): Status {
  if (cap.kind === 'null') return refuse(k, ILLEGAL_OPERATION);
  setThreadState(k, k.current, 'restart');
  cteMove(cap, source, target);
  return STATUS_OK;
}

function decodeCancelBadgedSends(k: KernelState, cap: Cap): Status {
  if (cap.kind !== 'endpoint' || cap.rights !== RIGHTS_ALL) return refuse(k, ILLEGAL_OPERATION);
  setThreadState(k, k.current, 'restart');
  if (cap.badgeLow !== 0 || cap.badgeHigh !== 0) {
    cancelBadgedSends(k, cap.endpoint, cap.badgeLow, cap.badgeHigh);
  }
  return STATUS_OK;
}

function decodeRotate(k: KernelState, length: number, target: Slot): Status {
  const [pivotRoot, sourceRoot] = k.extraCaps;
  if (length < 8 || pivotRoot === null || sourceRoot === null) {
    return refuse(k, TRUNCATED_MESSAGE);
  }
  const source = lookupArgument(k, 'source', sourceRoot.cap, 6);
  if (source === null) return STATUS_ERROR;
  const pivot = lookupArgument(k, 'source', pivotRoot.cap, 3);
  if (pivot === null) return STATUS_ERROR;
  if (pivot === source || pivot === target) return refuse(k, ILLEGAL_OPERATION);
  if (source !== target && ensureEmptySlot(k, target) !== STATUS_OK) return STATUS_ERROR;
  if (source.cap.kind === 'null') {
    setMissingCapability(k, argument(k, 7));
    return refuseLookup(k, 'source');
  }
  if (pivot.cap.kind === 'null') {
    setMissingCapability(k, argument(k, 4));
    return refuseLookup(k, 'destination');
  }
  const sourceCap = updateCapData('preserve', argumentLow(k, 5), argumentHigh(k, 5), source.cap);
  const pivotCap = updateCapData('preserve', argumentLow(k, 2), argumentHigh(k, 2), pivot.cap);
  if (sourceCap.kind === 'null' || pivotCap.kind === 'null') return refuse(k, ILLEGAL_OPERATION);
  setThreadState(k, k.current, 'restart');
  if (source === target) {
    cteSwap(sourceCap, source, pivotCap, pivot);
  } else {
    cteMove(pivotCap, pivot, target);
    cteMove(sourceCap, source, pivot);
  }
  return STATUS_OK;
}
