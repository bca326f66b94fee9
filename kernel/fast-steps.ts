/** Small steps of the fast path, see `fastpath.ts`. */

import { REG_A0, REG_A1, REG_A2, REG_A6 } from './abi.ts';
import { enqueueWaiting } from './ipc/blocking.ts';
import { lookupSlot } from './objects/cspace.ts';
import type { Endpoint, Notification, NotificationCap, Reply, Tcb } from './objects/objects.ts';
import { highestReadyPriority, schedDequeue } from './sched/ready-queue.ts';
import { switchSchedContext } from './sched/schedule.ts';
import { PRIORITIES } from './state.ts';
import type { KernelState } from './state.ts';

// The low halves of registers, in `regs`. Declared here, V8 folds these into the code; what is imported it looks up at each use.
const A0 = REG_A0 << 1;
const A1 = REG_A1 << 1;
const A2 = REG_A2 << 1;
const A6 = REG_A6 << 1;
const PRIORITY_COUNT = PRIORITIES;

/** Bits of the message information that hold length and number of capabilities: at most 4 words and none. */
const SHORT = 0x1ff;
export const SHORT_MASK = SHORT;

export function replyInA6(k: KernelState, thread: Tcb): Reply | null {
  const { regs } = thread;
  const slot = lookupSlot(k, thread, regs[A6] as number, regs[A6 + 1] as number);
  return slot !== null && slot.cap.kind === 'reply' ? slot.cap.reply : null;
}

export function takeSignal(notification: Notification, thread: Tcb): true {
  thread.regs[A0] = notification.wordLow;
  thread.regs[A0 + 1] = notification.wordHigh;
  notification.state = 'idle';
  notification.wordLow = 0;
  notification.wordHigh = 0;
  return true;
}

export function takeHead(queue: Endpoint | Notification, tcb: Tcb): void {
  const next = tcb.queueNext;
  queue.head = next;
  if (next === null) {
    queue.tail = null;
    queue.state = 'idle';
  } else {
    next.queuePrev = null;
    tcb.queueNext = null;
  }
}

export function waitAt(queue: Endpoint | Notification, tcb: Tcb): void {
  if (queue.head !== null) {
    enqueueWaiting(queue, tcb);
    return;
  }
  queue.head = tcb;
  queue.tail = tcb;
}

/** @returns the thread that a signal wakes, `null` when the signal stays */
export function waiterAt(notification: Notification): Tcb | null {
  if (notification.state === 'waiting') return notification.head;
  const bound = notification.boundTcb;
  const isWaiting = bound !== null && bound.state === 'blockedOnReceive';
  return isWaiting && notification.state === 'idle' ? bound : null;
}

/** Whether the way to wake a waiter is the usual one. @param place where the signaller is about to block, if it does */
export function canWake(
  k: KernelState,
  waiter: Tcb,
  notification: Notification,
  place: Endpoint | Notification | null,
): boolean {
  const sc = waiter.schedContext;
  if (sc === null || sc.refillMax === 0 || sc.isSporadic || waiter.isInReleaseQueue) return false;
  if (waiter.domain !== k.currentDomain || waiter.fault !== null) return false;
  const queue = notification.state === 'waiting' ? notification : (waiter.blockedOn as Endpoint);
  return queue.head === waiter && queue !== place;
}

export function wake(waiter: Tcb, to: NotificationCap): void {
  takeHead(waiter.blockedOn as Endpoint | Notification, waiter);
  waiter.blockedOn = null;
  if (waiter.reply !== null) {
    waiter.reply.tcb = null;
    waiter.reply = null;
  }
  waiter.state = 'running';
  waiter.regs[A0] = to.badgeLow;
  waiter.regs[A0 + 1] = to.badgeHigh;
}

/** Copies message information and at most four words. */
export function copyMessage(sender: Tcb, receiver: Tcb): void {
  const from = sender.regs;
  const to = receiver.regs;
  const info = from[A1] as number;
  const length = info & SHORT;
  to[A1] = (info & 0xffff_f000) | length;
  to[A1 + 1] = from[A1 + 1] as number;
  const end = A2 + (length << 1);
  for (let r = A2; r < end; r += 1) to[r] = from[r] as number;
}

export function switchTo(k: KernelState, tcb: Tcb): void {
  k.current = tcb;
  k.counters.contextSwitches += 1;
  k.machine.charge(k.costs.contextSwitch);
  switchSchedContext(k);
}

/** The current thread is blocked: the best of the others runs. */
export function switchToBest(k: KernelState): void {
  const priority = highestReadyPriority(k, k.currentDomain);
  if (priority < 0) {
    k.current = k.idleThread;
    switchSchedContext(k);
    return;
  }
  const tcb = k.readyHead[k.currentDomain * PRIORITY_COUNT + priority] as Tcb;
  schedDequeue(k, tcb);
  switchTo(k, tcb);
}
