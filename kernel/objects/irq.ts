/** Interrupts: IRQ control and handler invocations, and delivery. */

import {
  ILLEGAL_OPERATION,
  IRQ_ACK_IRQ,
  IRQ_CLEAR_IRQ_HANDLER,
  IRQ_ISSUE_IRQ_HANDLER,
  IRQ_ISSUE_IRQ_HANDLER_TRIGGER,
  IRQ_SET_IRQ_HANDLER,
  REVOKE_FIRST,
  RIGHT_WRITE,
  TRUNCATED_MESSAGE,
} from '../abi.ts';
import { lookupSlotForCNodeOp } from './cspace.ts';
import { ensureEmptySlot, refuse, refuseCapability, refuseRange } from '../errors.ts';
import * as fastPath from '../fastpath.ts';
import { deleteNow } from './finalise.ts';
import { cteInsert } from './mdb.ts';
import { argument, argumentHigh, argumentLow } from '../ipc/message-registers.ts';
import { sendSignal } from '../ipc/notification.ts';
import type { Slot } from './objects.ts';
import { setThreadState } from '../sched/ready-queue.ts';
import { IRQ_INACTIVE, IRQ_SIGNAL, STATUS_ERROR, STATUS_OK } from '../state.ts';
import type { KernelState, Status } from '../state.ts';

// Folded constants, of functions, too: docs/hot-code.md.
const { fastInterrupt } = fastPath;
const SIGNAL = IRQ_SIGNAL;
const CAN_SIGNAL = RIGHT_WRITE;

export function decodeIrqControl(
  k: KernelState,
  label: number,
  length: number,
  control: Slot,
): Status {
  switch (label) {
    case IRQ_ISSUE_IRQ_HANDLER:
      return decodeGet(k, length, control, 1);
    case IRQ_ISSUE_IRQ_HANDLER_TRIGGER:
      // The trigger itself has no effect: every line of the board is level-triggered.
      return decodeGet(k, length, control, 2);
    default:
      return refuse(k, ILLEGAL_OPERATION);
  }
}

/** @param at where index and depth of the target slot begin among the arguments */
function decodeGet(k: KernelState, length: number, control: Slot, at: number): Status {
  const rootSlot = k.extraCaps[0];
  if (length < at + 2 || rootSlot === null) return refuse(k, TRUNCATED_MESSAGE);
  const irq = argument(k, 0);
  if (irq < 1 || irq > k.machine.irqMax) return refuseRange(k, 1, k.machine.irqMax);
  if (k.irqState[irq] !== IRQ_INACTIVE) return refuse(k, REVOKE_FIRST);
  const low = argumentLow(k, at);
  const high = argumentHigh(k, at);
  const depth = argument(k, at + 1);
  const target = lookupSlotForCNodeOp(k, 'destination', rootSlot.cap, low, high, depth);
  if (target === null || ensureEmptySlot(k, target) !== STATUS_OK) return STATUS_ERROR;
  setThreadState(k, k.current, 'restart');
  k.irqState[irq] = IRQ_SIGNAL;
  k.machine.enableIrq(irq);
  cteInsert({ kind: 'irqHandler', irq }, control, target);
  return STATUS_OK;
}

export function decodeIrqHandler(k: KernelState, label: number, irq: number): Status {
  switch (label) {
    case IRQ_ACK_IRQ:
      setThreadState(k, k.current, 'restart');
      k.machine.completeIrq(irq);
      return STATUS_OK;
    case IRQ_SET_IRQ_HANDLER: {
      const slot = k.extraCaps[0];
      if (slot === null) return refuse(k, TRUNCATED_MESSAGE);
      const cap = slot.cap;
      if (cap.kind !== 'notification' || (cap.rights & RIGHT_WRITE) === 0) {
        return refuseCapability(k, 0);
      }
      setThreadState(k, k.current, 'restart');
      const irqSlot = k.irqSlots[irq] as Slot;
      deleteNow(k, irqSlot);
      // The very capability may have been the last one to what has just gone; it cannot be its own
      // slot.
      cteInsert(cap, slot, irqSlot);
      return STATUS_OK;
    }
    case IRQ_CLEAR_IRQ_HANDLER:
      setThreadState(k, k.current, 'restart');
      deleteNow(k, k.irqSlots[irq] as Slot);
      return STATUS_OK;
    default:
      return refuse(k, ILLEGAL_OPERATION);
  }
}

/**
 * Claims what the interrupt controller presents and signals its handler's notification. It stays
 * claimed until the ack.
 */
export function handleInterrupt(k: KernelState): void {
  const irq = k.machine.claimIrq();
  if (irq === 0) return;
  k.counters.interrupts += 1;
  if (k.irqState[irq] !== SIGNAL) {
    k.machine.disableIrq(irq);
    k.machine.completeIrq(irq);
    return;
  }
  const cap = (k.irqSlots[irq] as Slot).cap;
  if (cap.kind === 'notification' && (cap.rights & CAN_SIGNAL) !== 0) {
    if (k.hasFastPath && fastInterrupt(k, cap)) return;
    sendSignal(k, cap.notification, cap.badgeLow, cap.badgeHigh);
  }
}
