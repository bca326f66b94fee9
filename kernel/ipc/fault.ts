/** Faults: a thread's fault becomes a message to its handler. */

import { REG_NEXT_PC, REG_PC, RIGHT_GRANT, RIGHT_GRANT_REPLY, RIGHT_WRITE } from '../abi.ts';
import { sendIpc } from './endpoint.ts';
import type { Fault } from './fault-record.ts';
import type { Cap, Slot, Tcb } from '../objects/objects.ts';
import { setThreadState } from '../sched/ready-queue.ts';
import type { KernelState } from '../state.ts';

/**
 * Whether a capability may be installed as a fault handler: null, or an endpoint that can send and
 * be replied to.
 */
export function isValidFaultHandler(cap: Cap): boolean {
  if (cap.kind === 'null') return true;
  return (
    cap.kind === 'endpoint' &&
    (cap.rights & RIGHT_WRITE) !== 0 &&
    (cap.rights & (RIGHT_GRANT | RIGHT_GRANT_REPLY)) !== 0
  );
}

/** Reports a fault to the thread's handler; without one the thread becomes inactive. */
export function handleFault(k: KernelState, tcb: Tcb, fault: Fault): void {
  k.counters.faults += 1;
  if (sendFault(k, tcb, fault, tcb.faultHandler, tcb.schedContext !== null)) return;
  k.onUnhandledFault?.(tcb, fault);
  setThreadState(k, tcb, 'inactive');
}

/** Reports that a thread's budget is used up. The thread must have a timeout handler. */
export function handleTimeout(k: KernelState, tcb: Tcb): void {
  k.counters.faults += 1;
  const sc = tcb.schedContext;
  const fault: Fault = {
    kind: 'timeout',
    badgeLow: sc === null ? 0 : sc.badgeLow,
    badgeHigh: sc === null ? 0 : sc.badgeHigh,
  };
  sendFault(k, tcb, fault, tcb.timeoutHandler, false);
}

export function hasTimeoutHandler(tcb: Tcb): boolean {
  return tcb.timeoutHandler.cap.kind === 'endpoint';
}

function sendFault(
  k: KernelState,
  tcb: Tcb,
  fault: Fault,
  handler: Slot,
  canDonate: boolean,
): boolean {
  const cap = handler.cap;
  if (cap.kind !== 'endpoint') return false;
  tcb.fault = fault;
  sendIpc(k, true, false, cap.badgeLow, cap.badgeHigh, cap.rights, canDonate, tcb, cap.endpoint);
  return true;
}

/** The fault of a lookup that has just failed: its reason is in `k.lookup`. */
export function capFault(
  k: KernelState,
  cptrLow: number,
  cptrHigh: number,
  phase: 'send' | 'receive',
): Fault {
  return {
    kind: 'cap',
    cptrLow,
    cptrHigh,
    inReceivePhase: phase === 'receive',
    lookup: { ...k.lookup },
  };
}

/** The thread's program counter: the instruction that it makes again when it restarts. */
export function pcOf(tcb: Tcb): number {
  return (tcb.regs[(REG_PC << 1) + 1] as number) * 2 ** 32 + (tcb.regs[REG_PC << 1] as number);
}

/**
 * A thread that runs machine code goes on at the instruction of its last system call or fault, or
 * where that was moved to.
 */
export function goOnAtPc(tcb: Tcb): void {
  tcb.regs[REG_NEXT_PC << 1] = tcb.regs[REG_PC << 1] as number;
  tcb.regs[(REG_NEXT_PC << 1) + 1] = tcb.regs[(REG_PC << 1) + 1] as number;
}

/** A thread that runs machine code is stopped between two instructions. */
export function stopAtNextPc(tcb: Tcb): void {
  tcb.regs[REG_PC << 1] = tcb.regs[REG_NEXT_PC << 1] as number;
  tcb.regs[(REG_PC << 1) + 1] = tcb.regs[(REG_NEXT_PC << 1) + 1] as number;
}

export function setPc(tcb: Tcb, pc: number): void {
  tcb.regs[REG_PC << 1] = pc >>> 0;
  tcb.regs[(REG_PC << 1) + 1] = Math.floor(pc / 2 ** 32);
}
