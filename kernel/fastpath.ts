/**
 * The fast path: the usual system calls and interrupts, when nothing unusual is in the way. Each
 * function first checks that. If it is so, the function does all that the general path would do,
 * the choice of the next thread included. If not, it has changed nothing.
 *
 * The general path (`syscall.ts`, `ipc/endpoint.ts`, `ipc/notification.ts`, `sched/schedule.ts`) is
 * the specification: `test/echo/fast-path.test.ts` and the oracle run the same programs with and
 * without this file.
 *
 * It is one file because V8 puts functions and constants of the same module into the code that uses
 * them, and looks up imported ones at each use: see docs/hot-code.md. Read it from the top: what
 * comes in, one function for each system call, then the steps that they are made of.
 */

import {
  IRQ_ACK_IRQ,
  MESSAGE_REGISTERS,
  messageInfo,
  REG_A0,
  REG_A1,
  REG_A2,
  REG_A6,
  REG_A7,
  REG_T0,
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
import { enqueueWaiting } from './ipc/blocking.ts';
import { lookupSlot } from './objects/cspace.ts';
import type {
  Endpoint,
  Notification,
  NotificationCap,
  Reply,
  SchedContext,
  Tcb,
} from './objects/objects.ts';
import {
  bestReady,
  hasReady,
  isHighestPriority,
  isSchedulable,
  schedAppend,
  schedDequeue,
  schedEnqueue,
} from './sched/ready-queue.ts';
import { switchSchedContext } from './sched/schedule.ts';
import { refillReady } from './sched/sporadic.ts';
import type { KernelState } from './state.ts';

// The low halves of registers in `regs`.
const A0 = REG_A0 << 1;
const A1 = REG_A1 << 1;
const A2 = REG_A2 << 1;
const A6 = REG_A6 << 1;
const A7 = REG_A7 << 1;
const T0 = REG_T0 << 1;
const READ = RIGHT_READ;
const WRITE = RIGHT_WRITE;
const CAN_REPLY = RIGHT_GRANT | RIGHT_GRANT_REPLY;
const CALL = SYS_CALL;
const NB_SEND_RECV = SYS_NB_SEND_RECV;
const NB_SEND = SYS_NB_SEND;
const RECV = SYS_RECV;
const REPLY_RECV = SYS_REPLY_RECV;
const SEND = SYS_SEND;
const WAIT = SYS_WAIT;

/** Bits of the message information that hold the length and the number of capabilities. */
const SHORT = 0x1ff;
/** Up to here a message has no capability, and all its words are in registers. */
const SHORT_WORDS = MESSAGE_REGISTERS;
const ACK_INFO = messageInfo(IRQ_ACK_IRQ, 0, 0);

/**
 * Tries the current thread's system call. Its budget has been checked.
 *
 * @returns whether it is done, with `k.current` being who runs next
 */
export function tryFastPath(k: KernelState): boolean {
  if (!isOrdinary(k)) return false;
  const thread = k.current;
  const { regs } = thread;
  const isShort = ((regs[A1] as number) & SHORT) <= SHORT_WORDS;
  switch ((regs[A7] as number) | 0) {
    case CALL:
      return isShort && fastCall(k, thread);
    case REPLY_RECV:
      return isShort && fastReplyRecv(k, thread);
    case SEND:
    case NB_SEND:
      return isShort && fastSignal(k, thread);
    case NB_SEND_RECV:
      return isShort && fastSendRecv(k, thread);
    case WAIT:
    case RECV:
      return fastWait(k, thread);
    default:
      return false;
  }
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
  const driver = waiterAt(cap.notification);
  if (driver === null) return false;
  const queue = driver.blockedOn as Endpoint | Notification;
  if (!canWake(k, driver, queue)) return false;
  if (!isIdle && driver.priority <= current.priority) return false;

  k.counters.notificationsSent += 1;
  wake(driver, queue, cap);
  if (!isIdle) schedEnqueue(k, current);
  switchTo(k, driver);
  return true;
}

/**
 * Whether this kernel entry has to decide nothing but what its own system call or interrupt brings.
 */
function isOrdinary(k: KernelState): boolean {
  const head = k.releaseHead;
  if (head !== null && head.schedContext !== null && refillReady(k, head.schedContext)) {
    return false;
  }
  return k.domainTime === Infinity && !k.reprogram && k.action === 'resume';
}

// ------------------------------------------------------------------------------------- calls

/** To a passive server that waits with a reply object, and is the best to run. */
function fastCall(k: KernelState, caller: Tcb): boolean {
  const { regs } = caller;
  const slot = lookupSlot(k, caller, regs[A0] as number, regs[A0 + 1] as number);
  if (slot === null) return false;
  const { cap } = slot;
  if (cap.kind !== 'endpoint') return false;
  if ((cap.rights & WRITE) === 0 || (cap.rights & CAN_REPLY) === 0) return false;
  const { endpoint } = cap;
  if (endpoint.state !== 'receive') return false;
  const server = endpoint.head as Tcb;
  const { reply } = server;
  const sc = caller.schedContext;
  if (reply === null || sc === null || server.schedContext !== null) return false;
  if (server.isInReleaseQueue || !isBest(k, server)) return false;

  k.counters.ipcCalls += 1;
  takeHead(endpoint, server);
  copyMessage(caller, server);
  server.regs[A0] = cap.badgeLow;
  server.regs[A0 + 1] = cap.badgeHigh;
  server.reply = null;
  server.blockedOn = null;
  server.state = 'running';
  caller.reply = reply;
  caller.state = 'blockedOnReply';
  reply.tcb = caller;
  pushReply(sc, reply);
  lend(sc, caller, server);
  enter(k, server);
  return true;
}

/**
 * From a server that runs on its caller's scheduling context, back to the caller, and to the next
 * wait.
 */
function fastReplyRecv(k: KernelState, server: Tcb): boolean {
  const { regs } = server;
  const reply = replyInA6(k, server);
  if (reply === null) return false;
  const slot = lookupSlot(k, server, regs[A0] as number, regs[A0 + 1] as number);
  if (slot === null) return false;
  const { cap } = slot;
  if (cap.kind !== 'endpoint' || (cap.rights & READ) === 0) return false;
  const { endpoint } = cap;
  const caller = reply.tcb;
  const sc = server.schedContext;
  if (endpoint.state === 'send' || caller === null || sc === null) return false;
  if (caller.state !== 'blockedOnReply' || caller.fault !== null) return false;
  if (reply.schedContext !== sc || caller.schedContext !== null || sc.isSporadic) return false;
  if (hasNews(server.boundNotification) || !isBest(k, caller)) return false;

  popReply(sc, reply);
  copyMessage(server, caller);
  caller.regs[A0] = 0;
  caller.regs[A0 + 1] = 0;
  caller.reply = null;
  caller.state = 'running';
  lend(sc, server, caller);
  block(server, endpoint, reply);
  enter(k, caller);
  return true;
}

// ------------------------------------------------------------------------------------- signals

/**
 * To nobody yet, or to a thread with its own scheduling context, which runs at once or is queued.
 * Its steps (`waiterAt`, `canWake`, `wake`, `leaveSignal`) are written out: made of them, it took
 * up to a tenth longer.
 */
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
  if (!isBetter && !isHighestPriority(k, waiter.domain, current)) return false;

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
  const { regs } = thread;
  const slot = lookupSlot(k, thread, regs[A0] as number, regs[A0 + 1] as number);
  if (slot === null) return false;
  const { cap } = slot;
  if (cap.kind === 'endpoint') {
    return (cap.rights & READ) !== 0 && fastRecv(k, thread, cap.endpoint);
  }
  if (cap.kind !== 'notification' || (cap.rights & READ) === 0) return false;
  const { notification } = cap;
  if (notification.boundTcb !== null && notification.boundTcb !== thread) return false;
  if (notification.state === 'active') return takeSignal(notification, thread);
  if (notification.schedContext !== null) return false;

  block(thread, notification, null);
  switchToBest(k);
  return true;
}

function fastRecv(k: KernelState, thread: Tcb, endpoint: Endpoint): boolean {
  let reply: Reply | null = null;
  if (((thread.regs[A7] as number) | 0) === RECV) {
    reply = replyInA6(k, thread);
    if (reply === null || (reply.tcb !== null && reply.tcb !== thread)) return false;
  }
  const bound = thread.boundNotification;
  if (bound !== null && bound.state === 'active') return takeSignal(bound, thread);
  if (hasNews(bound) || endpoint.state === 'send') return false;

  block(thread, endpoint, reply);
  switchToBest(k);
  return true;
}

/**
 * As every component of sDDF uses it: a signal to a neighbour, or the acknowledgement of an
 * interrupt, together with the wait for the next event.
 */
function fastSendRecv(k: KernelState, thread: Tcb): boolean {
  const { regs } = thread;
  const toSlot = lookupSlot(k, thread, regs[T0] as number, regs[T0 + 1] as number);
  const inSlot = lookupSlot(k, thread, regs[A0] as number, regs[A0 + 1] as number);
  if (toSlot === null || inSlot === null) return false;
  const to = toSlot.cap;
  const input = inSlot.cap;
  if (input.kind !== 'notification' && input.kind !== 'endpoint') return false;
  if ((input.rights & READ) === 0) return false;
  const bound = thread.boundNotification;
  // A signal that has come already: the thread goes on, and who runs is the general path's
  // decision.
  if (hasNews(bound)) return false;
  let reply: Reply | null = null;
  let place: Endpoint | Notification;
  if (input.kind === 'notification') {
    place = input.notification;
    if (place.boundTcb !== null && place.boundTcb !== thread) return false;
    if (hasNews(place)) return false;
  } else {
    place = input.endpoint;
    reply = replyInA6(k, thread);
    if (reply === null || (reply.tcb !== null && reply.tcb !== thread)) return false;
    if (place.state === 'send') return false;
  }
  let waiter: Tcb | null = null;
  let queue = place;
  if (to.kind === 'irqHandler') {
    if ((regs[A1] as number) !== ACK_INFO || (regs[A1 + 1] as number) !== 0) return false;
  } else {
    if (to.kind !== 'notification' || (to.rights & WRITE) === 0) return false;
    if (to.notification === bound || to.notification === place) return false;
    waiter = waiterAt(to.notification);
    if (waiter !== null) {
      queue = waiter.blockedOn as Endpoint | Notification;
      if (queue === place || !canWake(k, waiter, queue)) return false;
    }
  }

  if (to.kind === 'irqHandler') {
    k.machine.charge(k.costs.invocation);
    k.machine.completeIrq(to.irq);
  } else {
    k.counters.notificationsSent += 1;
    if (waiter === null) leaveSignal(to);
    else wake(waiter, queue, to);
  }
  block(thread, place, reply);
  if (waiter !== null) {
    const { priority } = waiter;
    if (priority >= thread.priority || isHighestPriority(k, waiter.domain, priority)) {
      switchTo(k, waiter);
      return true;
    }
    schedEnqueue(k, waiter);
  }
  switchToBest(k);
  return true;
}

// ---------------------------------------------------------------------------------- steps: signals

/** @returns the thread that a signal wakes, `null` when the signal stays */
function waiterAt(notification: Notification): Tcb | null {
  if (notification.state === 'waiting') return notification.head;
  const bound = notification.boundTcb;
  const isWaiting = bound !== null && bound.state === 'blockedOnReceive';
  return isWaiting && notification.state === 'idle' ? bound : null;
}

/** Whether the way to wake a waiter, from the queue that it waits in, is the usual one. */
function canWake(k: KernelState, waiter: Tcb, queue: Endpoint | Notification): boolean {
  const sc = waiter.schedContext;
  if (sc === null || sc.refillMax === 0 || sc.isSporadic || waiter.isInReleaseQueue) return false;
  return waiter.domain === k.currentDomain && waiter.fault === null && queue.head === waiter;
}

function wake(waiter: Tcb, queue: Endpoint | Notification, by: NotificationCap): void {
  takeHead(queue, waiter);
  waiter.blockedOn = null;
  const { reply } = waiter;
  if (reply !== null) {
    reply.tcb = null;
    waiter.reply = null;
  }
  waiter.state = 'running';
  waiter.regs[A0] = by.badgeLow;
  waiter.regs[A0 + 1] = by.badgeHigh;
}

/** Nobody waits: the badge stays until somebody does. */
function leaveSignal(by: NotificationCap): void {
  const { notification } = by;
  if (notification.state === 'active') {
    notification.wordLow = (notification.wordLow | by.badgeLow) >>> 0;
    notification.wordHigh = (notification.wordHigh | by.badgeHigh) >>> 0;
    return;
  }
  notification.state = 'active';
  notification.wordLow = by.badgeLow;
  notification.wordHigh = by.badgeHigh;
}

function takeSignal(notification: Notification, thread: Tcb): true {
  thread.regs[A0] = notification.wordLow;
  thread.regs[A0 + 1] = notification.wordHigh;
  notification.state = 'idle';
  notification.wordLow = 0;
  notification.wordHigh = 0;
  return true;
}

/**
 * Whether a notification has a signal, or a scheduling context that whoever waits at it would get
 * or return.
 */
function hasNews(notification: Notification | null): boolean {
  if (notification === null) return false;
  return notification.state === 'active' || notification.schedContext !== null;
}

// --------------------------------------------------------------------- steps: waiting and messages

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

function waitAt(queue: Endpoint | Notification, tcb: Tcb): void {
  if (queue.head !== null) {
    enqueueWaiting(queue, tcb);
    return;
  }
  queue.head = tcb;
  queue.tail = tcb;
}

function takeHead(queue: Endpoint | Notification, tcb: Tcb): void {
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

/** Copies message information and at most four words. */
function copyMessage(sender: Tcb, receiver: Tcb): void {
  const from = sender.regs;
  const to = receiver.regs;
  const info = from[A1] as number;
  const length = info & SHORT;
  to[A1] = (info & 0xffff_f000) | length;
  to[A1 + 1] = from[A1 + 1] as number;
  const end = A2 + (length << 1);
  for (let r = A2; r < end; r += 1) to[r] = from[r] as number;
}

function replyInA6(k: KernelState, thread: Tcb): Reply | null {
  const { regs } = thread;
  const slot = lookupSlot(k, thread, regs[A6] as number, regs[A6 + 1] as number);
  return slot !== null && slot.cap.kind === 'reply' ? slot.cap.reply : null;
}

// -------------------------------------------------------------------- steps: who runs, and on what

/** Whether a thread may run before all that are ready. */
function isBest(k: KernelState, tcb: Tcb): boolean {
  const { domain } = tcb;
  if (domain !== k.currentDomain) return false;
  // Mostly nobody else is ready.
  return !hasReady(k, domain) || isHighestPriority(k, domain, tcb.priority);
}

/**
 * A call on a scheduling context that may have come by a call itself: the newest reply is first.
 */
function pushReply(sc: SchedContext, reply: Reply): void {
  const older = sc.reply;
  reply.prev = older;
  if (older !== null) {
    older.next = reply;
    older.schedContext = null;
  }
  reply.schedContext = sc;
  sc.reply = reply;
}

function popReply(sc: SchedContext, reply: Reply): void {
  const older = reply.prev;
  sc.reply = older;
  if (older !== null) {
    older.next = null;
    older.schedContext = sc;
  }
  reply.prev = null;
  reply.schedContext = null;
}

function lend(sc: SchedContext, from: Tcb, to: Tcb): void {
  from.schedContext = null;
  to.schedContext = sc;
  sc.tcb = to;
}

/** The current thread is blocked: the best of the others runs. */
function switchToBest(k: KernelState): void {
  const tcb = bestReady(k);
  if (tcb === null) {
    k.current = k.idleThread;
    switchSchedContext(k);
    return;
  }
  schedDequeue(k, tcb);
  switchTo(k, tcb);
}

/** To a thread that has a scheduling context of its own. */
function switchTo(k: KernelState, tcb: Tcb): void {
  k.current = tcb;
  k.counters.contextSwitches += 1;
  k.machine.charge(k.costs.contextSwitch);
  switchSchedContext(k);
}

/** To a thread that runs on the current scheduling context. */
function enter(k: KernelState, tcb: Tcb): void {
  k.current = tcb;
  k.counters.contextSwitches += 1;
  if (k.costs.contextSwitch !== 0) k.machine.charge(k.costs.contextSwitch);
}
