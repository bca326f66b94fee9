/** Replying: what invoking a reply capability does. */

import { handleTimeout, hasTimeoutHandler } from './fault.ts';
import { handleFaultReply, transfer } from './transfer.ts';
import type { Reply, Tcb } from '../objects/objects.ts';
import { RIGHT_GRANT } from '../abi.ts';
import { replyRemove } from './blocking.ts';
import { isRunnable, possibleSwitchTo, postpone, setThreadState } from '../sched/ready-queue.ts';
import { refillReady, refillSufficient, sporadicUnblock } from '../sched/sporadic.ts';
import type { KernelState } from '../state.ts';

/**
 * Sends `sender`'s message as the reply that a caller, or a faulted thread, waits for. Nothing when
 * nobody does.
 */
export function doReplyTransfer(
  k: KernelState,
  sender: Tcb,
  reply: Reply,
  canGrant: boolean,
): void {
  const receiver = reply.tcb;
  if (receiver === null || receiver.state !== 'blockedOnReply') return;
  replyRemove(k, reply, receiver);
  sporadicUnblock(k, receiver.schedContext);
  const fault = receiver.fault;
  if (fault === null) {
    transfer(k, sender, null, 0, 0, canGrant ? RIGHT_GRANT : 0, receiver);
    setThreadState(k, receiver, 'running');
  } else {
    const goesOn = handleFaultReply(k, receiver, fault, sender);
    receiver.fault = null;
    setThreadState(k, receiver, goesOn ? 'restart' : 'inactive');
  }
  const sc = receiver.schedContext;
  if (sc === null || !isRunnable(receiver)) return;
  if (refillReady(k, sc) && refillSufficient(sc, 0)) {
    possibleSwitchTo(k, receiver);
  } else if (hasTimeoutHandler(receiver) && fault?.kind !== 'timeout') {
    handleTimeout(k, receiver);
  } else {
    postpone(k, sc);
  }
}
