/** Endpoints: rendezvous of a sender and a receiver. */

import {
  cancelIpc,
  dequeueWaiting,
  donateSchedContext,
  enqueueWaiting,
  replyPush,
  replyUnlink,
} from './blocking.ts';
import { RIGHT_GRANT, RIGHT_GRANT_REPLY } from '../abi.ts';
import { setBadge } from './message-registers.ts';
import { completeSignal } from './notification.ts';
import type { Endpoint, Reply, Tcb } from '../objects/objects.ts';
import {
  possibleSwitchTo,
  rescheduleRequired,
  scheduleTcb,
  setThreadState,
} from '../sched/ready-queue.ts';
import { maybeReturn } from '../sched/sched-context.ts';
import { sporadicUnblock } from '../sched/sporadic.ts';
import type { KernelState } from '../state.ts';
import { transfer } from './transfer.ts';

const CAN_REPLY = RIGHT_GRANT | RIGHT_GRANT_REPLY;

/**
 * Sends from `sender`, which is the current thread or one that has a fault to report.
 *
 * @param rights of the capability used
 */
export function sendIpc(
  k: KernelState,
  isBlocking: boolean,
  isCall: boolean,
  badgeLow: number,
  badgeHigh: number,
  rights: number,
  canDonate: boolean,
  sender: Tcb,
  endpoint: Endpoint,
): void {
  if (endpoint.state !== 'receive') {
    if (!isBlocking) return;
    sender.state = 'blockedOnSend';
    sender.blockedOn = endpoint;
    sender.sendBadgeLow = badgeLow;
    sender.sendBadgeHigh = badgeHigh;
    sender.sendRights = rights;
    sender.sendIsCall = isCall;
    scheduleTcb(k, sender);
    enqueueWaiting(endpoint, sender);
    endpoint.state = 'send';
    return;
  }
  const receiver = endpoint.head as Tcb;
  dequeueWaiting(endpoint, receiver);
  receiver.blockedOn = null;
  transfer(k, sender, endpoint, badgeLow, badgeHigh, rights, receiver);
  const reply = receiver.reply;
  if (reply !== null) replyUnlink(k, reply, receiver);
  if (isCall || sender.fault !== null) {
    if (reply !== null && (rights & CAN_REPLY) !== 0) {
      replyPush(k, sender, receiver, reply, canDonate);
    } else {
      setThreadState(k, sender, 'inactive');
    }
  } else if (canDonate && receiver.schedContext === null && sender.schedContext !== null) {
    donateSchedContext(k, sender.schedContext, receiver);
  }
  setThreadState(k, receiver, 'running');
  sporadicUnblock(k, receiver.schedContext);
  possibleSwitchTo(k, receiver);
}

/** Receives at an endpoint, or takes the signal that the bound notification holds. */
export function receiveIpc(
  k: KernelState,
  tcb: Tcb,
  endpoint: Endpoint,
  isBlocking: boolean,
  reply: Reply | null,
): void {
  if (reply !== null && reply.tcb !== null && reply.tcb !== tcb) cancelIpc(k, reply.tcb);
  const notification = tcb.boundNotification;
  if (notification !== null) {
    if (notification.state === 'active') {
      completeSignal(k, notification, tcb);
      return;
    }
    if (isBlocking) maybeReturn(k, tcb, notification);
  }
  if (endpoint.state === 'send') {
    receiveFromSender(k, tcb, endpoint, reply);
  } else if (isBlocking) {
    tcb.state = 'blockedOnReceive';
    tcb.blockedOn = endpoint;
    tcb.reply = reply;
    if (reply !== null) reply.tcb = tcb;
    scheduleTcb(k, tcb);
    enqueueWaiting(endpoint, tcb);
    endpoint.state = 'receive';
  } else {
    setBadge(tcb, 0, 0);
  }
}

function receiveFromSender(
  k: KernelState,
  receiver: Tcb,
  endpoint: Endpoint,
  reply: Reply | null,
): void {
  const sender = endpoint.head as Tcb;
  dequeueWaiting(endpoint, sender);
  sender.blockedOn = null;
  const rights = sender.sendRights;
  transfer(k, sender, endpoint, sender.sendBadgeLow, sender.sendBadgeHigh, rights, receiver);
  sporadicUnblock(k, sender.schedContext);
  if (sender.sendIsCall || sender.fault !== null) {
    if (reply !== null && (rights & CAN_REPLY) !== 0) {
      const canDonate = sender.schedContext !== null && sender.fault?.kind !== 'timeout';
      replyPush(k, sender, receiver, reply, canDonate);
    } else {
      setThreadState(k, sender, 'inactive');
    }
  } else {
    setThreadState(k, sender, 'running');
    possibleSwitchTo(k, sender);
  }
}

/** The endpoint goes away: all who wait make their system call again; those with a fault stop. */
export function cancelAllIpc(k: KernelState, endpoint: Endpoint): void {
  if (endpoint.state === 'idle') return;
  let tcb = endpoint.head;
  endpoint.state = 'idle';
  endpoint.head = null;
  endpoint.tail = null;
  while (tcb !== null) {
    const next: Tcb | null = tcb.queueNext;
    tcb.queueNext = null;
    tcb.queuePrev = null;
    restartSender(k, tcb);
    tcb = next;
  }
  rescheduleRequired(k);
}

/** Sends with this badge are cancelled. */
export function cancelBadgedSends(
  k: KernelState,
  endpoint: Endpoint,
  badgeLow: number,
  badgeHigh: number,
): void {
  if (endpoint.state !== 'send') return;
  let tcb = endpoint.head;
  while (tcb !== null) {
    const next: Tcb | null = tcb.queueNext;
    if (tcb.sendBadgeLow === badgeLow && tcb.sendBadgeHigh === badgeHigh) {
      dequeueWaiting(endpoint, tcb);
      restartSender(k, tcb);
    }
    tcb = next;
  }
  rescheduleRequired(k);
}

function restartSender(k: KernelState, tcb: Tcb): void {
  tcb.blockedOn = null;
  if (tcb.reply !== null) replyUnlink(k, tcb.reply, tcb);
  if (tcb.fault !== null) {
    setThreadState(k, tcb, 'inactive');
    return;
  }
  setThreadState(k, tcb, 'restart');
  sporadicUnblock(k, tcb.schedContext);
  possibleSwitchTo(k, tcb);
}
