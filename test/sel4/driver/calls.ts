/**
 * System calls and invocations as requests to be yielded. Slots are those of the caller's own root
 * CNode.
 */

import * as abi from '../../../kernel/abi.ts';
import type {
  ReceiveSlot,
  SystemCallRequest,
  ThreadRequest,
  Word,
} from '../../../kernel/system-call.ts';
import { DEPTH, SLOT_CNODE, SLOT_SCHED_CONTROL, SLOT_TCB } from './slots.ts';

export const NS_PER_US = 1_000;
export const NS_PER_MS = 1_000_000;
export const NS_PER_S = 1_000_000_000;

type Words = readonly Word[];

export interface Message {
  readonly label?: number;
  readonly caps?: Words;
  readonly receive?: ReceiveSlot;
}

function system(sys: number, rest: Partial<SystemCallRequest>): SystemCallRequest {
  return { kind: 'call', sys, ...rest };
}

export function call(cptr: Word, mrs: Words = [], message: Message = {}): SystemCallRequest {
  return system(abi.SYS_CALL, { cptr, mrs, ...message });
}

export function send(cptr: Word, mrs: Words = [], message: Message = {}): SystemCallRequest {
  return system(abi.SYS_SEND, { cptr, mrs, ...message });
}

export function nbSend(cptr: Word, mrs: Words = [], message: Message = {}): SystemCallRequest {
  return system(abi.SYS_NB_SEND, { cptr, mrs, ...message });
}

export function signal(cptr: Word): SystemCallRequest {
  return system(abi.SYS_SEND, { cptr });
}

export function recv(cptr: Word, reply: Word, receive?: ReceiveSlot): SystemCallRequest {
  return system(abi.SYS_RECV, { cptr, reply, ...(receive && { receive }) });
}

export function nbRecv(cptr: Word, reply: Word): SystemCallRequest {
  return system(abi.SYS_NB_RECV, { cptr, reply });
}

export function wait(cptr: Word): SystemCallRequest {
  return system(abi.SYS_WAIT, { cptr });
}

export function poll(cptr: Word): SystemCallRequest {
  return system(abi.SYS_NB_WAIT, { cptr });
}

export function replyRecv(
  cptr: Word,
  reply: Word,
  mrs: Words = [],
  message: Message = {},
): SystemCallRequest {
  return system(abi.SYS_REPLY_RECV, { cptr, reply, mrs, ...message });
}

export function nbSendRecv(
  dest: Word,
  mrs: Words,
  cptr: Word,
  reply: Word,
  message: Message = {},
): SystemCallRequest {
  return system(abi.SYS_NB_SEND_RECV, { dest, mrs, cptr, reply, ...message });
}

export function nbSendWait(dest: Word, mrs: Words, cptr: Word): SystemCallRequest {
  return system(abi.SYS_NB_SEND_WAIT, { reply: dest, mrs, cptr });
}

export function yieldCpu(): SystemCallRequest {
  return system(abi.SYS_YIELD, {});
}

/** Answers the type of the capability in the badge register, 0 for none. */
export function identify(cptr: Word): SystemCallRequest {
  return system(abi.SYS_DEBUG_CAP_IDENTIFY, { cptr });
}

export function compute(durationNs: number): ThreadRequest {
  return { kind: 'compute', durationNs };
}

export function load(vaddr: number): ThreadRequest {
  return { kind: 'load', vaddr, width: 4 };
}

export function store(vaddr: number, value: number): ThreadRequest {
  return { kind: 'store', vaddr, width: 4, value };
}

export function execute(vaddr: number): ThreadRequest {
  return { kind: 'execute', vaddr, width: 4 };
}

// ------------------------------------------------------------------------------------- invocations

export function invoke(cptr: Word, label: number, mrs: Words = [], caps: Words = []) {
  return system(abi.SYS_CALL, { cptr, label, mrs, caps });
}

export function retype(untyped: Word, type: number, bits: number, slot: Word, count: Word = 1) {
  return invoke(untyped, abi.UNTYPED_RETYPE, [type, bits, 0, 0, slot, count], [SLOT_CNODE]);
}

export function copy(dest: Word, source: Word, rights = abi.RIGHTS_ALL) {
  const mrs = [dest, DEPTH, source, DEPTH, rights];
  return invoke(SLOT_CNODE, abi.CNODE_COPY, mrs, [SLOT_CNODE]);
}

export function mint(dest: Word, source: Word, badge: Word, rights = abi.RIGHTS_ALL) {
  return mintInto(SLOT_CNODE, DEPTH, dest, source, badge, rights);
}

/** Mints from the own CSpace into slot `index` of another CNode. */
export function mintInto(
  cnode: Word,
  depth: number,
  index: Word,
  source: Word,
  badge: Word,
  rights = abi.RIGHTS_ALL,
) {
  const mrs = [index, depth, source, DEPTH, rights, badge];
  return invoke(cnode, abi.CNODE_MINT, mrs, [SLOT_CNODE]);
}

export function move(dest: Word, source: Word) {
  return invoke(SLOT_CNODE, abi.CNODE_MOVE, [dest, DEPTH, source, DEPTH], [SLOT_CNODE]);
}

export function mutate(dest: Word, source: Word, data: Word) {
  return invoke(SLOT_CNODE, abi.CNODE_MUTATE, [dest, DEPTH, source, DEPTH, data], [SLOT_CNODE]);
}

export function rotate(dest: Word, pivot: Word, source: Word) {
  const mrs = [dest, DEPTH, 0, pivot, DEPTH, 0, source, DEPTH];
  return invoke(SLOT_CNODE, abi.CNODE_ROTATE, mrs, [SLOT_CNODE, SLOT_CNODE]);
}

export function revoke(slot: Word) {
  return invoke(SLOT_CNODE, abi.CNODE_REVOKE, [slot, DEPTH]);
}

export function remove(slot: Word) {
  return invoke(SLOT_CNODE, abi.CNODE_DELETE, [slot, DEPTH]);
}

export function cancelBadgedSends(slot: Word) {
  return invoke(SLOT_CNODE, abi.CNODE_CANCEL_BADGED_SENDS, [slot, DEPTH]);
}

export function suspend(tcb: Word) {
  return invoke(tcb, abi.TCB_SUSPEND);
}

export function resume(tcb: Word) {
  return invoke(tcb, abi.TCB_RESUME);
}

export function setPriority(tcb: Word, priority: number, authority: Word = SLOT_TCB) {
  return invoke(tcb, abi.TCB_SET_PRIORITY, [priority], [authority]);
}

export function setMaxPriority(tcb: Word, priority: number, authority: Word = SLOT_TCB) {
  return invoke(tcb, abi.TCB_SET_MC_PRIORITY, [priority], [authority]);
}

export function readRegisters(tcb: Word) {
  return invoke(tcb, abi.TCB_READ_REGISTERS, [0, abi.REGISTER_COUNT]);
}

/** @param flags 1 resumes the thread */
export function writeRegisters(tcb: Word, flags: number, registers: Words) {
  return invoke(tcb, abi.TCB_WRITE_REGISTERS, [flags, registers.length, ...registers]);
}

export function bindNotification(tcb: Word, notification: Word) {
  return invoke(tcb, abi.TCB_BIND_NOTIFICATION, [], [notification]);
}

export function unbindNotification(tcb: Word) {
  return invoke(tcb, abi.TCB_UNBIND_NOTIFICATION);
}

export function scBind(sc: Word, object: Word) {
  return invoke(sc, abi.SCHED_CONTEXT_BIND, [], [object]);
}

export function scUnbind(sc: Word) {
  return invoke(sc, abi.SCHED_CONTEXT_UNBIND);
}

export function scUnbindObject(sc: Word, object: Word) {
  return invoke(sc, abi.SCHED_CONTEXT_UNBIND_OBJECT, [], [object]);
}

export function scConsumed(sc: Word) {
  return invoke(sc, abi.SCHED_CONTEXT_CONSUMED);
}

export function yieldTo(sc: Word) {
  return invoke(sc, abi.SCHED_CONTEXT_YIELD_TO);
}

export interface Budget {
  readonly budgetUs: Word;
  readonly periodUs: Word;
  readonly extraRefills?: number;
  readonly badge?: Word;
  readonly flags?: number;
}

export function configureSc(sc: Word, budget: Budget) {
  const { budgetUs, periodUs, extraRefills = 0, badge = 0, flags = 0 } = budget;
  const mrs = [budgetUs, periodUs, extraRefills, badge, flags];
  return invoke(SLOT_SCHED_CONTROL, abi.SCHED_CONTROL_CONFIGURE_FLAGS, mrs, [sc]);
}

export function mapPage(frame: Word, vspace: Word, vaddr: number, rights = 3, attributes = 0) {
  return invoke(frame, abi.PAGE_MAP, [vaddr, rights, attributes], [vspace]);
}

export function mapTable(table: Word, vspace: Word, vaddr: number) {
  return invoke(table, abi.PAGE_TABLE_MAP, [vaddr, 0], [vspace]);
}
