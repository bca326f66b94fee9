/**
 * Invariants of threads, queues, calls and scheduling: numbers 14 and 17 to 33 of the list in the
 * README.
 */

import type {
  Endpoint,
  Notification,
  Reply,
  SchedContext,
  Tcb,
} from '../../../kernel/objects/objects.ts';
import { isRunnable, isSchedulable } from '../../../kernel/sched/ready-queue.ts';
import { isRoundRobin, refillReady, refillSufficient } from '../../../kernel/sched/sporadic.ts';
import { DOMAINS, MIN_BUDGET, PRIORITIES } from '../../../kernel/state.ts';
import type { KernelState } from '../../../kernel/state.ts';
import type { Report } from './capabilities.ts';
import { nameOf } from '../../../kernel/inspect/census.ts';
import type { Snapshot } from '../../../kernel/inspect/census.ts';

export function checkThreads(k: KernelState, { live }: Snapshot, report: Report): void {
  const queued = new Map<Tcb, Queue>();
  const enter = (tcb: Tcb, queue: Queue): void => {
    const other = queued.get(tcb);
    if (other !== undefined) report(20, `${nameOf(tcb)} is in ${show(other)} and ${show(queue)}`);
    if (!live.has(tcb)) report(14, `${nameOf(tcb)} is in ${show(queue)} but has no capability`);
    queued.set(tcb, queue);
  };
  checkReadyQueues(k, enter, report);
  checkReleaseQueue(k, enter, report);
  for (const object of live) {
    switch (object.kind) {
      case 'endpoint':
        checkWaiting(object, enter, report);
        break;
      case 'notification':
        checkWaiting(object, enter, report);
        checkNotification(object, live, report);
        break;
      case 'schedContext':
        checkSchedContext(object, live, report);
        break;
      case 'reply':
        checkReply(object, live, report);
        break;
      default:
    }
  }
  for (const object of live) {
    if (object.kind === 'tcb') checkTcb(k, object, queued.get(object), live, report);
  }
  checkCurrent(k, report);
}

function show(queue: Queue): string {
  return typeof queue === 'string' ? `the ${queue} queue` : nameOf(queue);
}

type Live = Snapshot['live'];
type Enter = (tcb: Tcb, queue: Queue) => void;
/** A queue of an endpoint or notification, or one of the scheduler's. */
type Queue = Endpoint | Notification | 'ready' | 'release';

/** 22: the bitmaps say which ready queues are not empty. Looks at all queues there are. */
export function checkAllReadyQueues(k: KernelState, report: Report): void {
  for (let queue = 0; queue < DOMAINS * PRIORITIES; queue += 1) {
    const bit = ((k.readyBits[queue >>> 5] as number) >>> (queue & 31)) & 1;
    if ((k.readyHead[queue] !== null) !== (bit === 1)) report(22, `bit of queue ${queue}`);
  }
}

/**
 * 21, 22: the ready queues hold schedulable threads. Looks at those that are marked as not empty.
 */
function checkReadyQueues(k: KernelState, enter: Enter, report: Report): void {
  for (let domain = 0; domain < DOMAINS; domain += 1) {
    const words = k.readyWords[domain] as number;
    for (let word = 0; word < 8; word += 1) {
      const at = domain * 8 + word;
      const bits = k.readyBits[at] as number;
      if ((bits !== 0) !== ((words & (1 << word)) !== 0)) report(22, `word ${word} of ${domain}`);
      for (let left = bits; left !== 0; left &= left - 1) {
        checkReadyQueue(k, at * 32 + 31 - Math.clz32(left & -left), enter, report);
      }
    }
  }
}

function checkReadyQueue(k: KernelState, queue: number, enter: Enter, report: Report): void {
  const head = k.readyHead[queue] as Tcb | null;
  if (head === null) report(22, `bit of queue ${queue}`);
  let before: Tcb | null = null;
  for (let tcb = head; tcb !== null; tcb = tcb.queueNext) {
    enter(tcb, 'ready');
    if (!tcb.isQueued || !isSchedulable(tcb)) report(21, `${nameOf(tcb)} is queued as ready`);
    if (tcb.domain * PRIORITIES + tcb.priority !== queue) report(21, `${nameOf(tcb)}: wrong queue`);
    if (tcb.queuePrev !== before) report(18, `${nameOf(tcb)}: prev in queue ${queue}`);
    before = tcb;
  }
  if (k.readyTail[queue] !== before && head !== null) report(18, `tail of queue ${queue}`);
}

/** 30: the release queue is in order of time, and nobody in it could run now. */
function checkReleaseQueue(k: KernelState, enter: Enter, report: Report): void {
  let last = -Infinity;
  for (let tcb = k.releaseHead; tcb !== null; tcb = tcb.queueNext) {
    enter(tcb, 'release');
    const sc = tcb.schedContext;
    if (!tcb.isInReleaseQueue || sc === null || !isRunnable(tcb)) {
      report(30, `${nameOf(tcb)} waits for a refill`);
      continue;
    }
    const time = sc.refillTime[sc.refillHead] as number;
    if (time < last) report(30, `${nameOf(tcb)} is out of order`);
    if (refillReady(k, sc)) report(30, `${nameOf(tcb)} is due`);
    last = time;
  }
}

const WAITING_STATE: Readonly<Record<string, string>> = {
  send: 'blockedOnSend',
  receive: 'blockedOnReceive',
  waiting: 'blockedOnNotification',
};

/** 17, 18, 19: who waits at an endpoint or notification, and in which order. */
function checkWaiting(place: Endpoint | Notification, enter: Enter, report: Report): void {
  const isQueueEmpty = place.head === null;
  const mayWait = place.state !== 'idle' && place.state !== 'active';
  if (isQueueEmpty === mayWait) report(17, `${nameOf(place)} is ${place.state}`);
  let before: Tcb | null = null;
  for (let tcb = place.head; tcb !== null; tcb = tcb.queueNext) {
    enter(tcb, place);
    const state = mayWait ? WAITING_STATE[place.state] : undefined;
    if (tcb.state !== state || tcb.blockedOn !== place)
      report(17, `${nameOf(tcb)} at ${nameOf(place)}`);
    if (tcb.queuePrev !== before) report(18, `${nameOf(tcb)}: prev at ${nameOf(place)}`);
    if (before !== null && before.priority < tcb.priority)
      report(18, `${nameOf(place)} is out of order`);
    before = tcb;
  }
  if (place.tail !== before) report(18, `tail of ${nameOf(place)}`);
}

function checkNotification(notification: Notification, live: Live, report: Report): void {
  const { boundTcb, schedContext } = notification;
  if (boundTcb !== null && boundTcb.boundNotification !== notification)
    report(19, nameOf(notification));
  if (boundTcb !== null && !live.has(boundTcb)) report(14, `${nameOf(notification)}: its thread`);
  if (schedContext !== null && schedContext.notification !== notification)
    report(27, nameOf(notification));
  if (schedContext !== null && !live.has(schedContext))
    report(14, `${nameOf(notification)}: its context`);
}

/** 27, 28, 29: a scheduling context, its bindings, its call stack and its refills. */
function checkSchedContext(sc: SchedContext, live: Live, report: Report): void {
  if (sc.tcb !== null && sc.tcb.schedContext !== sc) report(27, `${nameOf(sc)}: thread`);
  if (sc.tcb !== null && !live.has(sc.tcb)) report(14, `${nameOf(sc)}: thread`);
  if (sc.notification !== null && sc.notification.schedContext !== sc)
    report(27, `${nameOf(sc)}: ntfn`);
  if (sc.yieldFrom !== null && sc.yieldFrom.yieldTo !== sc) report(27, `${nameOf(sc)}: yield`);
  let depth = 0;
  for (let reply = sc.reply; reply !== null; reply = reply.prev) {
    if (!live.has(reply)) report(14, `${nameOf(sc)}: a reply object of its call stack`);
    if (depth === 0 && (reply.schedContext !== sc || reply.next !== null)) report(28, nameOf(sc));
    if (depth > 0 && (reply.next === null || reply.schedContext !== null)) report(28, nameOf(sc));
    if (reply.tcb === null || reply.tcb.state !== 'blockedOnReply')
      report(28, `${nameOf(sc)}: caller`);
    depth += 1;
    if (depth > 10_000) return report(28, `${nameOf(sc)}: a cycle`);
  }
  if (sc.refillMax === 0) return;
  checkRefills(sc, report);
}

function checkRefills(sc: SchedContext, report: Report): void {
  if (sc.refillCount < 1 || sc.refillCount > sc.refillMax)
    report(29, `${nameOf(sc)}: refill count`);
  if (isRoundRobin(sc) && sc.refillCount !== 2) report(29, `${nameOf(sc)}: round robin`);
  if ((sc.refillAmount[sc.refillHead] as number) < MIN_BUDGET) report(29, `${nameOf(sc)}: head`);
  if (isRoundRobin(sc)) return;
  for (let i = 1; i < sc.refillCount; i += 1) {
    const before = (sc.refillHead + i - 1) % sc.refillMax;
    const at = (sc.refillHead + i) % sc.refillMax;
    const end = (sc.refillTime[before] as number) + (sc.refillAmount[before] as number);
    if (end > (sc.refillTime[at] as number)) report(29, `${nameOf(sc)}: refills overlap`);
  }
}

/** 25, 26, 28: a reply object, the thread that it names, and its neighbours on the call stack. */
function checkReply(reply: Reply, live: Live, report: Report): void {
  const tcb = reply.tcb;
  if (reply.prev !== null && reply.prev.next !== reply) report(28, `${nameOf(reply)}: prev`);
  if (reply.next !== null && reply.next.prev !== reply) report(28, `${nameOf(reply)}: next`);
  if (reply.schedContext !== null && reply.schedContext.reply !== reply)
    report(28, `${nameOf(reply)}: head`);
  if (tcb === null) {
    if (reply.prev !== null || reply.next !== null || reply.schedContext !== null)
      report(26, nameOf(reply));
    return;
  }
  if (!live.has(tcb)) report(14, `${nameOf(reply)}: its thread`);
  if (tcb.reply !== reply) report(25, `${nameOf(reply)}: its thread names another`);
  if (tcb.state === 'blockedOnReceive') {
    if (reply.prev !== null || reply.next !== null || reply.schedContext !== null)
      report(26, nameOf(reply));
  } else if (tcb.state !== 'blockedOnReply') {
    report(25, `${nameOf(reply)}: its thread is ${tcb.state}`);
  }
}

/** 14, 20, 21, 25, 27: one thread. */
function checkTcb(
  k: KernelState,
  tcb: Tcb,
  queue: Queue | undefined,
  live: Live,
  report: Report,
): void {
  const isInReady = queue === 'ready';
  if (tcb.isQueued !== isInReady) report(20, `${nameOf(tcb)}: queued flag`);
  if (tcb.isInReleaseQueue !== (queue === 'release')) report(20, `${nameOf(tcb)}: release flag`);
  const isWaiting =
    tcb.state === 'blockedOnReceive' ||
    tcb.state === 'blockedOnSend' ||
    tcb.state === 'blockedOnNotification';
  if (isWaiting !== (tcb.blockedOn !== null)) report(17, `${nameOf(tcb)}: ${tcb.state}`);
  if (isWaiting && tcb.blockedOn !== null && !live.has(tcb.blockedOn))
    report(14, `${nameOf(tcb)}: waits`);
  if (tcb.state === 'blockedOnReply' && tcb.reply === null) report(25, nameOf(tcb));
  if (tcb.reply !== null && !live.has(tcb.reply)) report(14, `${nameOf(tcb)}: reply object`);
  if (tcb.reply !== null && tcb.reply.tcb !== tcb) report(25, `${nameOf(tcb)}: reply object`);
  const sc = tcb.schedContext;
  if (sc !== null && (sc.tcb !== tcb || !live.has(sc))) report(27, `${nameOf(tcb)}: context`);
  const bound = tcb.boundNotification;
  if (bound !== null && (bound.boundTcb !== tcb || !live.has(bound)))
    report(19, `${nameOf(tcb)}: bound`);
  if (tcb.yieldTo !== null && tcb.yieldTo.yieldFrom !== tcb) report(27, `${nameOf(tcb)}: yield`);
  if (tcb !== k.current && isSchedulable(tcb) && !isInReady)
    report(21, `${nameOf(tcb)} is forgotten`);
}

/** 23, 31, 33: the current thread can run and is in no queue; the idle thread is in none. */
function checkCurrent(k: KernelState, report: Report): void {
  const { current } = k;
  if (k.action !== 'resume' || k.candidate !== null) report(23, 'the scheduler is not done');
  if (k.idleThread.isQueued || k.idleThread.isInReleaseQueue) report(33, 'idle is queued');
  if (current === k.idleThread) return;
  if (current.isQueued) report(23, `${nameOf(current)} is current and queued`);
  if (!isSchedulable(current)) report(23, `${nameOf(current)} is current and cannot run`);
  const sc = k.currentSchedContext;
  if (sc !== current.schedContext) report(31, 'the current context is not that of the thread');
  else if (!refillReady(k, sc) || !refillSufficient(sc, 0)) report(31, 'the budget is not there');
}
