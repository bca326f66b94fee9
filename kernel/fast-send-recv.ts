/**
 * The fast path of NBSendRecv, as every sDDF component uses it: a signal to a neighbour, or the acknowledgement of an
 * interrupt, together with the wait for the next event. See `fastpath.ts` for what a fast path may and may not do: all checks
 * come first, then everything is done.
 */

import {
  IRQ_ACK_IRQ,
  MESSAGE_REGISTERS,
  messageInfo,
  REG_A0,
  REG_A1,
  REG_T0,
  RIGHT_READ,
  RIGHT_WRITE,
} from './abi.ts';
import { lookupSlot } from './objects/cspace.ts';
import {
  canWake,
  replyInA6,
  SHORT_MASK,
  switchTo,
  switchToBest,
  waiterAt,
  waitAt,
  wake,
} from './fast-steps.ts';
import type { Endpoint, Notification, NotificationCap, Reply, Tcb } from './objects/objects.ts';
import { highestReadyPriority, schedEnqueue } from './sched/ready-queue.ts';
import type { KernelState } from './state.ts';

// The low halves of registers, in `regs`. Declared here, V8 folds these into the code; what is imported it looks up at each use.
const A0 = REG_A0 << 1;
const A1 = REG_A1 << 1;
const T0 = REG_T0 << 1;
const READ = RIGHT_READ;
const WRITE = RIGHT_WRITE;
const SHORT_WORDS = MESSAGE_REGISTERS;
const SHORT = SHORT_MASK;

const ACK_INFO = messageInfo(IRQ_ACK_IRQ, 0, 0);

export function fastSendRecv(k: KernelState, thread: Tcb): boolean {
  const { regs } = thread;
  const info = regs[A1] as number;
  if ((info & SHORT) > SHORT_WORDS) return false;
  const toSlot = lookupSlot(k, thread, regs[T0] as number, regs[T0 + 1] as number);
  const inSlot = lookupSlot(k, thread, regs[A0] as number, regs[A0 + 1] as number);
  if (toSlot === null || inSlot === null) return false;
  const to = toSlot.cap;
  const input = inSlot.cap;
  if (input.kind !== 'notification' && input.kind !== 'endpoint') return false;
  if ((input.rights & READ) === 0) return false;
  const bound = thread.boundNotification;
  // A signal that has come already: the thread goes on, and who runs is the general path's decision.
  if (bound !== null && (bound.state === 'active' || bound.schedContext !== null)) return false;
  let reply: Reply | null = null;
  let place: Endpoint | Notification;
  if (input.kind === 'notification') {
    place = input.notification;
    if (place.boundTcb !== null && place.boundTcb !== thread) return false;
    if (place.state === 'active' || place.schedContext !== null) return false;
  } else {
    place = input.endpoint;
    reply = replyInA6(k, thread);
    if (reply === null || (reply.tcb !== null && reply.tcb !== thread)) return false;
    if (place.state === 'send') return false;
  }
  let waiter: Tcb | null = null;
  if (to.kind === 'irqHandler') {
    if (info !== ACK_INFO || (regs[A1 + 1] as number) !== 0) return false;
  } else {
    if (to.kind !== 'notification' || (to.rights & WRITE) === 0) return false;
    if (to.notification === bound || to.notification === place) return false;
    waiter = waiterAt(to.notification);
    if (waiter !== null && !canWake(k, waiter, to.notification, place)) return false;
  }

  if (to.kind === 'irqHandler') {
    k.machine.charge(k.costs.invocation);
    k.machine.completeIrq(to.irq);
  } else {
    k.counters.notificationsSent += 1;
    if (waiter === null) leaveSignal(to);
    else wake(waiter, to);
  }
  block(thread, place, reply);
  if (waiter !== null) {
    const { priority } = waiter;
    if (priority >= thread.priority || priority >= highestReadyPriority(k, waiter.domain)) {
      switchTo(k, waiter);
      return true;
    }
    schedEnqueue(k, waiter);
  }
  switchToBest(k);
  return true;
}

function leaveSignal(to: NotificationCap): void {
  const { notification } = to;
  if (notification.state === 'active') {
    notification.wordLow = (notification.wordLow | to.badgeLow) >>> 0;
    notification.wordHigh = (notification.wordHigh | to.badgeHigh) >>> 0;
    return;
  }
  notification.state = 'active';
  notification.wordLow = to.badgeLow;
  notification.wordHigh = to.badgeHigh;
}

function block(thread: Tcb, place: Endpoint | Notification, reply: Reply | null): void {
  thread.blockedOn = place;
  waitAt(place, thread);
  if (place.kind === 'notification') {
    thread.state = 'blockedOnNotification';
    place.state = 'waiting';
    return;
  }
  thread.state = 'blockedOnReceive';
  place.state = 'receive';
  thread.reply = reply;
  if (reply !== null) reply.tcb = thread;
}
