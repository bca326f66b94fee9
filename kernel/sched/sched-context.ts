/**
 * Scheduling contexts: binding to threads and notifications, lending, consumed time, and their
 * invocations.
 */

import { assert } from '../../memory/assert.ts';
import {
  ILLEGAL_OPERATION,
  SCHED_CONTEXT_BIND,
  SCHED_CONTEXT_CONSUMED,
  SCHED_CONTEXT_UNBIND,
  SCHED_CONTEXT_UNBIND_OBJECT,
  SCHED_CONTEXT_YIELD_TO,
  TRUNCATED_MESSAGE,
} from '../abi.ts';
import { donateSchedContext } from '../ipc/blocking.ts';
import { refuse, refuseCapability } from '../errors.ts';
import { lookupIpcBuffer, setMr, setReplyInfo } from '../ipc/message-registers.ts';
import type { Notification, SchedContext, Tcb } from '../objects/objects.ts';
import {
  isBlocked,
  isSchedulable,
  releaseRemove,
  rescheduleRequired,
  schedContextResume,
  schedDequeue,
  schedEnqueue,
  setThreadState,
} from './ready-queue.ts';
import { isReleased, refillUnblockCheck, sporadicUnblock } from './sporadic.ts';
import { STATUS_OK, TICKS_PER_US } from '../state.ts';
import type { KernelState, Status } from '../state.ts';

export function bindTcb(k: KernelState, sc: SchedContext, tcb: Tcb): void {
  assert(sc.tcb === null && tcb.schedContext === null, 'both sides of a binding are free');
  tcb.schedContext = sc;
  sc.tcb = tcb;
  sporadicUnblock(k, sc);
  schedContextResume(k, sc);
  if (isSchedulable(tcb)) {
    schedEnqueue(k, tcb);
    rescheduleRequired(k);
  }
}

export function unbindTcb(k: KernelState, sc: SchedContext): void {
  const tcb = sc.tcb;
  if (tcb === null) return;
  if (tcb === k.current) rescheduleRequired(k);
  schedDequeue(k, tcb);
  releaseRemove(k, tcb);
  tcb.schedContext = null;
  sc.tcb = null;
}

export function unbindNotification(sc: SchedContext | null): void {
  if (sc === null || sc.notification === null) return;
  sc.notification.schedContext = null;
  sc.notification = null;
}

/** Cuts the newest call off the context: its reply will not bring the context back. */
export function unbindReply(sc: SchedContext): void {
  if (sc.reply === null) return;
  assert(sc.reply.schedContext === sc, 'the head of a call stack names its context');
  sc.reply.schedContext = null;
  sc.reply = null;
}

/** A passive thread gets the scheduling context of the notification that wakes it. */
export function maybeDonate(k: KernelState, tcb: Tcb, notification: Notification): void {
  if (tcb.schedContext !== null) return;
  const sc = notification.schedContext;
  if (sc === null || sc.tcb !== null) return;
  donateSchedContext(k, sc, tcb);
  if (sc !== k.currentSchedContext) refillUnblockCheck(k, sc);
  schedContextResume(k, sc);
}

/**
 * A thread that runs on its notification's scheduling context gives it back when it waits again.
 */
export function maybeReturn(k: KernelState, tcb: Tcb, notification: Notification): void {
  const sc = notification.schedContext;
  if (sc === null || sc !== tcb.schedContext) return;
  tcb.schedContext = null;
  sc.tcb = null;
  if (tcb === k.current) rescheduleRequired(k);
}

/** @returns microseconds used since this was last asked, and forgets them */
export function takeConsumed(sc: SchedContext): number {
  const consumed = sc.consumed;
  sc.consumed = 0;
  return Math.floor(consumed / TICKS_PER_US);
}

/** Answers a thread with the time that a context has consumed. */
export function setConsumed(k: KernelState, sc: SchedContext, tcb: Tcb): void {
  const consumed = takeConsumed(sc);
  const bufferAt = lookupIpcBuffer(k, tcb, 'receive');
  const length = setMr(k, tcb, bufferAt, 0, consumed >>> 0, Math.floor(consumed / 2 ** 32));
  setReplyInfo(tcb, 0, length);
}

/** Ends a YieldTo that is still open: the yielder learns how long the other has run. */
export function completeYieldTo(k: KernelState, yielder: Tcb | null): void {
  if (yielder === null || yielder.yieldTo === null) return;
  setConsumed(k, yielder.yieldTo, yielder);
  cancelYieldTo(yielder);
}

export function cancelYieldTo(yielder: Tcb): void {
  if (yielder.yieldTo === null) return;
  yielder.yieldTo.yieldFrom = null;
  yielder.yieldTo = null;
}

// ------------------------------------------------------------------------------------- invocations

export function decodeSchedContext(k: KernelState, label: number, sc: SchedContext): Status {
  switch (label) {
    case SCHED_CONTEXT_CONSUMED:
      setConsumed(k, sc, k.current);
      setThreadState(k, k.current, 'running');
      return STATUS_OK;
    case SCHED_CONTEXT_BIND:
      return decodeBind(k, sc);
    case SCHED_CONTEXT_UNBIND_OBJECT:
      return decodeUnbindObject(k, sc);
    case SCHED_CONTEXT_UNBIND:
      if (sc.tcb === k.current) return refuse(k, ILLEGAL_OPERATION);
      setThreadState(k, k.current, 'restart');
      unbindTcb(k, sc);
      unbindNotification(sc);
      unbindReply(sc);
      return STATUS_OK;
    case SCHED_CONTEXT_YIELD_TO:
      return decodeYieldTo(k, sc);
    default:
      return refuse(k, ILLEGAL_OPERATION);
  }
}

function decodeBind(k: KernelState, sc: SchedContext): Status {
  const slot = k.extraCaps[0];
  if (slot === null) return refuse(k, TRUNCATED_MESSAGE);
  const cap = slot.cap;
  switch (cap.kind) {
    case 'thread':
      if (sc.tcb !== null || cap.tcb.schedContext !== null) return refuse(k, ILLEGAL_OPERATION);
      if (isBlocked(cap.tcb) && !isReleased(k, sc)) return refuse(k, ILLEGAL_OPERATION);
      setThreadState(k, k.current, 'restart');
      bindTcb(k, sc, cap.tcb);
      return STATUS_OK;
    case 'notification':
      if (sc.notification !== null || cap.notification.schedContext !== null) {
        return refuse(k, ILLEGAL_OPERATION);
      }
      setThreadState(k, k.current, 'restart');
      cap.notification.schedContext = sc;
      sc.notification = cap.notification;
      return STATUS_OK;
    default:
      return refuseCapability(k, 1);
  }
}

function decodeUnbindObject(k: KernelState, sc: SchedContext): Status {
  const slot = k.extraCaps[0];
  if (slot === null) return refuse(k, TRUNCATED_MESSAGE);
  const cap = slot.cap;
  switch (cap.kind) {
    case 'thread':
      if (sc.tcb !== cap.tcb || cap.tcb === k.current) return refuse(k, ILLEGAL_OPERATION);
      setThreadState(k, k.current, 'restart');
      unbindTcb(k, sc);
      return STATUS_OK;
    case 'notification':
      if (sc.notification !== cap.notification) return refuse(k, ILLEGAL_OPERATION);
      setThreadState(k, k.current, 'restart');
      unbindNotification(sc);
      return STATUS_OK;
    default:
      return refuseCapability(k, 1);
  }
}

function decodeYieldTo(k: KernelState, sc: SchedContext): Status {
  const target = sc.tcb;
  if (target === null || target === k.current) return refuse(k, ILLEGAL_OPERATION);
  if (target.priority > k.current.maxPriority) return refuse(k, ILLEGAL_OPERATION);
  if (k.current.yieldTo !== null) return refuse(k, ILLEGAL_OPERATION);
  setThreadState(k, k.current, 'running');
  yieldTo(k, sc, target);
  return STATUS_OK;
}

/**
 * Runs the thread of another context before its equals; the answer is made when the caller runs
 * again.
 */
function yieldTo(k: KernelState, sc: SchedContext, target: Tcb): void {
  completeYieldTo(k, sc.yieldFrom);
  schedContextResume(k, sc);
  if (isSchedulable(target)) {
    schedDequeue(k, target);
    if (target.priority < k.current.priority) {
      schedEnqueue(k, target);
    } else {
      k.current.yieldTo = sc;
      sc.yieldFrom = k.current;
      schedEnqueue(k, k.current);
      schedEnqueue(k, target);
      rescheduleRequired(k);
      return;
    }
  }
  setConsumed(k, sc, k.current);
}
