/**
 * Threads that are blocked: the queues of endpoints and notifications (highest priority first, then
 * first come first), the reply objects that tie a caller to its callee, and the cancelling of all
 * of it.
 */

import { assert } from '../../memory/assert.ts';
import type { Endpoint, Notification, Reply, SchedContext, Tcb } from '../objects/objects.ts';
import {
  rescheduleRequired,
  releaseRemove,
  schedDequeue,
  setThreadState,
} from '../sched/ready-queue.ts';
import type { KernelState } from '../state.ts';

export function enqueueWaiting(queue: Endpoint | Notification, tcb: Tcb): void {
  let before = queue.tail;
  let after: Tcb | null = null;
  while (before !== null && before.priority < tcb.priority) {
    after = before;
    before = before.queuePrev;
  }
  tcb.queuePrev = before;
  tcb.queueNext = after;
  if (before === null) queue.head = tcb;
  else before.queueNext = tcb;
  if (after === null) queue.tail = tcb;
  else after.queuePrev = tcb;
}

/** Takes a thread out of the queue; an empty queue makes the object idle. */
export function dequeueWaiting(queue: Endpoint | Notification, tcb: Tcb): void {
  const { queuePrev, queueNext } = tcb;
  if (queuePrev === null) queue.head = queueNext;
  else queuePrev.queueNext = queueNext;
  if (queueNext === null) queue.tail = queuePrev;
  else queueNext.queuePrev = queuePrev;
  tcb.queuePrev = null;
  tcb.queueNext = null;
  if (queue.head === null) queue.state = 'idle';
}

/** The thread's priority has changed: it goes behind those that already wait at the new one. */
export function reorderWaiting(queue: Endpoint | Notification, tcb: Tcb): void {
  const state = queue.state;
  dequeueWaiting(queue, tcb);
  enqueueWaiting(queue, tcb);
  queue.state = state;
}

/** Moves a scheduling context to a thread that has none. */
export function donateSchedContext(k: KernelState, sc: SchedContext, to: Tcb): void {
  assert(to.schedContext === null, 'a scheduling context is given to a thread without one');
  const from = sc.tcb;
  if (from !== null) {
    schedDequeue(k, from);
    releaseRemove(k, from);
    from.schedContext = null;
    if (from === k.current || (k.action === 'switch' && from === k.candidate)) {
      rescheduleRequired(k);
    }
  }
  sc.tcb = to;
  to.schedContext = sc;
}

/**
 * Ties a caller to the reply object of its callee, and lends the caller's scheduling context if the
 * callee has none.
 */
export function replyPush(
  k: KernelState,
  caller: Tcb,
  callee: Tcb,
  reply: Reply,
  canDonate: boolean,
): void {
  assert(reply.tcb === null, 'the reply object is free');
  assert(caller.reply === null, 'a caller waits for one reply');
  const sc = caller.schedContext;
  reply.tcb = caller;
  caller.reply = reply;
  setThreadState(k, caller, 'blockedOnReply');
  if (sc === null || callee.schedContext !== null || !canDonate) return;
  const older = sc.reply;
  assert(older === null || older.schedContext === sc, 'the head of a call stack names its context');
  reply.prev = older;
  if (older !== null) {
    older.next = reply;
    older.schedContext = null;
  }
  reply.schedContext = sc;
  sc.reply = reply;
  donateSchedContext(k, sc, callee);
}

/** Ends the tie between a thread and a reply object; the thread becomes inactive. */
export function replyUnlink(k: KernelState, reply: Reply, tcb: Tcb): void {
  assert(reply.tcb === tcb && tcb.reply === reply, 'thread and reply object name each other');
  tcb.reply = null;
  reply.tcb = null;
  setThreadState(k, tcb, 'inactive');
}

/**
 * Takes a reply object off its call stack; the newest call gives the scheduling context back to the
 * caller.
 */
export function replyRemove(k: KernelState, reply: Reply, tcb: Tcb): void {
  const { prev, next, schedContext } = reply;
  reply.prev = null;
  reply.next = null;
  reply.schedContext = null;
  if (schedContext !== null) {
    schedContext.reply = prev;
    if (prev !== null) {
      prev.next = null;
      prev.schedContext = schedContext;
    }
    // A thread that was bound to another context while it waited keeps that one.
    if (tcb.schedContext === null) donateSchedContext(k, schedContext, tcb);
  } else {
    if (next !== null) next.prev = null;
    if (prev !== null) prev.next = null;
  }
  replyUnlink(k, reply, tcb);
}

/** A caller gives up: the chain is broken here, and the scheduling context stays where it is. */
function replyRemoveTcb(k: KernelState, tcb: Tcb): void {
  const reply = tcb.reply;
  assert(reply !== null, 'a thread that waits for a reply has a reply object');
  if (reply.schedContext !== null) reply.schedContext.reply = null;
  if (reply.next !== null) reply.next.prev = null;
  if (reply.prev !== null) reply.prev.next = null;
  reply.prev = null;
  reply.next = null;
  reply.schedContext = null;
  replyUnlink(k, reply, tcb);
}

/**
 * Ends whatever IPC the thread is blocked in, and forgets its fault; a blocked thread becomes
 * inactive.
 */
export function cancelIpc(k: KernelState, tcb: Tcb): void {
  tcb.fault = null;
  switch (tcb.state) {
    case 'blockedOnSend':
    case 'blockedOnReceive':
      dequeueWaiting(waitingPlace(tcb), tcb);
      tcb.blockedOn = null;
      if (tcb.reply !== null) replyUnlink(k, tcb.reply, tcb);
      setThreadState(k, tcb, 'inactive');
      return;
    case 'blockedOnNotification':
      dequeueWaiting(waitingPlace(tcb), tcb);
      tcb.blockedOn = null;
      setThreadState(k, tcb, 'inactive');
      return;
    case 'blockedOnReply':
      replyRemoveTcb(k, tcb);
      return;
    case 'inactive':
    case 'running':
    case 'restart':
    case 'idle':
      return;
    default:
      return tcb.state satisfies never;
  }
}

/** @returns the object in whose queue a blocked thread is */
export function waitingPlace(tcb: Tcb): Endpoint | Notification {
  const place = tcb.blockedOn;
  assert(place !== null, 'a blocked thread is blocked on something');
  return place;
}
