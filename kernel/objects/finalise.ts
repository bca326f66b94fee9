/** What happens to an object when a capability to it is deleted. */

import { assert } from '../../memory/assert.ts';
import { cancelIpc, replyRemove } from '../ipc/blocking.ts';
import { cancelAllIpc } from '../ipc/endpoint.ts';
import { emptySlot, isFinalCapability } from './mdb.ts';
import { cancelAllSignals, unbindNotificationFromTcb } from '../ipc/notification.ts';
import { NULL_CAP, TCB_SLOTS } from './objects.ts';
import type { Cap, Notification, Reply, SchedContext, Slot, Tcb } from './objects.ts';
import {
  completeYieldTo,
  unbindNotification,
  unbindReply,
  unbindTcb,
} from '../sched/sched-context.ts';
import type { KernelState } from '../state.ts';
import { suspend } from '../sched/thread.ts';
import { finaliseAsidPool, finalisePageTable, unmapFrame } from '../memory/vspace.ts';

/**
 * What is left of a capability after finalising it, and what is to be done when its slot is
 * emptied.
 */
export interface Finalised {
  readonly remainder: Cap;
  readonly cleanup: Cap;
}

const NOTHING_LEFT: Finalised = { remainder: NULL_CAP, cleanup: NULL_CAP };

/**
 * Takes an object out of use when its last capability goes.
 *
 * @param isFinal whether this is the last one
 */
export function finaliseCap(k: KernelState, cap: Cap, isFinal: boolean): Finalised {
  if (cap.kind === 'zombie') return { remainder: cap, cleanup: NULL_CAP };
  if (cap.kind === 'frame') unmapFrame(k, cap);
  // A thread whose capability to its address space this was has none any more.
  if (cap.kind === 'pageTable') k.mappingGeneration += 1;
  if (!isFinal) return NOTHING_LEFT;
  switch (cap.kind) {
    case 'endpoint':
      cancelAllIpc(k, cap.endpoint);
      return NOTHING_LEFT;
    case 'notification':
      finaliseNotification(k, cap.notification);
      return NOTHING_LEFT;
    case 'reply':
      finaliseReply(k, cap.reply);
      return NOTHING_LEFT;
    case 'cnode': {
      const count = 2 ** cap.cnode.radix;
      return { remainder: { kind: 'zombie', object: cap.cnode, count }, cleanup: NULL_CAP };
    }
    case 'thread':
      finaliseTcb(k, cap.tcb);
      return {
        remainder: { kind: 'zombie', object: cap.tcb, count: TCB_SLOTS },
        cleanup: NULL_CAP,
      };
    case 'schedContext':
      finaliseSchedContext(k, cap.schedContext);
      return NOTHING_LEFT;
    case 'irqHandler':
      deleteNow(k, k.irqSlots[cap.irq] as Slot);
      return { remainder: NULL_CAP, cleanup: cap };
    case 'pageTable':
      finalisePageTable(k, cap);
      return NOTHING_LEFT;
    case 'asidPool':
      finaliseAsidPool(k, cap.pool);
      return NOTHING_LEFT;
    case 'null':
    case 'untyped':
    case 'schedControl':
    case 'irqControl':
    case 'domain':
    case 'frame':
    case 'asidControl':
      return NOTHING_LEFT;
    default:
      return cap satisfies never;
  }
}

function finaliseNotification(k: KernelState, notification: Notification): void {
  unbindNotification(notification.schedContext);
  if (notification.boundTcb !== null) unbindNotificationFromTcb(notification.boundTcb);
  cancelAllSignals(k, notification);
}

function finaliseReply(k: KernelState, reply: Reply): void {
  const tcb = reply.tcb;
  if (tcb === null) return;
  if (tcb.state === 'blockedOnReply') replyRemove(k, reply, tcb);
  else cancelIpc(k, tcb);
}

function finaliseTcb(k: KernelState, tcb: Tcb): void {
  unbindNotificationFromTcb(tcb);
  const sc = tcb.schedContext;
  if (sc !== null) {
    unbindTcb(k, sc);
    completeYieldTo(k, sc.yieldFrom);
  }
  suspend(k, tcb);
  // Its program never runs again: frames of it that are still on the stack are unwound.
  tcb.context = null;
  tcb.processor = null;
}

function finaliseSchedContext(k: KernelState, sc: SchedContext): void {
  unbindTcb(k, sc);
  unbindNotification(sc);
  unbindReply(sc);
  completeYieldTo(k, sc.yieldFrom);
  sc.refillMax = 0;
}

/** Deletes a capability that is finalised at once: what an interrupt's slot holds. */
export function deleteNow(k: KernelState, slot: Slot): void {
  if (slot.cap.kind === 'null') return;
  const { remainder } = finaliseCap(k, slot.cap, isFinalCapability(slot));
  assert(remainder.kind === 'null', 'the capability of an interrupt slot leaves nothing behind');
  emptySlot(k, slot, NULL_CAP);
}
