/**
 * Sporadic refills: how a scheduling context's budget is used up and comes back one period later. A
 * refill is an amount of ticks that may be used from a time on; they lie in a circular buffer, in
 * order of time, not overlapping. Round robin (period 0) has exactly two: what is left of the
 * slice, and what has been used.
 */

import { assert } from '../../memory/assert.ts';
import { smallInteger } from '../../memory/small-integer.ts';
import type { SchedContext } from '../objects/objects.ts';
import { KERNEL_WCET, MIN_BUDGET } from '../state.ts';
import type { KernelState } from '../state.ts';

// Asked at every kernel entry. Folded constants: docs/hot-code.md.
const WCET = KERNEL_WCET;
const LEAST_BUDGET = MIN_BUDGET;

/** Times beyond this are not moved on, so that no sum loses precision. */
const MAX_RELEASE_TIME = 2 ** 62;

export function isRoundRobin(sc: SchedContext): boolean {
  return sc.period === 0;
}

/** A context that is active and has a refill that may be used now. */
export function isReleased(k: KernelState, sc: SchedContext): boolean {
  return sc.refillMax > 0 && refillReady(k, sc);
}

export function refillReady(k: KernelState, sc: SchedContext): boolean {
  return (sc.refillTime[sc.refillHead] as number) <= k.currentTime + WCET;
}

export function refillCapacity(sc: SchedContext, usage: number): number {
  const amount = sc.refillAmount[sc.refillHead] as number;
  return amount < usage ? 0 : amount - usage;
}

export function refillSufficient(sc: SchedContext, usage: number): boolean {
  return refillCapacity(sc, usage) >= LEAST_BUDGET;
}

function tailIndex(sc: SchedContext): number {
  const index = sc.refillHead + sc.refillCount - 1;
  return index >= sc.refillMax ? index - sc.refillMax : index;
}

function nextIndex(sc: SchedContext, index: number): number {
  return index === sc.refillMax - 1 ? 0 : index + 1;
}

function addTail(sc: SchedContext, time: number, amount: number): void {
  assert(sc.refillCount < sc.refillMax, 'there is room for one more refill');
  sc.refillCount += 1;
  const tail = tailIndex(sc);
  sc.refillTime[tail] = time;
  sc.refillAmount[tail] = amount;
}

/** Drops the head; its values stay readable until a refill is added. */
function popHead(sc: SchedContext): void {
  assert(sc.refillCount > 1, 'the last refill is never dropped');
  sc.refillHead = nextIndex(sc, sc.refillHead);
  sc.refillCount -= 1;
}

/** Gives a context its full budget from now on. All in ticks; `period` 0 is round robin. */
export function refillNew(
  k: KernelState,
  sc: SchedContext,
  refillMax: number,
  budget: number,
  period: number,
): void {
  sc.period = period;
  sc.refillHead = 0;
  sc.refillCount = 1;
  sc.refillMax = smallInteger(refillMax);
  sc.refillTime[0] = k.currentTime;
  sc.refillAmount[0] = budget;
  if (period === 0) addTail(sc, k.currentTime, 0);
}

/**
 * Changes the parameters of a context in use, such that no period sees more than the new budget.
 */
export function refillUpdate(
  k: KernelState,
  sc: SchedContext,
  refillMax: number,
  budget: number,
  period: number,
): void {
  const time = refillReady(k, sc) ? k.currentTime : (sc.refillTime[sc.refillHead] as number);
  const amount = sc.refillAmount[sc.refillHead] as number;
  sc.refillHead = 0;
  sc.refillCount = 1;
  sc.refillMax = smallInteger(refillMax);
  sc.period = period;
  sc.refillTime[0] = time;
  if (amount >= budget) {
    sc.refillAmount[0] = budget;
    if (period === 0) addTail(sc, k.currentTime, 0);
  } else {
    sc.refillAmount[0] = amount;
    addTail(sc, time + period, budget - amount);
  }
}

/**
 * Schedules the return of used ticks; a full buffer merges them into the last refill and delays it.
 */
function scheduleUsed(sc: SchedContext, time: number, amount: number): void {
  const tail = tailIndex(sc);
  const tailTime = sc.refillTime[tail] as number;
  const tailAmount = sc.refillAmount[tail] as number;
  if (tailTime + tailAmount >= time) {
    sc.refillAmount[tail] = tailAmount + amount;
  } else if (sc.refillCount < sc.refillMax) {
    addTail(sc, time, amount);
  } else {
    sc.refillTime[tail] = time - tailAmount;
    sc.refillAmount[tail] = tailAmount + amount;
  }
}

/** Charges `usage` ticks to a context that is not round robin. */
export function refillBudgetCheck(sc: SchedContext, usage: number): void {
  let left = usage;
  while (
    (sc.refillAmount[sc.refillHead] as number) <= left &&
    (sc.refillTime[sc.refillHead] as number) < MAX_RELEASE_TIME
  ) {
    const head = sc.refillHead;
    const amount = sc.refillAmount[head] as number;
    const time = (sc.refillTime[head] as number) + sc.period;
    left -= amount;
    if (sc.refillCount === 1) {
      sc.refillTime[head] = time;
    } else {
      popHead(sc);
      scheduleUsed(sc, time, amount);
    }
  }
  const head = sc.refillHead;
  const time = sc.refillTime[head] as number;
  if (left > 0 && time < MAX_RELEASE_TIME) {
    sc.refillAmount[head] = (sc.refillAmount[head] as number) - left;
    sc.refillTime[head] = time + left;
    scheduleUsed(sc, time + sc.period, left);
  }
  while ((sc.refillAmount[sc.refillHead] as number) < LEAST_BUDGET) {
    const amount = sc.refillAmount[sc.refillHead] as number;
    popHead(sc);
    const next = sc.refillHead;
    sc.refillAmount[next] = (sc.refillAmount[next] as number) + amount;
    sc.refillTime[next] = (sc.refillTime[next] as number) - amount;
  }
}

/**
 * A context that may be used from now on: what it missed while it was not used is not made up for.
 */
export function refillUnblockCheck(k: KernelState, sc: SchedContext): void {
  if (isRoundRobin(sc) || !refillReady(k, sc)) return;
  k.reprogram = true;
  sc.refillTime[sc.refillHead] = k.currentTime;
  while (sc.refillCount > 1) {
    const amount = sc.refillAmount[sc.refillHead] as number;
    const end = k.currentTime + amount;
    const next = nextIndex(sc, sc.refillHead);
    if ((sc.refillTime[next] as number) > end) return;
    popHead(sc);
    sc.refillAmount[next] = (sc.refillAmount[next] as number) + amount;
    sc.refillTime[next] = k.currentTime;
  }
}

/** The check for a sporadic context whose thread wakes up; the running context needs none. */
export function sporadicUnblock(k: KernelState, sc: SchedContext | null): void {
  if (sc !== null && sc.refillMax > 0 && sc.isSporadic && sc !== k.currentSchedContext) {
    refillUnblockCheck(k, sc);
  }
}
