/** Threads: stopping, starting and changing their priority. */

import { cancelIpc, reorderWaiting, waitingPlace } from '../ipc/blocking.ts';
import { pcOf, setPc, stopAtNextPc } from '../ipc/fault.ts';
import type { Tcb } from '../objects/objects.ts';
import {
  isBlocked,
  isSchedulable,
  possibleSwitchTo,
  releaseRemove,
  rescheduleRequired,
  schedContextResume,
  schedDequeue,
  schedEnqueue,
  setThreadState,
} from './ready-queue.ts';
import { cancelYieldTo } from './sched-context.ts';
import { sporadicUnblock } from './sporadic.ts';
import type { KernelState } from '../state.ts';

/**
 * The pc of a TypeScript program is not that of a processor: it says only where the thread stands.
 * `entry` is the start, and
 */
export const PC_SYSTEM_CALL = 4;
/** after a system call, or in the middle of the program. Both are offsets from the entry. */
export const PC_IN_PROGRAM = 8;
/** From here up to {@link PC_SPAN} the offsets belong to the program itself. */
export const PC_SPAN = 64;

export function suspend(k: KernelState, tcb: Tcb): void {
  cancelIpc(k, tcb);
  // A running thread goes on after its system call, not with it.
  if (tcb.state === 'running') {
    if (tcb.machineCode !== null) stopAtNextPc(tcb);
    else if (pcOf(tcb) === tcb.entryPc + PC_SYSTEM_CALL) setPc(tcb, tcb.entryPc + PC_IN_PROGRAM);
  }
  setThreadState(k, tcb, 'inactive');
  schedDequeue(k, tcb);
  releaseRemove(k, tcb);
  cancelYieldTo(tcb);
}

/** Starts a thread that is inactive or blocked at its pc; nothing for one that runs. */
export function restart(k: KernelState, tcb: Tcb): void {
  if (tcb.state !== 'inactive' && !isBlocked(tcb)) return;
  cancelIpc(k, tcb);
  setThreadState(k, tcb, 'restart');
  sporadicUnblock(k, tcb.schedContext);
  schedContextResume(k, tcb.schedContext);
  if (isSchedulable(tcb)) possibleSwitchTo(k, tcb);
}

export function setPriority(k: KernelState, tcb: Tcb, priority: number): void {
  switch (tcb.state) {
    case 'running':
    case 'restart':
      if (tcb.isQueued || tcb === k.current) {
        schedDequeue(k, tcb);
        tcb.priority = priority;
        schedEnqueue(k, tcb);
        rescheduleRequired(k);
        return;
      }
      tcb.priority = priority;
      return;
    case 'blockedOnReceive':
    case 'blockedOnSend':
    case 'blockedOnNotification':
      tcb.priority = priority;
      reorderWaiting(waitingPlace(tcb), tcb);
      return;
    case 'inactive':
    case 'blockedOnReply':
    case 'idle':
      tcb.priority = priority;
      return;
    default:
      return tcb.state satisfies never;
  }
}
