/** Notifications: a word of badge bits that is signalled without waiting, and waited for. */

import { cancelIpc, dequeueWaiting, enqueueWaiting } from './blocking.ts';
import { setBadge } from './message-registers.ts';
import type { Notification, Tcb } from '../objects/objects.ts';
import {
  isSchedulable,
  possibleSwitchTo,
  rescheduleRequired,
  scheduleTcb,
  setThreadState,
} from '../sched/ready-queue.ts';
import { maybeDonate, maybeReturn } from '../sched/sched-context.ts';
import { sporadicUnblock } from '../sched/sporadic.ts';
import type { KernelState } from '../state.ts';

/** Signals: wakes the first waiter or the bound thread, or remembers the badge. */
export function sendSignal(
  k: KernelState,
  notification: Notification,
  badgeLow: number,
  badgeHigh: number,
): void {
  k.counters.notificationsSent += 1;
  switch (notification.state) {
    case 'idle': {
      const bound = notification.boundTcb;
      if (bound !== null && bound.state === 'blockedOnReceive') {
        cancelIpc(k, bound);
        wake(k, notification, bound, badgeLow, badgeHigh);
      } else {
        notification.state = 'active';
        notification.wordLow = badgeLow;
        notification.wordHigh = badgeHigh;
      }
      return;
    }
    case 'waiting': {
      const waiter = notification.head as Tcb;
      dequeueWaiting(notification, waiter);
      waiter.blockedOn = null;
      wake(k, notification, waiter, badgeLow, badgeHigh);
      return;
    }
    case 'active':
      notification.wordLow = (notification.wordLow | badgeLow) >>> 0;
      notification.wordHigh = (notification.wordHigh | badgeHigh) >>> 0;
      return;
    default:
      return notification.state satisfies never;
  }
}

function wake(
  k: KernelState,
  notification: Notification,
  tcb: Tcb,
  badgeLow: number,
  badgeHigh: number,
): void {
  setThreadState(k, tcb, 'running');
  setBadge(tcb, badgeLow, badgeHigh);
  maybeDonate(k, tcb, notification);
  sporadicUnblock(k, tcb.schedContext);
  if (isSchedulable(tcb)) possibleSwitchTo(k, tcb);
}

/** Waits for a signal, or only looks. */
export function receiveSignal(
  k: KernelState,
  tcb: Tcb,
  notification: Notification,
  isBlocking: boolean,
): void {
  if (notification.state === 'active') {
    completeSignal(k, notification, tcb);
    return;
  }
  if (!isBlocking) {
    setBadge(tcb, 0, 0);
    return;
  }
  tcb.state = 'blockedOnNotification';
  tcb.blockedOn = notification;
  maybeReturn(k, tcb, notification);
  scheduleTcb(k, tcb);
  enqueueWaiting(notification, tcb);
  notification.state = 'waiting';
}

/** Hands an active notification's word to a thread that is receiving. */
export function completeSignal(k: KernelState, notification: Notification, tcb: Tcb): void {
  setBadge(tcb, notification.wordLow, notification.wordHigh);
  notification.state = 'idle';
  notification.wordLow = 0;
  notification.wordHigh = 0;
  maybeDonate(k, tcb, notification);
  sporadicUnblock(k, tcb.schedContext);
}

/** The notification goes away: its waiters make their system call again. */
export function cancelAllSignals(k: KernelState, notification: Notification): void {
  if (notification.state !== 'waiting') return;
  let tcb = notification.head;
  notification.state = 'idle';
  notification.head = null;
  notification.tail = null;
  while (tcb !== null) {
    const next: Tcb | null = tcb.queueNext;
    tcb.queueNext = null;
    tcb.queuePrev = null;
    tcb.blockedOn = null;
    setThreadState(k, tcb, 'restart');
    sporadicUnblock(k, tcb.schedContext);
    possibleSwitchTo(k, tcb);
    tcb = next;
  }
  rescheduleRequired(k);
}

export function bindNotification(tcb: Tcb, notification: Notification): void {
  notification.boundTcb = tcb;
  tcb.boundNotification = notification;
}

export function unbindNotificationFromTcb(tcb: Tcb): void {
  if (tcb.boundNotification === null) return;
  tcb.boundNotification.boundTcb = null;
  tcb.boundNotification = null;
}
