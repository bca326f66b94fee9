/**
 * The queues of threads that wait for the processor: one ready queue per domain and priority with a
 * bitmap over them, and the release queue of threads that wait for their next refill.
 */

import { assert } from '../../memory/assert.ts';
import { RESTART, RUNNING, type SchedContext, type Tcb } from '../objects/objects.ts';
import * as sporadic from './sporadic.ts';
import { PRIORITIES } from '../state.ts';
import type { KernelState } from '../state.ts';

// Folded constants, of functions, too: docs/hot-code.md.
const { refillReady, refillSufficient } = sporadic;
const PRIORITY_COUNT = PRIORITIES;
const IS_RUNNING = RUNNING;
const IS_RESTART = RESTART;

export function isRunnable(tcb: Tcb): boolean {
  return tcb.phase === IS_RUNNING || tcb.phase === IS_RESTART;
}

/**
 * Whether the scheduler may pick the thread: runnable, with an active scheduling context that is
 * not waiting.
 */
export function isSchedulable(tcb: Tcb): boolean {
  return (
    isRunnable(tcb) &&
    tcb.schedContext !== null &&
    tcb.schedContext.refillMax > 0 &&
    !tcb.isInReleaseQueue
  );
}

/** Blocked in an IPC operation: neither inactive nor runnable. */
export function isBlocked(tcb: Tcb): boolean {
  switch (tcb.state) {
    case 'blockedOnReceive':
    case 'blockedOnSend':
    case 'blockedOnNotification':
    case 'blockedOnReply':
      return true;
    default:
      return false;
  }
}

/**
 * Puts a thread at the front of its ready queue: it was preempted, or is to run before its equals.
 */
export function schedEnqueue(k: KernelState, tcb: Tcb): void {
  if (tcb.isQueued) return;
  assert(isSchedulable(tcb), 'a thread in a ready queue can run');
  const queue = tcb.domain * PRIORITY_COUNT + tcb.priority;
  const head = k.readyHead[queue] as Tcb | null;
  tcb.queuePrev = null;
  tcb.queueNext = head;
  if (head === null) {
    k.readyTail[queue] = tcb;
    markReady(k, tcb);
  } else {
    head.queuePrev = tcb;
  }
  k.readyHead[queue] = tcb;
  tcb.isQueued = true;
}

/** Puts a thread at the back of its ready queue: its turn is over. */
export function schedAppend(k: KernelState, tcb: Tcb): void {
  if (tcb.isQueued) return;
  assert(isSchedulable(tcb), 'a thread in a ready queue can run');
  const queue = tcb.domain * PRIORITY_COUNT + tcb.priority;
  const tail = k.readyTail[queue] as Tcb | null;
  tcb.queueNext = null;
  tcb.queuePrev = tail;
  if (tail === null) {
    k.readyHead[queue] = tcb;
    markReady(k, tcb);
  } else {
    tail.queueNext = tcb;
  }
  k.readyTail[queue] = tcb;
  tcb.isQueued = true;
}

export function schedDequeue(k: KernelState, tcb: Tcb): void {
  if (!tcb.isQueued) return;
  const queue = tcb.domain * PRIORITY_COUNT + tcb.priority;
  const { queuePrev, queueNext } = tcb;
  if (queuePrev === null) k.readyHead[queue] = queueNext;
  else queuePrev.queueNext = queueNext;
  if (queueNext === null) k.readyTail[queue] = queuePrev;
  else queueNext.queuePrev = queuePrev;
  if (k.readyHead[queue] === null) markEmpty(k, tcb);
  tcb.queuePrev = null;
  tcb.queueNext = null;
  tcb.isQueued = false;
}

function markReady(k: KernelState, tcb: Tcb): void {
  const word = tcb.priority >>> 5;
  k.readyWords[tcb.domain] = (k.readyWords[tcb.domain] as number) | (1 << word);
  const at = tcb.domain * 8 + word;
  k.readyBits[at] = (k.readyBits[at] as number) | (1 << (tcb.priority & 31));
}

function markEmpty(k: KernelState, tcb: Tcb): void {
  const word = tcb.priority >>> 5;
  const at = tcb.domain * 8 + word;
  const bits = (k.readyBits[at] as number) & ~(1 << (tcb.priority & 31));
  k.readyBits[at] = bits;
  if (bits === 0) k.readyWords[tcb.domain] = (k.readyWords[tcb.domain] as number) & ~(1 << word);
}

/** @returns the highest priority with a ready thread in the domain, -1 without one */
function highestReadyPriority(k: KernelState, domain: number): number {
  const words = k.readyWords[domain] as number;
  if (words === 0) return -1;
  const word = 31 - Math.clz32(words);
  return word * 32 + 31 - Math.clz32(k.readyBits[domain * 8 + word] as number);
}

/** Whether a thread of the domain waits for the processor. */
export function hasReady(k: KernelState, domain: number): boolean {
  return k.readyWords[domain] !== 0;
}

/** @returns the thread of the current domain that is next, still in its queue; null without one */
export function bestReady(k: KernelState): Tcb | null {
  const priority = highestReadyPriority(k, k.currentDomain);
  if (priority < 0) return null;
  return k.readyHead[k.currentDomain * PRIORITY_COUNT + priority] as Tcb;
}

/** As {@link bestReady}, of the threads that are wanted. */
export function bestReadyOf(k: KernelState, isWanted: (tcb: Tcb) => boolean): Tcb | null {
  for (let priority = PRIORITIES - 1; priority >= 0; priority -= 1) {
    let tcb = k.readyHead[k.currentDomain * PRIORITIES + priority] as Tcb | null;
    for (; tcb !== null; tcb = tcb.queueNext) if (isWanted(tcb)) return tcb;
  }
  return null;
}

/** Whether no ready thread of the domain has a higher priority. */
export function isHighestPriority(k: KernelState, domain: number, priority: number): boolean {
  return priority >= highestReadyPriority(k, domain);
}

/** Puts a thread into the release queue, which is ordered by the time of the next refill. */
export function releaseEnqueue(k: KernelState, tcb: Tcb): void {
  assert(!tcb.isInReleaseQueue && !tcb.isQueued, 'a thread is in one queue at most');
  const time = releaseTime(tcb);
  let before: Tcb | null = null;
  let after = k.releaseHead;
  while (after !== null && releaseTime(after) <= time) {
    before = after;
    after = after.queueNext;
  }
  tcb.queuePrev = before;
  tcb.queueNext = after;
  if (before === null) {
    k.releaseHead = tcb;
    k.reprogram = true;
  } else {
    before.queueNext = tcb;
  }
  if (after !== null) after.queuePrev = tcb;
  tcb.isInReleaseQueue = true;
}

export function releaseRemove(k: KernelState, tcb: Tcb): void {
  if (!tcb.isInReleaseQueue) return;
  const { queuePrev, queueNext } = tcb;
  if (queuePrev === null) {
    k.releaseHead = queueNext;
    k.reprogram = true;
  } else {
    queuePrev.queueNext = queueNext;
  }
  if (queueNext !== null) queueNext.queuePrev = queuePrev;
  tcb.queuePrev = null;
  tcb.queueNext = null;
  tcb.isInReleaseQueue = false;
}

/** @returns the tick at which a thread in the release queue gets its next refill */
export function releaseTime(tcb: Tcb): number {
  const sc = tcb.schedContext;
  assert(sc !== null, 'a thread in the release queue has a scheduling context');
  return sc.refillTime[sc.refillHead] as number;
}

/** Takes a thread that cannot run now out of the ready queue, until its next refill. */
export function postpone(k: KernelState, sc: SchedContext): void {
  const tcb = sc.tcb;
  assert(tcb !== null, 'only a scheduling context with a thread is postponed');
  schedDequeue(k, tcb);
  releaseEnqueue(k, tcb);
  k.reprogram = true;
}

/** Postpones the thread of a scheduling context when it could run but has no refill yet. */
export function schedContextResume(k: KernelState, sc: SchedContext | null): void {
  if (sc === null || sc.tcb === null || !isSchedulable(sc.tcb)) return;
  if (!(refillReady(k, sc) && refillSufficient(sc, 0))) postpone(k, sc);
}

/** Asks for a new choice at the end of this kernel entry. */
export function rescheduleRequired(k: KernelState): void {
  if (k.action === 'switch') {
    const candidate = k.candidate;
    if (candidate !== null && isSchedulable(candidate)) schedEnqueue(k, candidate);
    k.candidate = null;
  }
  k.action = 'choose';
}

/** A thread has become runnable: switch to it if it is the best. */
export function possibleSwitchTo(k: KernelState, tcb: Tcb): void {
  if (tcb.schedContext === null || tcb.isInReleaseQueue) return;
  if (tcb.domain !== k.currentDomain) {
    schedEnqueue(k, tcb);
  } else if (k.action !== 'resume') {
    rescheduleRequired(k);
    schedEnqueue(k, tcb);
  } else {
    k.action = 'switch';
    k.candidate = tcb;
  }
}

/** Changes a thread's state; a current thread that can no longer run leaves the processor. */
export function setThreadState(k: KernelState, tcb: Tcb, state: Tcb['state']): void {
  tcb.state = state;
  scheduleTcb(k, tcb);
}

export function scheduleTcb(k: KernelState, tcb: Tcb): void {
  if (tcb === k.current && k.action === 'resume' && !isSchedulable(tcb)) rescheduleRequired(k);
}
