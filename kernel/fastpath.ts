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
  SYS_CALL,
  SYS_NB_SEND,
  SYS_NB_SEND_RECV,
  SYS_RECV,
  SYS_REPLY_RECV,
  SYS_SEND,
  SYS_WAIT,
} from './abi.ts';
import * as blocking from './ipc/blocking.ts';
import * as knownCaps from './known-caps.ts';
import {
  type Endpoint,
  type KnownTarget,
  type KnownWait,
  type Notification,
  type NotificationCap,
  type Reply,
  type SchedContext,
  type Tcb,
  ACTIVE,
  BLOCKED_ON_NOTIFICATION,
  BLOCKED_ON_RECEIVE,
  BLOCKED_ON_REPLY,
  IDLE,
  RECEIVING,
  RUNNING,
  SENDING,
  TARGET_ENDPOINT,
  TARGET_IRQ,
  TARGET_NOTIFICATION,
  WAITED_FOR,
  WITH_REPLY,
  WITHOUT_REPLY,
} from './objects/objects.ts';
import * as readyQueue from './sched/ready-queue.ts';
import * as scheduling from './sched/schedule.ts';
import * as sporadic from './sched/sporadic.ts';
import type { KernelState } from './state.ts';

// Folded constants, of functions, too: docs/hot-code.md.
const { enqueueWaiting } = blocking;
const { resolveTarget, resolveWait } = knownCaps;
const { bestReady, hasReady, isHighestPriority, isSchedulable } = readyQueue;
const { schedAppend, schedDequeue, schedEnqueue } = readyQueue;
const { switchSchedContext } = scheduling;
const { refillReady } = sporadic;
// The low halves of registers in `regs`.
const A0 = REG_A0 << 1;
const A1 = REG_A1 << 1;
const A2 = REG_A2 << 1;
const A6 = REG_A6 << 1;
const A7 = REG_A7 << 1;
const T0 = REG_T0 << 1;
const IS_IDLE = IDLE;
const IS_SENDING = SENDING;
const IS_RECEIVING = RECEIVING;
const IS_WAITED_FOR = WAITED_FOR;
const IS_ACTIVE = ACTIVE;
const IS_RUNNING = RUNNING;
const ON_RECEIVE = BLOCKED_ON_RECEIVE;
const ON_REPLY = BLOCKED_ON_REPLY;
const ON_NOTIFICATION = BLOCKED_ON_NOTIFICATION;
const NOTIFICATION = TARGET_NOTIFICATION;
const ENDPOINT = TARGET_ENDPOINT;
const IRQ = TARGET_IRQ;
const HAS_REPLY = WITH_REPLY;
const NO_REPLY = WITHOUT_REPLY;
/** Registers of a wait: the place, and the reply object. */
const WAIT_POINTERS = [A0, A6] as const;
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
      return fastWait(k, thread, NO_REPLY);
    case RECV:
      return fastWait(k, thread, HAS_REPLY);
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
const isOrdinary = (k: KernelState): boolean => {
  const head = k.releaseHead;
  if (head !== null && head.schedContext !== null && refillReady(k, head.schedContext)) {
    return false;
  }
  return k.domainTime === Infinity && !k.reprogram && k.action === 'resume';
};

// ------------------------------------------------------------------------------------- calls

/** To a passive server that waits with a reply object, and is the best to run. */
const fastCall = (k: KernelState, caller: Tcb): boolean => {
  const target = targetAt(k, caller, caller.known.target, A0);
  if (target.kind !== ENDPOINT) return false;
  const endpoint = target.endpoint as Endpoint;
  if (endpoint.phase !== IS_RECEIVING) return false;
  const server = endpoint.head as Tcb;
  const { reply } = server;
  const sc = caller.schedContext;
  if (reply === null || sc === null || server.schedContext !== null) return false;
  if (server.isInReleaseQueue || !isBest(k, server)) return false;

  k.counters.ipcCalls += 1;
  takeHead(endpoint, server);
  copyMessage(caller, server);
  server.regs[A0] = target.badgeLow;
  server.regs[A0 + 1] = target.badgeHigh;
  server.reply = null;
  server.blockedOn = null;
  server.phase = IS_RUNNING;
  caller.reply = reply;
  caller.phase = ON_REPLY;
  reply.tcb = caller;
  pushReply(sc, reply);
  lend(sc, caller, server);
  enter(k, server);
  return true;
};

/**
 * From a server that runs on its caller's scheduling context, back to the caller, and to the next
 * wait.
 */
const fastReplyRecv = (k: KernelState, server: Tcb): boolean => {
  const { endpoint, reply } = waitAtA0(k, server, HAS_REPLY);
  if (endpoint === null || reply === null) return false;
  const caller = reply.tcb;
  const sc = server.schedContext;
  if (isSentTo(endpoint) || caller === null || sc === null) return false;
  if (caller.phase !== ON_REPLY || caller.fault !== null) return false;
  if (reply.schedContext !== sc || caller.schedContext !== null || sc.isSporadic) return false;
  if (hasNews(server.boundNotification) || !isBest(k, caller)) return false;

  popReply(sc, reply);
  copyMessage(server, caller);
  caller.regs[A0] = 0;
  caller.regs[A0 + 1] = 0;
  caller.reply = null;
  caller.phase = IS_RUNNING;
  lend(sc, server, caller);
  blockAtEndpoint(server, endpoint, reply);
  enter(k, caller);
  return true;
};

// ------------------------------------------------------------------------------------- signals

/**
 * To nobody yet, or to a thread with its own scheduling context, which runs at once or is queued.
 * Its steps (`waiterAt`, `canWake`, `wake`, `leaveSignal`) are written out: made of them, it took
 * up to a tenth longer.
 */
const fastSignal = (k: KernelState, sender: Tcb): boolean => {
  const target = targetAt(k, sender, sender.known.target, A0);
  if (target.kind !== NOTIFICATION) return false;
  const notification = target.notification as Notification;
  if (notification.phase === IS_ACTIVE) {
    notification.wordLow = (notification.wordLow | target.badgeLow) >>> 0;
    notification.wordHigh = (notification.wordHigh | target.badgeHigh) >>> 0;
    k.counters.notificationsSent += 1;
    return true;
  }
  const bound = notification.boundTcb;
  let waiter: Tcb;
  let queue: Endpoint | Notification = notification;
  if (notification.phase === IS_WAITED_FOR) {
    waiter = notification.head as Tcb;
  } else if (bound !== null && bound.phase === ON_RECEIVE) {
    waiter = bound;
    queue = bound.blockedOn as Endpoint;
  } else {
    notification.phase = IS_ACTIVE;
    notification.wordLow = target.badgeLow >>> 0;
    notification.wordHigh = target.badgeHigh >>> 0;
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
  waiter.phase = IS_RUNNING;
  waiter.regs[A0] = target.badgeLow;
  waiter.regs[A0 + 1] = target.badgeHigh;
  if (isBetter) {
    schedEnqueue(k, sender);
    switchTo(k, waiter);
  } else if (waiter.priority === current) {
    schedAppend(k, waiter);
  } else {
    schedEnqueue(k, waiter);
  }
  return true;
};

/** Takes a signal that is there, or blocks where nobody sends. */
const fastWait = (k: KernelState, thread: Tcb, hasReply: 0 | 1): boolean => {
  const { endpoint, notification, reply } = waitAtA0(k, thread, hasReply);
  if (endpoint !== null) return fastRecv(k, thread, endpoint, reply);
  if (notification === null) return false;
  if (notification.phase === IS_ACTIVE) return takeSignal(notification, thread);
  if (notification.schedContext !== null) return false;

  blockAtNotification(thread, notification);
  switchToBest(k);
  return true;
};

const fastRecv = (
  k: KernelState,
  thread: Tcb,
  endpoint: Endpoint,
  reply: Reply | null,
): boolean => {
  if (reply !== null && reply.tcb !== null && reply.tcb !== thread) return false;
  const bound = thread.boundNotification;
  if (bound !== null && bound.phase === IS_ACTIVE) return takeSignal(bound, thread);
  if (hasNews(bound) || isSentTo(endpoint)) return false;

  blockAtEndpoint(thread, endpoint, reply);
  switchToBest(k);
  return true;
};

/**
 * As every component of sDDF uses it: a signal to a neighbour, or the acknowledgement of an
 * interrupt, together with the wait for the next event. Here for a domain that waits for signals
 * alone, and a neighbour that does so, too; all else is for {@link sendRecvWidely}.
 */
const fastSendRecv = (k: KernelState, thread: Tcb): boolean => {
  const to = targetAt(k, thread, thread.known.deferred, T0);
  const known = waitAtA0(k, thread, HAS_REPLY);
  const place = known.notification;
  const bound = thread.boundNotification;
  // A signal that has come already: the thread goes on, and who runs is the general path's
  // decision.
  if (hasNews(bound)) return false;
  if (place === null || to.kind !== NOTIFICATION) return sendRecvWidely(k, thread, to, known);
  if (place !== bound && hasNews(place)) return false;
  const signalled = to.notification as Notification;
  if (signalled.phase !== IS_WAITED_FOR || signalled === place) {
    return sendRecvWidely(k, thread, to, known);
  }
  const waiter = signalled.head as Tcb;
  if (!canWake(k, waiter, signalled)) return false;

  k.counters.notificationsSent += 1;
  wake(waiter, signalled, to);
  blockAtNotification(thread, place);
  switchToWoken(k, waiter);
  return true;
};

/**
 * The same for whoever waits at an endpoint, a neighbour that does or that does not wait at all,
 * and interrupts. Its caller has found no signal that has come already.
 */
const sendRecvWidely = (
  k: KernelState,
  thread: Tcb,
  to: KnownTarget,
  { endpoint, notification, reply }: KnownWait,
): boolean => {
  let place: Endpoint | Notification;
  if (endpoint !== null) {
    place = endpoint;
    if (isSentTo(endpoint)) return false;
    if (reply === null || (reply.tcb !== null && reply.tcb !== thread)) return false;
  } else {
    if (notification === null || hasNews(notification)) return false;
    place = notification;
  }
  let waiter: Tcb | null = null;
  let queue = place;
  if (to.kind === IRQ) {
    const { regs } = thread;
    if ((regs[A1] as number) !== ACK_INFO || (regs[A1 + 1] as number) !== 0) return false;
  } else {
    if (to.kind !== NOTIFICATION) return false;
    const signalled = to.notification as Notification;
    if (signalled === thread.boundNotification || signalled === place) return false;
    waiter = waiterAt(signalled);
    if (waiter !== null) {
      queue = waiter.blockedOn as Endpoint | Notification;
      if (queue === place || !canWake(k, waiter, queue)) return false;
    }
  }

  if (to.kind === IRQ) {
    k.machine.charge(k.costs.invocation);
    k.machine.completeIrq(to.irq);
  } else {
    k.counters.notificationsSent += 1;
    if (waiter === null) leaveSignal(to.notification as Notification, to);
    else wake(waiter, queue, to);
  }
  if (place.kind === 'notification') blockAtNotification(thread, place);
  else blockAtEndpoint(thread, place, reply);
  if (waiter !== null) switchToWoken(k, waiter);
  else switchToBest(k);
  return true;
};

// ---------------------------------------------------------------------------- steps: capabilities

/** @returns what the pointer in this register leads to */
const targetAt = (
  k: KernelState,
  thread: Tcb,
  known: KnownTarget,
  register: number,
): KnownTarget => {
  const { regs } = thread;
  if (
    known.generation !== k.capGeneration ||
    known.low !== ((regs[register] as number) | 0) ||
    regs[register + 1] !== 0
  ) {
    resolveTarget(k, thread, known, register);
  }
  return known;
};

/** @returns what the pointers in a0 and a6 lead to */
const waitAtA0 = (k: KernelState, thread: Tcb, hasReply: 0 | 1): KnownWait => {
  const known = thread.known.wait;
  const { regs } = thread;
  if (
    known.generation !== k.capGeneration ||
    known.low !== ((regs[A0] as number) | 0) ||
    known.replyLow !== ((regs[A6] as number) | 0) ||
    known.hasReply !== hasReply ||
    regs[A0 + 1] !== 0 ||
    regs[A6 + 1] !== 0
  ) {
    resolveWait(k, thread, WAIT_POINTERS, hasReply);
  }
  return known;
};

// ---------------------------------------------------------------------------------- steps: signals

/** Of a capability, or signed halves of one that is known. */
interface Badge {
  readonly badgeLow: number;
  readonly badgeHigh: number;
}

/** @returns the thread that a signal wakes, `null` when the signal stays */
const waiterAt = (notification: Notification): Tcb | null => {
  if (notification.phase === IS_WAITED_FOR) return notification.head;
  const bound = notification.boundTcb;
  const isWaiting = bound !== null && bound.phase === ON_RECEIVE;
  return isWaiting && notification.phase === IS_IDLE ? bound : null;
};

/** Whether the way to wake a waiter, from the queue that it waits in, is the usual one. */
const canWake = (k: KernelState, waiter: Tcb, queue: Endpoint | Notification): boolean => {
  const sc = waiter.schedContext;
  if (sc === null || sc.refillMax === 0 || sc.isSporadic || waiter.isInReleaseQueue) return false;
  return waiter.domain === k.currentDomain && waiter.fault === null && queue.head === waiter;
};

const wake = (waiter: Tcb, queue: Endpoint | Notification, by: Badge): void => {
  takeHead(queue, waiter);
  waiter.blockedOn = null;
  const { reply } = waiter;
  if (reply !== null) {
    reply.tcb = null;
    waiter.reply = null;
  }
  waiter.phase = IS_RUNNING;
  waiter.regs[A0] = by.badgeLow;
  waiter.regs[A0 + 1] = by.badgeHigh;
};

/** Nobody waits: the badge stays until somebody does. */
const leaveSignal = (notification: Notification, by: Badge): void => {
  if (notification.phase === IS_ACTIVE) {
    notification.wordLow = (notification.wordLow | by.badgeLow) >>> 0;
    notification.wordHigh = (notification.wordHigh | by.badgeHigh) >>> 0;
    return;
  }
  notification.phase = IS_ACTIVE;
  notification.wordLow = by.badgeLow >>> 0;
  notification.wordHigh = by.badgeHigh >>> 0;
};

const takeSignal = (notification: Notification, thread: Tcb): true => {
  thread.regs[A0] = notification.wordLow;
  thread.regs[A0 + 1] = notification.wordHigh;
  notification.phase = IS_IDLE;
  notification.wordLow = 0;
  notification.wordHigh = 0;
  return true;
};

/** Whether somebody waits to send. Mostly nobody is in the queue, which is soon seen. */
const isSentTo = (endpoint: Endpoint): boolean => {
  return endpoint.head !== null && endpoint.phase === IS_SENDING;
};

/**
 * Whether a notification has a signal, or a scheduling context that whoever waits at it would get
 * or return.
 */
const hasNews = (notification: Notification | null): boolean => {
  if (notification === null) return false;
  return notification.phase === IS_ACTIVE || notification.schedContext !== null;
};

// --------------------------------------------------------------------- steps: waiting and messages

const blockAtNotification = (thread: Tcb, place: Notification): void => {
  thread.blockedOn = place;
  thread.phase = ON_NOTIFICATION;
  waitAt(place, thread);
  place.phase = IS_WAITED_FOR;
};

const blockAtEndpoint = (thread: Tcb, place: Endpoint, reply: Reply | null): void => {
  thread.blockedOn = place;
  thread.phase = ON_RECEIVE;
  waitAt(place, thread);
  place.phase = IS_RECEIVING;
  thread.reply = reply;
  if (reply !== null) reply.tcb = thread;
};

const waitAt = (queue: Endpoint | Notification, tcb: Tcb): void => {
  if (queue.head !== null) {
    enqueueWaiting(queue, tcb);
    return;
  }
  queue.head = tcb;
  queue.tail = tcb;
};

const takeHead = (queue: Endpoint | Notification, tcb: Tcb): void => {
  const next = tcb.queueNext;
  queue.head = next;
  if (next === null) {
    queue.tail = null;
    queue.phase = IS_IDLE;
  } else {
    next.queuePrev = null;
    tcb.queueNext = null;
  }
};

/** Copies message information and at most four words. */
const copyMessage = (sender: Tcb, receiver: Tcb): void => {
  const from = sender.regs;
  const to = receiver.regs;
  const info = from[A1] as number;
  const length = info & SHORT;
  to[A1] = (info & 0xffff_f000) | length;
  to[A1 + 1] = from[A1 + 1] as number;
  const end = A2 + (length << 1);
  for (let r = A2; r < end; r += 1) to[r] = from[r] as number;
};

// -------------------------------------------------------------------- steps: who runs, and on what

/** Whether a thread may run before all that are ready. */
const isBest = (k: KernelState, tcb: Tcb): boolean => {
  const { domain } = tcb;
  if (domain !== k.currentDomain) return false;
  // Mostly nobody else is ready.
  return !hasReady(k, domain) || isHighestPriority(k, domain, tcb.priority);
};

/**
 * A call on a scheduling context that may have come by a call itself: the newest reply is first.
 */
const pushReply = (sc: SchedContext, reply: Reply): void => {
  const older = sc.reply;
  reply.prev = older;
  if (older !== null) {
    older.next = reply;
    older.schedContext = null;
  }
  reply.schedContext = sc;
  sc.reply = reply;
};

const popReply = (sc: SchedContext, reply: Reply): void => {
  const older = reply.prev;
  sc.reply = older;
  if (older !== null) {
    older.next = null;
    older.schedContext = sc;
  }
  reply.prev = null;
  reply.schedContext = null;
};

const lend = (sc: SchedContext, from: Tcb, to: Tcb): void => {
  from.schedContext = null;
  to.schedContext = sc;
  sc.tcb = to;
};

/** The current thread is blocked, and has woken this one: the best of all runs. */
const switchToWoken = (k: KernelState, woken: Tcb): void => {
  if (isHighestPriority(k, woken.domain, woken.priority)) {
    switchTo(k, woken);
    return;
  }
  schedEnqueue(k, woken);
  switchToBest(k);
};

/** The current thread is blocked: the best of the others runs. */
const switchToBest = (k: KernelState): void => {
  const tcb = bestReady(k);
  if (tcb === null) {
    k.current = k.idleThread;
    switchSchedContext(k);
    return;
  }
  schedDequeue(k, tcb);
  switchTo(k, tcb);
};

/** To a thread that has a scheduling context of its own. */
const switchTo = (k: KernelState, tcb: Tcb): void => {
  k.current = tcb;
  k.counters.contextSwitches += 1;
  k.machine.charge(k.costs.contextSwitch);
  switchSchedContext(k);
};

/** To a thread that runs on the current scheduling context. */
const enter = (k: KernelState, tcb: Tcb): void => {
  k.current = tcb;
  k.counters.contextSwitches += 1;
  if (k.costs.contextSwitch !== 0) k.machine.charge(k.costs.contextSwitch);
};
