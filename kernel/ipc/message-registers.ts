/**
 * Message registers: the first four are processor registers, the others lie in the IPC buffer,
 * which the kernel reaches through the frame capability in the TCB and never through the page
 * table.
 */

import { MESSAGE_REGISTERS, REG_A0, REG_A1, REG_A2 } from '../abi.ts';
import { bytesOf, VM_READ_ONLY, VM_READ_WRITE } from '../objects/object-sizes.ts';
import type { Tcb } from '../objects/objects.ts';
import type { KernelState } from '../state.ts';

// Every argument of every invocation is read here. Folded constants: docs/hot-code.md. The low
// halves of registers, in `regs`.
const A0 = REG_A0 << 1;
const A1 = REG_A1 << 1;
const A2 = REG_A2 << 1;
const REGISTERS = MESSAGE_REGISTERS;

/**
 * Finds a thread's IPC buffer.
 *
 * @param access a sender's buffer may be mapped read-only
 * @returns the index of its first half-word in `k.u32`, or -1 when the thread has none that can be
 * used
 */
export function lookupIpcBuffer(k: KernelState, tcb: Tcb, access: 'send' | 'receive'): number {
  const cap = tcb.buffer.cap;
  if (cap.kind !== 'frame' || cap.isDevice) return -1;
  if (cap.vmRights !== VM_READ_WRITE && (access === 'receive' || cap.vmRights !== VM_READ_ONLY)) {
    return -1;
  }
  const offset =
    cap.sizeBits >= 32 ? tcb.ipcBufferLow : tcb.ipcBufferLow & (bytesOf(cap.sizeBits) - 1);
  return (cap.base - k.ram.base + offset) >>> 2;
}

/**
 * Writes one message register.
 * @returns how many message registers there are up to it, 4 when there is no room for it
 */
export function setMr(
  k: KernelState,
  tcb: Tcb,
  bufferAt: number,
  index: number,
  low: number,
  high: number,
): number {
  if (index < REGISTERS) {
    const r = A2 + (index << 1);
    tcb.regs[r] = low;
    tcb.regs[r + 1] = high;
    return index + 1;
  }
  if (bufferAt < 0) return REGISTERS;
  const at = bufferAt + ((index + 1) << 1);
  k.u32[at] = low;
  k.u32[at + 1] = high;
  return index + 1;
}

/** The low half of argument `index` of the current thread's invocation. */
export function argumentLow(k: KernelState, index: number): number {
  if (index < REGISTERS) return k.current.regs[A2 + (index << 1)] as number;
  if (k.bufferAt < 0) return 0;
  return k.u32[k.bufferAt + ((index + 1) << 1)] as number;
}

export function argumentHigh(k: KernelState, index: number): number {
  if (index < REGISTERS) return k.current.regs[A2 + (index << 1) + 1] as number;
  if (k.bufferAt < 0) return 0;
  return k.u32[k.bufferAt + ((index + 1) << 1) + 1] as number;
}

/**
 * An argument as a number: exact below 2^53, rounded above, which is enough to compare it with a
 * small bound.
 */
export function argument(k: KernelState, index: number): number {
  return argumentHigh(k, index) * 2 ** 32 + argumentLow(k, index);
}

/** Sets badge and message information of a reply that the kernel makes itself. */
export function setReplyInfo(tcb: Tcb, label: number, length: number): void {
  const regs = tcb.regs;
  regs[A0] = 0;
  regs[A0 + 1] = 0;
  setInfo(tcb, label, length);
}

export function setInfo(tcb: Tcb, label: number, length: number): void {
  tcb.regs[A1] = (label << 12) | length;
  tcb.regs[A1 + 1] = 0;
}

export function setBadge(tcb: Tcb, low: number, high: number): void {
  tcb.regs[A0] = low;
  tcb.regs[A0 + 1] = high;
}
