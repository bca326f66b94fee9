/**
 * The fast path: call, reply-and-receive, signal, wait and interrupt, when nothing unusual is in the way. Each function
 * either does all of what the general path would have done, including the choice of the next thread, or nothing at all.
 *
 * The general path (`syscall.ts`, `endpoint.ts`, `notification.ts`, `schedule.ts`) is the specification. Everything here
 * is written out in line, because a call of a JavaScript function costs as much as a dozen of these assignments.
 * `test/echo/fast-path.test.ts` runs the same programs with and without it.
 */

import {
  MESSAGE_REGISTERS,
  REG_A0,
  REG_A1,
  REG_A7,
  RIGHT_GRANT,
  RIGHT_GRANT_REPLY,
  RIGHT_READ,
  RIGHT_WRITE,
  SYS_CALL,
  SYS_NB_SEND,
  SYS_NB_SEND_RECV,
  SYS_RECV,
  SYS_REPLY_RECV,
  SYS_SEND,
  SYS_WAIT,
} from './abi.ts';
import { lookupSlot } from './objects/cspace.ts';
import { fastSendRecv } from './fast-send-recv.ts';
import {
  canWake,
  copyMessage,
  replyInA6,
  SHORT_MASK,
  switchTo,
  switchToBest,
  takeHead,
  takeSignal,
  waiterAt,
  waitAt,
  wake,
} from './fast-steps.ts';
import type { Endpoint, Notification, NotificationCap, Reply, Tcb } from './objects/objects.ts';
import {
  highestReadyPriority,
  isSchedulable,
  schedAppend,
  schedEnqueue,
} from './sched/ready-queue.ts';
import { refillReady } from './sched/sporadic.ts';
import type { KernelState } from './state.ts';

// The low halves of registers, in `regs`. Declared here, V8 folds these into the code; what is imported it looks up at each use.
const A0 = REG_A0 << 1;
const A1 = REG_A1 << 1;
const A7 = REG_A7 << 1;
const GRANT_REPLY = RIGHT_GRANT_REPLY;
const GRANT = RIGHT_GRANT;
const READ = RIGHT_READ;
const WRITE = RIGHT_WRITE;
const CALL = SYS_CALL;
const NB_SEND_RECV = SYS_NB_SEND_RECV;
const NB_SEND = SYS_NB_SEND;
const RECV = SYS_RECV;
const REPLY_RECV = SYS_REPLY_RECV;
const SEND = SYS_SEND;
const WAIT = SYS_WAIT;
const SHORT_WORDS = MESSAGE_REGISTERS;
const SHORT = SHORT_MASK;

const CAN_REPLY = GRANT | GRANT_REPLY;

/**
 * Tries the current thread's system call. Its budget has been checked.
 *
 * @returns whether it is done, with `k.current` being who runs next
 */
export function tryFastPath(k: KernelState): boolean {
  if (!isOrdinary(k)) return false;
  const regs = k.current.regs;
  switch ((regs[A7] as number) | 0) {
    case CALL:
      return ((regs[A1] as number) & SHORT) <= SHORT_WORDS && fastCall(k, k.current);
    case REPLY_RECV:
      return ((regs[A1] as number) & SHORT) <= SHORT_WORDS && fastReplyRecv(k, k.current);
    case SEND:
    case NB_SEND:
      return ((regs[A1] as number) & SHORT) <= SHORT_WORDS && fastSignal(k, k.current);
    case WAIT:
    case RECV:
      return fastWait(k, k.current);
    case NB_SEND_RECV:
      return fastSendRecv(k, k.current);
    default:
      return false;
  }
}

/** Whether this kernel entry has to decide nothing but what its own system call or interrupt brings. */
function isOrdinary(k: KernelState): boolean {
  const head = k.releaseHead;
  if (head !== null && head.schedContext !== null && refillReady(k, head.schedContext)) {
    return false;
  }
  return k.domainTime === Infinity && !k.reprogram && k.action === 'resume';
}

/**
 * Tries to signal an interrupt: its driver waits, and is better than who runs.
 *
 * @returns whether it is done, with `k.current` being the driver
 */
export function fastInterrupt(k: KernelState, cap: NotificationCap): boolean {
  const { current } = k;
  const isIdle = current === k.idleThread;
  if (!isOrdinary(k) || (!isIdle && !isSchedulable(current))) return false;
  const waiter = waiterAt(cap.notification);
  if (waiter === null || !canWake(k, waiter, cap.notification, null)) return false;
  if (!isIdle && waiter.priority <= current.priority) return false;

  k.counters.notificationsSent += 1;
  wake(waiter, cap);
  if (!isIdle) schedEnqueue(k, current);
  switchTo(k, waiter);
  return true;
}

/** To a passive server that waits with a reply object, and is the best to run. */
function fastCall(k: KernelState, caller: Tcb): boolean {
  const regs = caller.regs;
  const slot = lookupSlot(k, caller, regs[A0] as number, regs[A0 + 1] as number);
  if (slot === null) return false;
  const cap = slot.cap;
  if (cap.kind !== 'endpoint') return false;
  const rights = cap.rights;
  if ((rights & WRITE) === 0 || (rights & CAN_REPLY) === 0) return false;
  const endpoint = cap.endpoint;
  if (endpoint.state !== 'receive') return false;
  const callee = endpoint.head as Tcb;
  const reply = callee.reply;
  const sc = caller.schedContext;
  if (reply === null || sc === null || callee.schedContext !== null) return false;
  if (callee.domain !== k.currentDomain || callee.isInReleaseQueue) return false;
  if (
    k.readyWords[callee.domain] !== 0 &&
    callee.priority < highestReadyPriority(k, callee.domain)
  ) {
    return false;
  }

  k.counters.ipcCalls += 1;
  takeHead(endpoint, callee);
  copyMessage(caller, callee);
  const to = callee.regs;
  to[A0] = cap.badgeLow;
  to[A0 + 1] = cap.badgeHigh;
  callee.reply = null;
  callee.blockedOn = null;
  callee.state = 'running';
  reply.tcb = caller;
  caller.reply = reply;
  caller.state = 'blockedOnReply';
  const older = sc.reply;
  reply.prev = older;
  if (older !== null) {
    older.next = reply;
    older.schedContext = null;
  }
  reply.schedContext = sc;
  sc.reply = reply;
  sc.tcb = callee;
  caller.schedContext = null;
  callee.schedContext = sc;
  k.current = callee;
  k.counters.contextSwitches += 1;
  if (k.costs.contextSwitch !== 0) k.machine.charge(k.costs.contextSwitch);
  return true;
}

/** From a server that runs on its caller's scheduling context, back to the caller, and to the next wait. */
function fastReplyRecv(k: KernelState, server: Tcb): boolean {
  const regs = server.regs;
  const reply = replyInA6(k, server);
  if (reply === null) return false;
  const slot = lookupSlot(k, server, regs[A0] as number, regs[A0 + 1] as number);
  if (slot === null) return false;
  const cap = slot.cap;
  if (cap.kind !== 'endpoint' || (cap.rights & READ) === 0) return false;
  const endpoint = cap.endpoint;
  const caller = reply.tcb;
  const sc = server.schedContext;
  if (endpoint.state === 'send' || caller === null || sc === null) return false;
  if (caller.state !== 'blockedOnReply' || caller.fault !== null) return false;
  if (reply.schedContext !== sc || caller.schedContext !== null) return false;
  const bound = server.boundNotification;
  if (bound !== null && (bound.state === 'active' || bound.schedContext !== null)) return false;
  const domain = caller.domain;
  if (domain !== k.currentDomain || sc.isSporadic) return false;
  if (k.readyWords[domain] !== 0 && caller.priority < highestReadyPriority(k, domain)) return false;

  const older = reply.prev;
  sc.reply = older;
  if (older !== null) {
    older.next = null;
    older.schedContext = sc;
  }
  reply.prev = null;
  reply.schedContext = null;
  copyMessage(server, caller);
  const to = caller.regs;
  to[A0] = 0;
  to[A0 + 1] = 0;
  caller.reply = null;
  caller.state = 'running';
  caller.schedContext = sc;
  server.schedContext = null;
  sc.tcb = caller;
  reply.tcb = server;
  server.reply = reply;
  server.state = 'blockedOnReceive';
  server.blockedOn = endpoint;
  waitAt(endpoint, server);
  endpoint.state = 'receive';
  k.current = caller;
  k.counters.contextSwitches += 1;
  if (k.costs.contextSwitch !== 0) k.machine.charge(k.costs.contextSwitch);
  return true;
}

/** A notification: nobody waits, or a thread with its own scheduling context does, which runs at once or is queued. */
function fastSignal(k: KernelState, sender: Tcb): boolean {
  const regs = sender.regs;
  const slot = lookupSlot(k, sender, regs[A0] as number, regs[A0 + 1] as number);
  if (slot === null) return false;
  const cap = slot.cap;
  if (cap.kind !== 'notification' || (cap.rights & WRITE) === 0) return false;
  const notification = cap.notification;
  if (notification.state === 'active') {
    notification.wordLow = (notification.wordLow | cap.badgeLow) >>> 0;
    notification.wordHigh = (notification.wordHigh | cap.badgeHigh) >>> 0;
    k.counters.notificationsSent += 1;
    return true;
  }
  const bound = notification.boundTcb;
  let waiter: Tcb;
  let queue: Endpoint | Notification = notification;
  if (notification.state === 'waiting') {
    waiter = notification.head as Tcb;
  } else if (bound !== null && bound.state === 'blockedOnReceive') {
    waiter = bound;
    queue = bound.blockedOn as Endpoint;
  } else {
    notification.state = 'active';
    notification.wordLow = cap.badgeLow;
    notification.wordHigh = cap.badgeHigh;
    k.counters.notificationsSent += 1;
    return true;
  }
  const sc = waiter.schedContext;
  if (sc === null || sc.refillMax === 0 || sc.isSporadic || waiter.isInReleaseQueue) return false;
  if (waiter.domain !== k.currentDomain || queue.head !== waiter || waiter.fault !== null) {
    return false;
  }
  const current = sender.priority;
  const isBetter = waiter.priority > current;
  if (!isBetter && highestReadyPriority(k, waiter.domain) > current) return false;

  k.counters.notificationsSent += 1;
  takeHead(queue, waiter);
  waiter.blockedOn = null;
  const reply = waiter.reply;
  if (reply !== null) {
    reply.tcb = null;
    waiter.reply = null;
  }
  waiter.state = 'running';
  waiter.regs[A0] = cap.badgeLow;
  waiter.regs[A0 + 1] = cap.badgeHigh;
  if (isBetter) {
    schedEnqueue(k, sender);
    switchTo(k, waiter);
  } else if (waiter.priority === current) {
    schedAppend(k, waiter);
  } else {
    schedEnqueue(k, waiter);
  }
  return true;
}

/** Takes a signal that is there, or blocks where nobody sends. */
function fastWait(k: KernelState, thread: Tcb): boolean {
  const regs = thread.regs;
  const slot = lookupSlot(k, thread, regs[A0] as number, regs[A0 + 1] as number);
  if (slot === null) return false;
  const cap = slot.cap;
  if (cap.kind === 'notification') {
    if ((cap.rights & READ) === 0) return false;
    const notification = cap.notification;
    if (notification.boundTcb !== null && notification.boundTcb !== thread) return false;
    if (notification.state === 'active') return takeSignal(notification, thread);
    if (notification.schedContext !== null) return false;
    thread.state = 'blockedOnNotification';
    thread.blockedOn = notification;
    waitAt(notification, thread);
    notification.state = 'waiting';
    switchToBest(k);
    return true;
  }
  if (cap.kind !== 'endpoint' || (cap.rights & READ) === 0) return false;
  return fastRecv(k, thread, cap.endpoint);
}

function fastRecv(k: KernelState, thread: Tcb, endpoint: Endpoint): boolean {
  let reply: Reply | null = null;
  if (((thread.regs[A7] as number) | 0) === RECV) {
    reply = replyInA6(k, thread);
    if (reply === null || (reply.tcb !== null && reply.tcb !== thread)) return false;
  }
  const bound = thread.boundNotification;
  if (bound !== null) {
    if (bound.state === 'active') return takeSignal(bound, thread);
    if (bound.schedContext !== null) return false;
  }
  if (endpoint.state === 'send') return false;
  thread.state = 'blockedOnReceive';
  thread.blockedOn = endpoint;
  thread.reply = reply;
  if (reply !== null) reply.tcb = thread;
  waitAt(endpoint, thread);
  endpoint.state = 'receive';
  switchToBest(k);
  return true;
}
