/**
 * Invocations of threads: registers, priorities, starting and stopping. Their capability slots:
 * `tcb-spaces.ts`.
 */

import { smallInteger } from '../../memory/small-integer.ts';
import {
  ILLEGAL_OPERATION,
  MESSAGE_REGISTERS,
  REG_TP,
  REGISTER_COUNT,
  RIGHT_READ,
  TCB_BIND_NOTIFICATION,
  TCB_CONFIGURE,
  TCB_COPY_REGISTERS,
  TCB_FLAG_FPU_DISABLED,
  TCB_READ_REGISTERS,
  TCB_RESUME,
  TCB_SET_FLAGS,
  TCB_SET_IPC_BUFFER,
  TCB_SET_MC_PRIORITY,
  TCB_SET_PRIORITY,
  TCB_SET_SCHED_PARAMS,
  TCB_SET_SPACE,
  TCB_SET_TIMEOUT_ENDPOINT,
  TCB_SET_TLS_BASE,
  TCB_SUSPEND,
  TCB_UNBIND_NOTIFICATION,
  TCB_WRITE_REGISTERS,
  TRUNCATED_MESSAGE,
} from '../abi.ts';
import { refuse, refuseCapability, refuseRange } from '../errors.ts';
import {
  argument,
  argumentHigh,
  argumentLow,
  lookupIpcBuffer,
  setMr,
  setReplyInfo,
} from '../ipc/message-registers.ts';
import { goOnAtPc, pcOf } from '../ipc/fault.ts';
import { bindNotification, unbindNotificationFromTcb } from '../ipc/notification.ts';
import type { Slot, Tcb } from './objects.ts';
import { rescheduleRequired, setThreadState } from '../sched/ready-queue.ts';
import { STATUS_ERROR, STATUS_OK } from '../state.ts';
import type { KernelState, Status } from '../state.ts';
import {
  authorityOf,
  checkPriority,
  decodeConfigure,
  decodeSetIpcBuffer,
  decodeSetSchedParams,
  decodeSetSpace,
  decodeSetTimeoutEndpoint,
} from './tcb-spaces.ts';
import { restart, setPriority, suspend } from '../sched/thread.ts';

const FRAME_REGISTERS = 16;

export function decodeTcb(
  k: KernelState,
  label: number,
  length: number,
  slot: Slot,
  tcb: Tcb,
  isCall: boolean,
): Status {
  switch (label) {
    case TCB_READ_REGISTERS:
      return decodeReadRegisters(k, length, tcb, isCall);
    case TCB_WRITE_REGISTERS:
      return decodeWriteRegisters(k, length, tcb);
    case TCB_COPY_REGISTERS:
      return decodeCopyRegisters(k, length, tcb);
    case TCB_CONFIGURE:
      return decodeConfigure(k, length, slot, tcb);
    case TCB_SET_PRIORITY:
      return decodeSetPriority(k, length, tcb);
    case TCB_SET_MC_PRIORITY:
      return decodeSetMaxPriority(k, length, tcb);
    case TCB_SET_SCHED_PARAMS:
      return decodeSetSchedParams(k, length, slot, tcb);
    case TCB_SET_TIMEOUT_ENDPOINT:
      return decodeSetTimeoutEndpoint(k, slot, tcb);
    case TCB_SET_IPC_BUFFER:
      return decodeSetIpcBuffer(k, length, slot, tcb);
    case TCB_SET_SPACE:
      return decodeSetSpace(k, length, slot, tcb);
    case TCB_SUSPEND:
      setThreadState(k, k.current, 'restart');
      suspend(k, tcb);
      return STATUS_OK;
    case TCB_RESUME:
      setThreadState(k, k.current, 'restart');
      restart(k, tcb);
      return STATUS_OK;
    case TCB_BIND_NOTIFICATION:
      return decodeBindNotification(k, tcb);
    case TCB_UNBIND_NOTIFICATION:
      if (tcb.boundNotification === null) return refuse(k, ILLEGAL_OPERATION);
      setThreadState(k, k.current, 'restart');
      unbindNotificationFromTcb(tcb);
      return STATUS_OK;
    case TCB_SET_TLS_BASE:
      return decodeSetTlsBase(k, length, tcb);
    case TCB_SET_FLAGS:
      return decodeSetFlags(k, length, tcb, isCall);
    default:
      return refuse(k, ILLEGAL_OPERATION);
  }
}

// --------------------------------------------------------------------------------------- registers

function decodeReadRegisters(k: KernelState, length: number, tcb: Tcb, isCall: boolean): Status {
  if (length < 2) return refuse(k, TRUNCATED_MESSAGE);
  const count = argument(k, 1);
  if (count < 1 || count > REGISTER_COUNT) return refuseRange(k, 1, REGISTER_COUNT);
  if (tcb === k.current) return refuse(k, ILLEGAL_OPERATION);
  const suspends = (argumentLow(k, 0) & 1) !== 0;
  setThreadState(k, k.current, 'restart');
  if (suspends) suspend(k, tcb);
  if (isCall) {
    const bufferAt = lookupIpcBuffer(k, k.current, 'receive');
    const words = bufferAt < 0 ? Math.min(count, MESSAGE_REGISTERS) : count;
    for (let r = 0; r < words; r += 1) {
      const low = tcb.regs[r << 1] as number;
      setMr(k, k.current, bufferAt, r, low, tcb.regs[(r << 1) + 1] as number);
    }
    setReplyInfo(k.current, 0, words);
  }
  setThreadState(k, k.current, 'running');
  return STATUS_OK;
}

function decodeWriteRegisters(k: KernelState, length: number, tcb: Tcb): Status {
  if (length < 2) return refuse(k, TRUNCATED_MESSAGE);
  const count = argument(k, 1);
  if (length - 2 < count) return refuse(k, TRUNCATED_MESSAGE);
  if (tcb === k.current) return refuse(k, ILLEGAL_OPERATION);
  const resumes = (argumentLow(k, 0) & 1) !== 0;
  setThreadState(k, k.current, 'restart');
  for (let r = 0; r < Math.min(count, REGISTER_COUNT); r += 1) {
    tcb.regs[r << 1] = argumentLow(k, r + 2);
    tcb.regs[(r << 1) + 1] = argumentHigh(k, r + 2);
  }
  if (count > 0) {
    if (tcb.firstPc === 0) tcb.firstPc = pcOf(tcb);
    jumpToPc(tcb);
  }
  if (resumes) restart(k, tcb);
  return STATUS_OK;
}

function decodeCopyRegisters(k: KernelState, length: number, tcb: Tcb): Status {
  const slot = k.extraCaps[0];
  if (length < 1 || slot === null) return refuse(k, TRUNCATED_MESSAGE);
  if (slot.cap.kind !== 'thread') return refuseCapability(k, 1);
  const source = slot.cap.tcb;
  const flags = argumentLow(k, 0);
  setThreadState(k, k.current, 'restart');
  if ((flags & 1) !== 0) suspend(k, source);
  if ((flags & 2) !== 0) restart(k, tcb);
  if ((flags & 4) !== 0) {
    copyRegisters(source, tcb, 0, FRAME_REGISTERS);
    jumpToPc(tcb);
  }
  if ((flags & 8) !== 0) copyRegisters(source, tcb, FRAME_REGISTERS, REGISTER_COUNT);
  if (tcb === k.current) rescheduleRequired(k);
  return STATUS_OK;
}

/** A thread that is runnable goes on at its new pc, not after its last system call. */
function jumpToPc(tcb: Tcb): void {
  if (tcb.machineCode !== null) goOnAtPc(tcb);
  else if (tcb.state === 'running') tcb.state = 'restart';
}

function copyRegisters(source: Tcb, target: Tcb, from: number, to: number): void {
  for (let i = from << 1; i < to << 1; i += 1) target.regs[i] = source.regs[i] as number;
}

function decodeSetTlsBase(k: KernelState, length: number, tcb: Tcb): Status {
  if (length < 1) return refuse(k, TRUNCATED_MESSAGE);
  setThreadState(k, k.current, 'restart');
  tcb.regs[REG_TP << 1] = argumentLow(k, 0);
  tcb.regs[(REG_TP << 1) + 1] = argumentHigh(k, 0);
  if (tcb === k.current) rescheduleRequired(k);
  return STATUS_OK;
}

/**
 * The only flag turns off the floating-point unit, where there is one; a TypeScript program does
 * not notice.
 */
function decodeSetFlags(k: KernelState, length: number, tcb: Tcb, isCall: boolean): Status {
  if (length < 2) return refuse(k, TRUNCATED_MESSAGE);
  tcb.flags = (tcb.flags & ~argumentLow(k, 0)) | (argumentLow(k, 1) & k.threadFlagsMask);
  tcb.machineCode?.allowFloatingPoint((tcb.flags & TCB_FLAG_FPU_DISABLED) === 0);
  if (isCall) {
    const bufferAt = lookupIpcBuffer(k, k.current, 'receive');
    setReplyInfo(k.current, 0, setMr(k, k.current, bufferAt, 0, tcb.flags, 0));
  }
  setThreadState(k, k.current, 'running');
  return STATUS_OK;
}

// -------------------------------------------------------------------------------------- priorities

function decodeSetPriority(k: KernelState, length: number, tcb: Tcb): Status {
  const authority = decodeAuthority(k, length);
  if (authority === null) return STATUS_ERROR;
  const priority = argument(k, 0);
  if (checkPriority(k, priority, authority) !== STATUS_OK) return STATUS_ERROR;
  setThreadState(k, k.current, 'restart');
  setPriority(k, tcb, smallInteger(priority));
  return STATUS_OK;
}

function decodeSetMaxPriority(k: KernelState, length: number, tcb: Tcb): Status {
  const authority = decodeAuthority(k, length);
  if (authority === null) return STATUS_ERROR;
  const priority = argument(k, 0);
  if (checkPriority(k, priority, authority) !== STATUS_OK) return STATUS_ERROR;
  setThreadState(k, k.current, 'restart');
  tcb.maxPriority = smallInteger(priority);
  return STATUS_OK;
}

function decodeAuthority(k: KernelState, length: number): Tcb | null {
  const slot = k.extraCaps[0];
  if (length < 1 || slot === null) {
    refuse(k, TRUNCATED_MESSAGE);
    return null;
  }
  return authorityOf(k, slot);
}

function decodeBindNotification(k: KernelState, tcb: Tcb): Status {
  const slot = k.extraCaps[0];
  if (slot === null) return refuse(k, TRUNCATED_MESSAGE);
  if (tcb.boundNotification !== null) return refuse(k, ILLEGAL_OPERATION);
  const cap = slot.cap;
  if (cap.kind !== 'notification' || (cap.rights & RIGHT_READ) === 0) {
    return refuse(k, ILLEGAL_OPERATION);
  }
  const { notification } = cap;
  if (notification.head !== null || notification.boundTcb !== null) {
    return refuse(k, ILLEGAL_OPERATION);
  }
  setThreadState(k, k.current, 'restart');
  bindNotification(tcb, notification);
  return STATUS_OK;
}
