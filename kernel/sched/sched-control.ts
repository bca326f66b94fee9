/** Scheduling control: the authority to fill scheduling contexts with time. */

import { ILLEGAL_OPERATION, SCHED_CONTROL_CONFIGURE_FLAGS, TRUNCATED_MESSAGE } from '../abi.ts';
import { refuse, refuseCapability, refuseRange, refuseRangeWord } from '../errors.ts';
import { argument, argumentHigh, argumentLow } from '../ipc/message-registers.ts';
import { refillsThatFit } from '../objects/objects.ts';
import type { SchedContext } from '../objects/objects.ts';
import {
  isRunnable,
  isSchedulable,
  possibleSwitchTo,
  releaseRemove,
  rescheduleRequired,
  schedContextResume,
  schedDequeue,
  setThreadState,
} from './ready-queue.ts';
import { commitTime } from './schedule.ts';
import { refillNew, refillUpdate } from './sporadic.ts';
import {
  MAX_PERIOD_US_HIGH,
  MAX_PERIOD_US_LOW,
  MIN_BUDGET_US,
  MIN_REFILLS,
  STATUS_OK,
  TICKS_PER_US,
} from '../state.ts';
import type { KernelState, Status } from '../state.ts';

const FLAG_SPORADIC = 1;

export function decodeSchedControl(k: KernelState, label: number, length: number): Status {
  if (label !== SCHED_CONTROL_CONFIGURE_FLAGS) return refuse(k, ILLEGAL_OPERATION);
  const slot = k.extraCaps[0];
  if (slot === null || length < 5) return refuse(k, TRUNCATED_MESSAGE);
  const budget = argument(k, 0);
  const period = argument(k, 1);
  if (isTooLong(k, 0) || isTooLong(k, 1) || budget < MIN_BUDGET_US || period < MIN_BUDGET_US) {
    return refuseRangeWord(k, MIN_BUDGET_US, MAX_PERIOD_US_LOW, MAX_PERIOD_US_HIGH);
  }
  if (isAbove(k, 0, argumentLow(k, 1), argumentHigh(k, 1))) {
    return refuseRangeWord(k, MIN_BUDGET_US, argumentLow(k, 1), argumentHigh(k, 1));
  }
  if (slot.cap.kind !== 'schedContext') return refuseCapability(k, 1);
  const sc = slot.cap.schedContext;
  const extraRefills = argument(k, 2);
  const extraMax = refillsThatFit(sc.sizeBits) - MIN_REFILLS;
  if (extraRefills > extraMax) return refuseRange(k, 0, extraMax);
  setThreadState(k, k.current, 'restart');
  sc.badgeLow = argumentLow(k, 3);
  sc.badgeHigh = argumentHigh(k, 3);
  sc.isSporadic = (argumentLow(k, 4) & FLAG_SPORADIC) !== 0;
  configure(k, sc, budget * TICKS_PER_US, period * TICKS_PER_US, MIN_REFILLS + extraRefills);
  return STATUS_OK;
}

function isTooLong(k: KernelState, at: number): boolean {
  return isAbove(k, at, MAX_PERIOD_US_LOW, MAX_PERIOD_US_HIGH);
}

function isAbove(k: KernelState, at: number, low: number, high: number): boolean {
  const argHigh = argumentHigh(k, at);
  return argHigh > high || (argHigh === high && argumentLow(k, at) > low);
}

/** Sets budget and period (ticks); a context in use keeps its bandwidth. */
export function configure(
  k: KernelState,
  sc: SchedContext,
  budget: number,
  period: number,
  refillMax: number,
): void {
  const tcb = sc.tcb;
  if (tcb !== null) {
    releaseRemove(k, tcb);
    schedDequeue(k, tcb);
    // What has been used is paid for under the old parameters.
    if (sc === k.currentSchedContext) commitTime(k);
  }
  const storedPeriod = budget === period ? 0 : period;
  const storedMax = budget === period ? MIN_REFILLS : refillMax;
  if (sc.refillMax > 0 && tcb !== null && isRunnable(tcb)) {
    refillUpdate(k, sc, storedMax, budget, storedPeriod);
  } else {
    refillNew(k, sc, storedMax, budget, storedPeriod);
  }
  if (tcb === null) return;
  schedContextResume(k, sc);
  if (tcb === k.current) rescheduleRequired(k);
  else if (isSchedulable(tcb)) possibleSwitchTo(k, tcb);
}
