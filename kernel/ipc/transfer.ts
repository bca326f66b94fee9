/**
 * What travels between two threads: message registers, badges, capabilities, and fault messages
 * with their replies.
 */

import {
  FAULT_CAP,
  FAULT_TIMEOUT,
  FAULT_UNKNOWN_SYSCALL,
  FAULT_USER_EXCEPTION,
  FAULT_VM,
  IPC_BUFFER_CAPS_WORD,
  IPC_BUFFER_RECEIVE_CNODE_WORD,
  IPC_BUFFER_RECEIVE_DEPTH_WORD,
  IPC_BUFFER_RECEIVE_INDEX_WORD,
  MESSAGE_EXTRA_CAPS_MAX,
  MESSAGE_LENGTH_MAX,
  MESSAGE_REGISTERS,
  REG_A0,
  REG_A1,
  REG_A2,
  REG_PC,
  REG_RA,
  REG_SP,
  REGISTER_COUNT,
  RIGHT_GRANT,
} from '../abi.ts';
import { lookupSlot, lookupSlotForCNodeOp } from '../objects/cspace.ts';
import { deriveCap } from '../objects/derive.ts';
import { setLookupMrs } from '../errors.ts';
import { cteInsert } from '../objects/mdb.ts';
import { lookupIpcBuffer, setBadge, setInfo, setMr } from './message-registers.ts';
import type { Fault } from './fault-record.ts';
import type { Endpoint, Slot, Tcb } from '../objects/objects.ts';
import { takeConsumed } from '../sched/sched-context.ts';
import { STATUS_LOOKUP_FAULT, STATUS_OK } from '../state.ts';
import type { KernelState, Status } from '../state.ts';

/** The length field of a message information word, at most 120. */
export function clampedLength(infoLow: number): number {
  const length = infoLow & 0x7f;
  return length > MESSAGE_LENGTH_MAX ? MESSAGE_LENGTH_MAX : length;
}

/**
 * Transfers the sender's message, or its fault, to the receiver.
 *
 * @param endpoint where they met; `null` for a reply
 * @param rights of the capability that the sender used: grant lets capabilities through
 */
export function transfer(
  k: KernelState,
  sender: Tcb,
  endpoint: Endpoint | null,
  badgeLow: number,
  badgeHigh: number,
  rights: number,
  receiver: Tcb,
): void {
  if (sender.fault !== null) {
    transferFault(k, sender, sender.fault, receiver);
    setBadge(receiver, badgeLow, badgeHigh);
    return;
  }
  const infoLow = sender.regs[REG_A1 << 1] as number;
  const infoHigh = sender.regs[(REG_A1 << 1) + 1] as number;
  const wanted = clampedLength(infoLow);
  let tag = infoLow & 0xffff_f000;
  let length = wanted;
  if (wanted <= MESSAGE_REGISTERS && (infoLow & 0x180) === 0) {
    copyRegisters(sender, receiver, wanted);
  } else {
    const from = lookupIpcBuffer(k, sender, 'send');
    const to = lookupIpcBuffer(k, receiver, 'receive');
    k.extraCaps[0] = null;
    if ((rights & RIGHT_GRANT) !== 0 && lookupExtraCaps(k, sender, from, infoLow) !== STATUS_OK) {
      k.extraCaps[0] = null;
    }
    length = copyMessage(k, sender, from, receiver, to, wanted);
    tag |= transferCaps(k, endpoint, receiver, to);
  }
  const regs = receiver.regs;
  regs[REG_A1 << 1] = tag | length;
  regs[(REG_A1 << 1) + 1] = infoHigh;
  regs[REG_A0 << 1] = badgeLow;
  regs[(REG_A0 << 1) + 1] = badgeHigh;
}

function copyRegisters(sender: Tcb, receiver: Tcb, words: number): void {
  const from = sender.regs;
  const to = receiver.regs;
  const end = (REG_A2 + words) << 1;
  for (let r = REG_A2 << 1; r < end; r += 1) to[r] = from[r] as number;
}

/** @returns how many words were copied */
function copyMessage(
  k: KernelState,
  sender: Tcb,
  from: number,
  receiver: Tcb,
  to: number,
  words: number,
): number {
  copyRegisters(sender, receiver, Math.min(words, MESSAGE_REGISTERS));
  if (words <= MESSAGE_REGISTERS || from < 0 || to < 0) return Math.min(words, MESSAGE_REGISTERS);
  for (let i = (MESSAGE_REGISTERS + 1) << 1; i < (words + 1) << 1; i += 1) {
    k.u32[to + i] = k.u32[from + i] as number;
  }
  return words;
}

/**
 * Finds the slots of the extra capabilities that the sender's buffer names, into `k.extraCaps`.
 *
 * @returns a lookup fault for the first that cannot be found; its cptr is in `k.faultCptr…`
 */
export function lookupExtraCaps(
  k: KernelState,
  sender: Tcb,
  bufferAt: number,
  infoLow: number,
): Status {
  k.extraCaps[0] = null;
  k.extraCaps[1] = null;
  k.extraCaps[2] = null;
  if (bufferAt < 0) return STATUS_OK;
  const count = (infoLow >>> 7) & 3;
  for (let i = 0; i < count; i += 1) {
    const at = bufferAt + ((IPC_BUFFER_CAPS_WORD + i) << 1);
    const low = k.u32[at] as number;
    const high = k.u32[at + 1] as number;
    const slot = lookupSlot(k, sender, low, high);
    if (slot === null) {
      k.faultCptrLow = low;
      k.faultCptrHigh = high;
      return STATUS_LOOKUP_FAULT;
    }
    k.extraCaps[i as 0 | 1 | 2] = slot;
  }
  return STATUS_OK;
}

/** @returns the fields of the message information that say which capabilities arrived */
function transferCaps(
  k: KernelState,
  endpoint: Endpoint | null,
  receiver: Tcb,
  bufferAt: number,
): number {
  if (k.extraCaps[0] === null || bufferAt < 0) return 0;
  let target = receiveSlot(k, receiver, bufferAt);
  let unwrapped = 0;
  let count = 0;
  for (; count < MESSAGE_EXTRA_CAPS_MAX; count += 1) {
    const slot = k.extraCaps[count as 0 | 1 | 2];
    if (slot === null) break;
    const cap = slot.cap;
    if (endpoint !== null && cap.kind === 'endpoint' && cap.endpoint === endpoint) {
      const at = bufferAt + ((IPC_BUFFER_CAPS_WORD + count) << 1);
      k.u32[at] = cap.badgeLow;
      k.u32[at + 1] = cap.badgeHigh;
      unwrapped |= 1 << count;
    } else {
      if (target === null) break;
      const derived = deriveCap(k, slot, cap);
      if (derived === null || derived.kind === 'null') break;
      k.capGeneration += 1;
      cteInsert(derived, slot, target);
      target = null;
    }
  }
  return (count << 7) | (unwrapped << 9);
}

/** @returns the empty slot that the receiver has named for a capability, or `null` */
function receiveSlot(k: KernelState, receiver: Tcb, bufferAt: number): Slot | null {
  const root = bufferWord(bufferAt, IPC_BUFFER_RECEIVE_CNODE_WORD);
  const rootSlot = lookupSlot(k, receiver, k.u32[root] as number, k.u32[root + 1] as number);
  if (rootSlot === null) return null;
  const index = bufferWord(bufferAt, IPC_BUFFER_RECEIVE_INDEX_WORD);
  const depth = bufferWord(bufferAt, IPC_BUFFER_RECEIVE_DEPTH_WORD);
  const slot = lookupSlotForCNodeOp(
    k,
    'destination',
    rootSlot.cap,
    k.u32[index] as number,
    k.u32[index + 1] as number,
    (k.u32[depth + 1] as number) * 2 ** 32 + (k.u32[depth] as number),
  );
  return slot !== null && slot.cap.kind === 'null' ? slot : null;
}

function bufferWord(bufferAt: number, word: number): number {
  return bufferAt + (word << 1);
}

// ------------------------------------------------------------------------------------------ faults

/** Registers of an UnknownSyscall message: the program counter, sp, ra, a0..a6. */
const SYSCALL_MESSAGE = [REG_PC, REG_SP, REG_RA, 16, 17, 18, 19, 20, 21, 22] as const;
const EXCEPTION_MESSAGE = [REG_PC, REG_SP] as const;
/** Registers of the reply to a Timeout fault: all, in the order of the user context. */
const TIMEOUT_MESSAGE = Array.from({ length: REGISTER_COUNT }, (_, r) => r);

function transferFault(k: KernelState, sender: Tcb, fault: Fault, receiver: Tcb): void {
  const bufferAt = lookupIpcBuffer(k, receiver, 'receive');
  const pcLow = sender.regs[REG_PC << 1] as number;
  const pcHigh = sender.regs[(REG_PC << 1) + 1] as number;
  switch (fault.kind) {
    case 'cap': {
      setMr(k, receiver, bufferAt, 0, pcLow, pcHigh);
      setMr(k, receiver, bufferAt, 1, fault.cptrLow, fault.cptrHigh);
      setMr(k, receiver, bufferAt, 2, fault.inReceivePhase ? 1 : 0, 0);
      const length = setLookupMrs(k, receiver, bufferAt, fault.lookup, 3);
      return setInfo(receiver, FAULT_CAP, length);
    }
    case 'unknownSyscall': {
      copyToMessage(k, sender, receiver, bufferAt, SYSCALL_MESSAGE);
      const length = setMr(k, receiver, bufferAt, 10, fault.low, fault.high);
      return setInfo(receiver, FAULT_UNKNOWN_SYSCALL, length);
    }
    case 'userException': {
      copyToMessage(k, sender, receiver, bufferAt, EXCEPTION_MESSAGE);
      setMr(k, receiver, bufferAt, 2, fault.number, 0);
      const length = setMr(k, receiver, bufferAt, 3, fault.code, 0);
      return setInfo(receiver, FAULT_USER_EXCEPTION, length);
    }
    case 'timeout': {
      const consumed = sender.schedContext === null ? 0 : takeConsumed(sender.schedContext);
      setMr(k, receiver, bufferAt, 0, fault.badgeLow, fault.badgeHigh);
      const high = Math.floor(consumed / 2 ** 32);
      const length = setMr(k, receiver, bufferAt, 1, consumed >>> 0, high);
      return setInfo(receiver, FAULT_TIMEOUT, length);
    }
    case 'vm': {
      setMr(k, receiver, bufferAt, 0, pcLow, pcHigh);
      setMr(k, receiver, bufferAt, 1, fault.addressLow, fault.addressHigh);
      setMr(k, receiver, bufferAt, 2, fault.isInstruction ? 1 : 0, 0);
      const length = setMr(k, receiver, bufferAt, 3, fault.status, 0);
      return setInfo(receiver, FAULT_VM, length);
    }
    default:
      return fault satisfies never;
  }
}

function copyToMessage(
  k: KernelState,
  sender: Tcb,
  receiver: Tcb,
  bufferAt: number,
  registers: readonly number[],
): void {
  for (let i = 0; i < registers.length; i += 1) {
    const r = (registers[i] as number) << 1;
    const low = sender.regs[r] as number;
    setMr(k, receiver, bufferAt, i, low, sender.regs[r + 1] as number);
  }
}

/**
 * Applies the reply to a fault.
 *
 * @param faulter thread that waits
 * @param handler thread that replies
 * @returns whether the faulter goes on
 */
export function handleFaultReply(
  k: KernelState,
  faulter: Tcb,
  fault: Fault,
  handler: Tcb,
): boolean {
  switch (fault.kind) {
    case 'cap':
    case 'vm':
      return true;
    case 'unknownSyscall':
      return applyFaultReply(k, faulter, handler, SYSCALL_MESSAGE);
    case 'userException':
      return applyFaultReply(k, faulter, handler, EXCEPTION_MESSAGE);
    case 'timeout':
      return applyFaultReply(k, faulter, handler, TIMEOUT_MESSAGE);
    default:
      return fault satisfies never;
  }
}

function applyFaultReply(
  k: KernelState,
  faulter: Tcb,
  handler: Tcb,
  registers: readonly number[],
): boolean {
  const infoLow = handler.regs[REG_A1 << 1] as number;
  const infoHigh = handler.regs[(REG_A1 << 1) + 1] as number;
  const length = Math.min(clampedLength(infoLow), registers.length);
  const bufferAt = lookupIpcBuffer(k, handler, 'send');
  for (let i = 0; i < length; i += 1) {
    const r = (registers[i] as number) << 1;
    if (i < MESSAGE_REGISTERS) {
      faulter.regs[r] = handler.regs[(REG_A2 + i) << 1] as number;
      faulter.regs[r + 1] = handler.regs[((REG_A2 + i) << 1) + 1] as number;
    } else if (bufferAt >= 0) {
      faulter.regs[r] = k.u32[bufferAt + ((i + 1) << 1)] as number;
      faulter.regs[r + 1] = k.u32[bufferAt + ((i + 1) << 1) + 1] as number;
    }
  }
  return infoLow >>> 12 === 0 && infoHigh === 0;
}
