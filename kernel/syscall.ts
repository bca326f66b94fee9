/**
 * System calls: from the number in a7 to lookup, decode and invoke. Each function here is one
 * kernel entry of the current thread; who runs afterwards is decided by `schedule()`.
 */

import {
  INVALID_CAPABILITY,
  IPC_BUFFER_MESSAGE_WORD,
  MESSAGE_LENGTH_MAX,
  MESSAGE_REGISTERS,
  NO_ERROR,
  REG_A0,
  REG_A1,
  REG_A6,
  REG_A7,
  REG_PC,
  REG_T0,
  REG_TP,
  RIGHT_READ,
  RIGHT_WRITE,
  SYS_CALL,
  SYS_DEBUG_CAP_IDENTIFY,
  SYS_DEBUG_DUMP_SCHEDULER,
  SYS_DEBUG_NAME_THREAD,
  SYS_DEBUG_PUT_CHAR,
  SYS_DEBUG_SNAPSHOT,
  SYS_NB_RECV,
  SYS_NB_SEND,
  SYS_NB_SEND_RECV,
  SYS_NB_SEND_WAIT,
  SYS_NB_WAIT,
  SYS_RECV,
  SYS_REPLY_RECV,
  SYS_SEND,
  SYS_SET_TLS_BASE,
  SYS_WAIT,
  SYS_YIELD,
} from './abi.ts';
import { handleBenchmarkCall } from './benchmark-calls.ts';
import { decodeCNode } from './objects/cnode.ts';
import { lookupSlot } from './objects/cspace.ts';
import { decodeDomain } from './sched/domain.ts';
import { receiveIpc, sendIpc } from './ipc/endpoint.ts';
import { refuse, refuseCapability, setErrorMrs, setMissingCapability } from './errors.ts';
import { capFault, handleFault } from './ipc/fault.ts';
import { decodeIrqControl, decodeIrqHandler, handleInterrupt } from './objects/irq.ts';
import { lookupIpcBuffer, setInfo, setReplyInfo } from './ipc/message-registers.ts';
import { receiveSignal, sendSignal } from './ipc/notification.ts';
import { CAP_TYPE } from './objects/cap.ts';
import type { Cap, Reply, Slot } from './objects/objects.ts';
import { setThreadState } from './sched/ready-queue.ts';
import { doReplyTransfer } from './ipc/reply.ts';
import { decodeSchedContext } from './sched/sched-context.ts';
import { decodeSchedControl } from './sched/sched-control.ts';
import { chargePreempted, yieldTurn } from './sched/schedule.ts';
import { STATUS_ERROR, STATUS_OK, STATUS_PREEMPTED } from './state.ts';
import type { KernelState, Status } from './state.ts';
import { PC_SYSTEM_CALL } from './sched/thread.ts';
import { decodeTcb } from './objects/tcb.ts';
import { clampedLength, lookupExtraCaps } from './ipc/transfer.ts';
import { decodeUntyped } from './memory/untyped.ts';
import {
  decodeAsidControl,
  decodeAsidPool,
  decodeFrame,
  decodePageTable,
} from './memory/vspace-invocations.ts';

/** What the message registers of the IPC buffer could hold. */
const THREAD_NAME_MAX = 8 * MESSAGE_LENGTH_MAX;

/** Executes the current thread's system call. */
export function handleSyscall(k: KernelState): void {
  const regs = k.current.regs;
  switch ((regs[REG_A7 << 1] as number) | 0) {
    case SYS_CALL:
      handleInvocation(k, 'call', REG_A0);
      return;
    case SYS_REPLY_RECV:
      if (handleInvocation(k, 'first', REG_A6) !== STATUS_PREEMPTED) handleRecv(k, true, true);
      return;
    case SYS_NB_SEND_RECV:
      if (handleInvocation(k, 'first', REG_T0) !== STATUS_PREEMPTED) handleRecv(k, true, true);
      return;
    case SYS_NB_SEND_WAIT:
      if (handleInvocation(k, 'first', REG_A6) !== STATUS_PREEMPTED) handleRecv(k, true, false);
      return;
    case SYS_SEND:
      handleInvocation(k, 'send', REG_A0);
      return;
    case SYS_NB_SEND:
      handleInvocation(k, 'nbSend', REG_A0);
      return;
    case SYS_RECV:
      handleRecv(k, true, true);
      return;
    case SYS_NB_RECV:
      handleRecv(k, false, true);
      return;
    case SYS_WAIT:
      handleRecv(k, true, false);
      return;
    case SYS_NB_WAIT:
      handleRecv(k, false, false);
      return;
    case SYS_YIELD:
      yieldTurn(k);
      return;
    default:
      handleOther(k);
  }
}

/** Debug calls, and what is no system call at all. */
function handleOther(k: KernelState): void {
  const regs = k.current.regs;
  const isNegative = (regs[(REG_A7 << 1) + 1] as number) === 0xffff_ffff;
  const number = isNegative ? (regs[REG_A7 << 1] as number) | 0 : 0;
  switch (number) {
    case SYS_DEBUG_PUT_CHAR:
      k.onDebugChar?.(k.current, regs[REG_A0 << 1] as number);
      return;
    case SYS_DEBUG_CAP_IDENTIFY: {
      const low = regs[REG_A0 << 1] as number;
      const slot = lookupSlot(k, k.current, low, regs[(REG_A0 << 1) + 1] as number);
      regs[REG_A0 << 1] = slot === null ? 0 : CAP_TYPE[slot.cap.kind];
      regs[(REG_A0 << 1) + 1] = 0;
      return;
    }
    case SYS_DEBUG_NAME_THREAD:
      nameThread(k);
      return;
    case SYS_DEBUG_DUMP_SCHEDULER:
    case SYS_DEBUG_SNAPSHOT:
      return;
    case SYS_SET_TLS_BASE:
      regs[REG_TP << 1] = regs[REG_A0 << 1] as number;
      regs[(REG_TP << 1) + 1] = regs[(REG_A0 << 1) + 1] as number;
      return;
    default:
      if (k.hasBenchmarkCalls && handleBenchmarkCall(k, number)) return;
      handleFault(k, k.current, {
        kind: 'unknownSyscall',
        low: regs[REG_A7 << 1] as number,
        high: regs[(REG_A7 << 1) + 1] as number,
      });
  }
}

/**
 * Names a thread, for reports: the TCB is in a0, the name in the message registers of the IPC
 * buffer. The first name stays.
 */
function nameThread(k: KernelState): void {
  const { regs } = k.current;
  const low = regs[REG_A0 << 1] as number;
  const slot = lookupSlot(k, k.current, low, regs[(REG_A0 << 1) + 1] as number);
  const bufferAt = lookupIpcBuffer(k, k.current, 'send');
  if (slot === null || slot.cap.kind !== 'thread' || bufferAt < 0) return;
  const { tcb } = slot.cap;
  if (tcb.name === '') tcb.name = textAt(k, (bufferAt << 2) + 8 * IPC_BUFFER_MESSAGE_WORD);
}

/** @returns the characters of ASCII from a byte of RAM on, up to a zero */
function textAt(k: KernelState, at: number): string {
  let text = '';
  for (let i = at; i < at + THREAD_NAME_MAX; i += 1) {
    const code = k.ram.u8[i] as number;
    if (code === 0) return text;
    text += String.fromCharCode(code & 0x7f);
  }
  return text;
}

// -------------------------------------------------------------------------------------- invocation

/**
 * How a capability is invoked; `first` is the first phase of ReplyRecv, NBSendRecv and NBSendWait.
 */
type InvocationMode = 'call' | 'send' | 'nbSend' | 'first';

/** @param register that holds the cptr */
function handleInvocation(k: KernelState, mode: InvocationMode, register: number): Status {
  const thread = k.current;
  const regs = thread.regs;
  const cptrLow = regs[register << 1] as number;
  const cptrHigh = regs[(register << 1) + 1] as number;
  const isBlocking = mode === 'call' || mode === 'send';
  const slot = lookupSlot(k, thread, cptrLow, cptrHigh);
  if (slot === null) {
    if (isBlocking) handleFault(k, thread, capFault(k, cptrLow, cptrHigh, 'send'));
    return STATUS_OK;
  }
  const infoLow = regs[REG_A1 << 1] as number;
  const needsBuffer = (infoLow & 0x180) !== 0 || (infoLow & 0x7f) > MESSAGE_REGISTERS;
  if (needsBuffer) {
    k.bufferAt = lookupIpcBuffer(k, thread, 'send');
    if (lookupExtraCaps(k, thread, k.bufferAt, infoLow) !== STATUS_OK) {
      if (isBlocking) {
        handleFault(k, thread, capFault(k, k.faultCptrLow, k.faultCptrHigh, 'send'));
      }
      return STATUS_OK;
    }
  } else {
    k.bufferAt = -1;
    k.extraCaps[0] = null;
    k.extraCaps[1] = null;
    k.extraCaps[2] = null;
  }
  let length = clampedLength(infoLow);
  if (length > MESSAGE_REGISTERS && k.bufferAt < 0) length = MESSAGE_REGISTERS;
  const status = invoke(k, mode, slot, infoLow, length);
  return finishInvocation(k, mode, status);
}

function finishInvocation(k: KernelState, mode: InvocationMode, status: Status): Status {
  const thread = k.current;
  if (status === STATUS_OK) {
    if (thread.state === 'restart') {
      if (mode === 'call') setReplyInfo(thread, NO_ERROR, 0);
      // A TypeScript program that has copied another's pc into itself goes on there, not after this
      // call.
      const isMoved =
        thread.machineCode === null && thread.regs[REG_PC << 1] !== thread.entryPc + PC_SYSTEM_CALL;
      if (!isMoved) setThreadState(k, thread, 'running');
    }
    return STATUS_OK;
  }
  if (status === STATUS_PREEMPTED) {
    // It stays in the state restart and makes the same call again; what made it stop is handled
    // first.
    chargePreempted(k);
    handleInterrupt(k);
    return STATUS_PREEMPTED;
  }
  if (mode === 'call') {
    setReplyInfo(thread, 0, 0);
    const bufferAt = lookupIpcBuffer(k, thread, 'receive');
    setInfo(thread, k.error.type, setErrorMrs(k, thread, bufferAt));
  }
  return STATUS_ERROR;
}

/**
 * Endpoints, notifications and replies, which is nearly all; the rest goes to {@link invokeObject}.
 */
function invoke(
  k: KernelState,
  mode: InvocationMode,
  slot: Slot,
  infoLow: number,
  length: number,
): Status {
  const cap = slot.cap;
  switch (cap.kind) {
    case 'endpoint':
      if ((cap.rights & RIGHT_WRITE) === 0) return refuseCapability(k, 0);
      setThreadState(k, k.current, 'restart');
      k.counters.ipcCalls += 1;
      sendIpc(
        k,
        mode === 'call' || mode === 'send',
        mode === 'call',
        cap.badgeLow,
        cap.badgeHigh,
        cap.rights,
        mode === 'first' || mode === 'call',
        k.current,
        cap.endpoint,
      );
      return STATUS_OK;
    case 'notification':
      if ((cap.rights & RIGHT_WRITE) === 0) return refuseCapability(k, 0);
      setThreadState(k, k.current, 'restart');
      sendSignal(k, cap.notification, cap.badgeLow, cap.badgeHigh);
      return STATUS_OK;
    case 'reply':
      setThreadState(k, k.current, 'restart');
      doReplyTransfer(k, k.current, cap.reply, cap.canGrant);
      return STATUS_OK;
    default:
      return invokeObject(k, mode, slot, cap, labelOf(k, infoLow), length);
  }
}

/** @returns the label; any above 32 bits is none that an invocation has */
function labelOf(k: KernelState, infoLow: number): number {
  const infoHigh = k.current.regs[(REG_A1 << 1) + 1] as number;
  return infoHigh * 2 ** 20 + (infoLow >>> 12);
}

function invokeObject(
  k: KernelState,
  mode: InvocationMode,
  slot: Slot,
  cap: Exclude<Cap, { kind: 'endpoint' | 'notification' | 'reply' }>,
  label: number,
  length: number,
): Status {
  k.machine.charge(k.costs.invocation);
  k.capGeneration += 1;
  const isCall = mode === 'call';
  switch (cap.kind) {
    case 'null':
    case 'zombie':
      return refuse0(k);
    case 'thread':
      return mode === 'first' ? refuse0(k) : decodeTcb(k, label, length, slot, cap.tcb, isCall);
    case 'domain':
      return mode === 'first' ? refuse0(k) : decodeDomain(k, label, length);
    case 'cnode':
      return mode === 'first' ? refuse0(k) : decodeCNode(k, label, length, cap);
    case 'schedControl':
      return mode === 'first' ? refuse0(k) : decodeSchedControl(k, label, length);
    case 'schedContext':
      return mode === 'first' ? refuse0(k) : decodeSchedContext(k, label, cap.schedContext);
    case 'untyped':
      return decodeUntyped(k, label, length, slot, cap);
    case 'irqControl':
      return decodeIrqControl(k, label, length, slot);
    case 'irqHandler':
      return decodeIrqHandler(k, label, cap.irq);
    case 'frame':
      return decodeFrame(k, label, length, slot, cap, isCall);
    case 'pageTable':
      return decodePageTable(k, label, length, slot, cap);
    case 'asidControl':
      return decodeAsidControl(k, label, length);
    case 'asidPool':
      return decodeAsidPool(k, label, cap);
    default:
      return cap satisfies never;
  }
}

function refuse0(k: KernelState): Status {
  k.error.number = 0;
  return refuse(k, INVALID_CAPABILITY);
}

// --------------------------------------------------------------------------------------- receiving

function handleRecv(k: KernelState, isBlocking: boolean, canReply: boolean): void {
  const thread = k.current;
  const low = thread.regs[REG_A0 << 1] as number;
  const high = thread.regs[(REG_A0 << 1) + 1] as number;
  const slot = lookupSlot(k, thread, low, high);
  if (slot === null) {
    handleFault(k, thread, capFault(k, low, high, 'receive'));
    return;
  }
  const cap = slot.cap;
  switch (cap.kind) {
    case 'endpoint': {
      if ((cap.rights & RIGHT_READ) === 0) break;
      let reply: Reply | null = null;
      if (canReply) {
        reply = lookupReply(k);
        if (reply === null) return;
      }
      receiveIpc(k, thread, cap.endpoint, isBlocking, reply);
      return;
    }
    case 'notification': {
      const bound = cap.notification.boundTcb;
      if ((cap.rights & RIGHT_READ) === 0 || (bound !== null && bound !== thread)) break;
      receiveSignal(k, thread, cap.notification, isBlocking);
      return;
    }
    default:
  }
  setMissingCapability(k, 0);
  handleFault(k, thread, capFault(k, low, high, 'receive'));
}

/** @returns the reply object that the receiver provides; `null` when that has raised a fault */
function lookupReply(k: KernelState): Reply | null {
  const thread = k.current;
  const low = thread.regs[REG_A6 << 1] as number;
  const high = thread.regs[(REG_A6 << 1) + 1] as number;
  const slot = lookupSlot(k, thread, low, high);
  if (slot !== null && slot.cap.kind === 'reply') return slot.cap.reply;
  if (slot !== null) setMissingCapability(k, 0);
  handleFault(k, thread, capFault(k, low, high, 'receive'));
  return null;
}
