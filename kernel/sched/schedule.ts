/**
 * The scheduler: who runs next, on which scheduling context, and who pays for the time that has
 * passed.
 */

import { assert } from '../../memory/assert.ts';
import { hasTimeoutHandler, handleTimeout } from '../ipc/fault.ts';
import type { SchedContext, Tcb } from '../objects/objects.ts';
import {
  bestReady,
  hasReady,
  isHighestPriority,
  isRunnable,
  isSchedulable,
  possibleSwitchTo,
  postpone,
  releaseRemove,
  rescheduleRequired,
  schedAppend,
  schedDequeue,
  schedEnqueue,
  setThreadState,
} from './ready-queue.ts';
import * as sporadic from './sporadic.ts';
import { DOMAIN_SCHEDULE_ENTRIES, NS_PER_TICK } from '../state.ts';
import type { KernelState } from '../state.ts';

// Folded constants, of functions, too: docs/hot-code.md.
const { isRoundRobin, refillReady, refillSufficient } = sporadic;
const { refillBudgetCheck, refillUnblockCheck } = sporadic;
const TICK_NS = NS_PER_TICK;

/** Reads the clock; what has passed since is still to be charged. */
export function updateTimestamp(k: KernelState): void {
  const nowNs = k.machine.now();
  // Most kernel entries fall within one reading of the host's clock: no time has passed then.
  if (nowNs === k.currentNs) return;
  k.currentNs = nowNs;
  const before = k.currentTime;
  const now = Math.floor(nowNs / TICK_NS);
  k.currentTime = now;
  const passed = now - before;
  k.consumed += passed < k.longestCharge ? passed : k.longestCharge;
  if (k.domainTime !== Infinity) k.domainTime = Math.max(0, k.domainTime - passed);
}

// ---------------------------------------------------------------------------------------- charging

/**
 * @returns whether the current scheduling context can pay for more; otherwise its turn has been
 * ended
 */
export function checkBudget(k: KernelState): boolean {
  if (refillSufficient(k.currentSchedContext, k.consumed) && k.domainTime > 0) return true;
  chargeBudget(k, k.consumed, true);
  return false;
}

/** As {@link checkBudget}; a thread whose turn has ended will make its system call again. */
export function checkBudgetRestart(k: KernelState): boolean {
  if (checkBudget(k)) return true;
  if (isRunnable(k.current)) setThreadState(k, k.current, 'restart');
  return false;
}

/** Charges the current scheduling context and ends the current thread's turn. */
export function chargeBudget(k: KernelState, consumed: number, canTimeoutFault: boolean): void {
  const sc = k.currentSchedContext;
  if (sc !== k.idleSchedContext) {
    if (isRoundRobin(sc)) {
      const tail = 1 - sc.refillHead;
      sc.refillAmount[sc.refillHead] =
        (sc.refillAmount[sc.refillHead] as number) + (sc.refillAmount[tail] as number);
      sc.refillAmount[tail] = 0;
    } else {
      refillBudgetCheck(sc, consumed);
    }
    sc.consumed += consumed;
  }
  k.consumed = 0;
  if (isSchedulable(k.current)) {
    endTimeslice(k, canTimeoutFault);
    rescheduleRequired(k);
    k.reprogram = true;
  }
}

function endTimeslice(k: KernelState, canTimeoutFault: boolean): void {
  const sc = k.currentSchedContext;
  if (canTimeoutFault && !isRoundRobin(sc) && hasTimeoutHandler(k.current)) {
    handleTimeout(k, k.current);
  } else if (refillReady(k, sc) && refillSufficient(sc, 0)) {
    schedAppend(k, k.current);
  } else {
    postpone(k, sc);
  }
}

/**
 * Charges what has been consumed without ending a turn: the scheduling context changes, or is about
 * to.
 */
export function commitTime(k: KernelState): void {
  const sc = k.currentSchedContext;
  if (sc.refillMax > 0 && sc !== k.idleSchedContext) {
    if (k.consumed > 0) {
      if (isRoundRobin(sc)) {
        const head = sc.refillHead;
        const tail = 1 - head;
        sc.refillAmount[head] = (sc.refillAmount[head] as number) - k.consumed;
        sc.refillAmount[tail] = (sc.refillAmount[tail] as number) + k.consumed;
      } else {
        refillBudgetCheck(sc, k.consumed);
      }
    }
    sc.consumed += k.consumed;
  }
  k.consumed = 0;
}

/** Gives up the rest of the turn. */
export function yieldTurn(k: KernelState): void {
  const sc = k.currentSchedContext;
  const consumed = sc.consumed + k.consumed;
  chargeBudget(k, sc.refillAmount[sc.refillHead] as number, false);
  sc.consumed = consumed;
}

/**
 * Charges the time of an operation that was preempted. The current thread or its scheduling context
 * may have been deleted by that very operation.
 */
export function chargePreempted(k: KernelState): void {
  if (isSchedulable(k.current)) checkBudget(k);
  else if (k.currentSchedContext.refillMax > 0) chargeBudget(k, k.consumed, false);
  else k.consumed = 0;
}

// ---------------------------------------------------------------------------------------- choosing

/** Decides who runs after this kernel entry: afterwards `k.current` is that thread. */
export function schedule(k: KernelState): void {
  if (k.releaseHead !== null) awaken(k);
  if (k.domainTime <= 0) endDomain(k);
  if (k.action !== 'resume') {
    const current = k.current;
    const wasRunnable = isSchedulable(current);
    if (wasRunnable) schedEnqueue(k, current);
    if (k.action === 'choose') chooseNewThread(k);
    else switchToCandidate(k, k.candidate as Tcb, wasRunnable);
    k.action = 'resume';
    k.candidate = null;
  }
  if (k.currentSchedContext !== k.current.schedContext || k.reprogram) switchSchedContext(k);
}

/** Threads whose refill has become ready may run again. */
function awaken(k: KernelState): void {
  for (;;) {
    const head = k.releaseHead;
    if (head === null) return;
    const sc = head.schedContext as SchedContext;
    if (!refillReady(k, sc)) return;
    releaseRemove(k, head);
    possibleSwitchTo(k, head);
  }
}

function switchToCandidate(k: KernelState, candidate: Tcb, wasRunnable: boolean): void {
  assert(isSchedulable(candidate), 'the thread to switch to can run');
  const current = k.current;
  const isLower = current === k.idleThread || candidate.priority < current.priority;
  if (isLower && !isHighestPriority(k, k.currentDomain, candidate.priority)) {
    schedEnqueue(k, candidate);
    chooseNewThread(k);
  } else if (wasRunnable && candidate.priority === current.priority) {
    // The current thread was put at the front of the queue: it goes on.
    schedAppend(k, candidate);
    chooseNewThread(k);
  } else {
    switchToThread(k, candidate);
  }
}

function chooseNewThread(k: KernelState): void {
  if (k.domainTime <= 0) nextDomain(k);
  const tcb = bestReady(k);
  if (tcb === null) k.current = k.idleThread;
  else switchToThread(k, tcb);
}

export function switchToThread(k: KernelState, tcb: Tcb): void {
  schedDequeue(k, tcb);
  if (tcb !== k.current) {
    k.counters.contextSwitches += 1;
    k.machine.charge(k.costs.contextSwitch);
  }
  k.current = tcb;
}

/**
 * The current thread's scheduling context becomes the one that is charged from now on. It may be
 * the same one: when the timer is set anew, the time until then is charged.
 */
export function switchSchedContext(k: KernelState): void {
  const sc = k.current.schedContext as SchedContext;
  const isConstantBandwidth = !sc.isSporadic && sc.period !== 0 && sc !== k.idleSchedContext;
  // What was missed while it did not run is not made up for.
  if (k.currentSchedContext !== sc && isConstantBandwidth) refillUnblockCheck(k, sc);
  commitTime(k);
  k.reprogram = false;
  k.currentSchedContext = sc;
}

// ----------------------------------------------------------------------------------------- domains

function endDomain(k: KernelState): void {
  k.reprogram = true;
  rescheduleRequired(k);
}

/** The next entry of the domain schedule; an end marker leads back to the start. */
export function nextDomain(k: KernelState): void {
  k.domainIndex += 1;
  if (k.domainIndex >= DOMAIN_SCHEDULE_ENTRIES || isEndMarker(k, k.domainIndex)) {
    k.domainIndex = k.domainStart;
  }
  applyDomain(k);
}

/** Makes the entry at `k.domainIndex` the current one. */
export function applyDomain(k: KernelState): void {
  const entry = k.domainSchedule[k.domainIndex];
  assert(entry !== undefined, 'the domain index lies in the schedule');
  k.currentDomain = entry.domain;
  k.domainTime = entry.duration >= 2 ** 53 ? Infinity : entry.duration;
  k.workUnits = 0;
}

export function isEndMarker(k: KernelState, index: number): boolean {
  const entry = k.domainSchedule[index];
  return entry === undefined || (entry.domain === 0 && entry.duration === 0);
}

// -------------------------------------------------------------------------------------- preemption

/**
 * A long operation asks whether to go on. @returns whether it has to stop: an interrupt is pending,
 * or its turn is over
 */
export function preemptionPoint(k: KernelState): boolean {
  k.workUnits += 1;
  if (k.workUnits < k.workUnitsMax) return false;
  k.workUnits = 0;
  if (k.machine.irqPending) return true;
  updateTimestamp(k);
  const sc = k.currentSchedContext;
  return !(sc.refillMax > 0 && refillSufficient(sc, k.consumed)) || k.domainTime <= 0;
}

/**
 * Whether no thread will ever run unless an interrupt comes. Not the same as having no deadline: a
 * domain schedule goes round for ever, also when no domain has anything to do.
 */
export function isAtRest(k: KernelState): boolean {
  if (k.current !== k.idleThread || k.releaseHead !== null) return false;
  if (hasReady(k, k.currentDomain)) return false;
  for (let at = k.domainStart; at < DOMAIN_SCHEDULE_ENTRIES && !isEndMarker(k, at); at += 1) {
    if (hasReady(k, k.domainSchedule[at]?.domain ?? 0)) return false;
  }
  return true;
}

/**
 * @returns when the kernel has to run again by itself, in nanoseconds; Infinity when only an
 * interrupt can wake it
 */
export function nextWakeUp(k: KernelState): number {
  const head = k.releaseHead;
  const release =
    head === null || head.schedContext === null
      ? Infinity
      : (head.schedContext.refillTime[head.schedContext.refillHead] as number);
  return Math.min(release, k.currentTime + k.domainTime) * NS_PER_TICK;
}
