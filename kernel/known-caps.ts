/**
 * What a thread's capability pointers lead to, looked up for the fast path: most threads make the
 * same few system calls over and over. The general path looks each pointer up each time.
 */

import { RIGHT_GRANT, RIGHT_GRANT_REPLY, RIGHT_READ, RIGHT_WRITE } from './abi.ts';
import { lookupSlot } from './objects/cspace.ts';
import {
  type KnownTarget,
  type KnownWait,
  NEVER_KNOWN,
  TARGET_ENDPOINT,
  TARGET_IRQ,
  TARGET_NOTIFICATION,
  TARGET_UNUSUAL,
  type Tcb,
  WITH_REPLY,
} from './objects/objects.ts';
import type { KernelState } from './state.ts';

const CAN_REPLY = RIGHT_GRANT | RIGHT_GRANT_REPLY;

/**
 * Looks one pointer up. A target needs the right to send there, and a call that to be answered.
 *
 * @param register the pointer's low half in `regs`
 */
export function resolveTarget(
  k: KernelState,
  thread: Tcb,
  known: KnownTarget,
  register: number,
): void {
  const { regs } = thread;
  const low = regs[register] as number;
  const high = regs[register + 1] as number;
  known.generation = high === 0 ? k.capGeneration : NEVER_KNOWN;
  known.low = low | 0;
  known.kind = TARGET_UNUSUAL;
  const cap = lookupSlot(k, thread, low, high)?.cap;
  if (cap?.kind === 'irqHandler') {
    known.kind = TARGET_IRQ;
    known.irq = cap.irq;
    return;
  }
  if (cap?.kind !== 'notification' && cap?.kind !== 'endpoint') return;
  if ((cap.rights & RIGHT_WRITE) === 0) return;
  known.badgeLow = cap.badgeLow | 0;
  known.badgeHigh = cap.badgeHigh | 0;
  if (cap.kind === 'notification') {
    known.kind = TARGET_NOTIFICATION;
    known.notification = cap.notification;
  } else if ((cap.rights & CAN_REPLY) !== 0) {
    known.kind = TARGET_ENDPOINT;
    known.endpoint = cap.endpoint;
  }
}

/**
 * Looks both pointers of a wait up: where, and the reply object.
 *
 * @param register the pointers' low halves in `regs`
 */
export function resolveWait(
  k: KernelState,
  thread: Tcb,
  [register, replyRegister]: readonly [number, number],
  hasReply: 0 | 1,
): void {
  const { regs } = thread;
  const known = thread.known.wait;
  const low = regs[register] as number;
  const high = regs[register + 1] as number;
  const replyLow = regs[replyRegister] as number;
  const replyHigh = regs[replyRegister + 1] as number;
  known.generation = high === 0 && replyHigh === 0 ? k.capGeneration : NEVER_KNOWN;
  known.low = low | 0;
  known.replyLow = replyLow | 0;
  known.hasReply = hasReply;
  forget(known);
  const cap = lookupSlot(k, thread, low, high)?.cap;
  if (cap?.kind !== 'notification' && cap?.kind !== 'endpoint') return;
  if ((cap.rights & RIGHT_READ) === 0) return;
  if (cap.kind === 'notification') {
    const bound = cap.notification.boundTcb;
    if (bound === null || bound === thread) known.notification = cap.notification;
    return;
  }
  if (hasReply === WITH_REPLY) {
    const provided = lookupSlot(k, thread, replyLow, replyHigh)?.cap;
    if (provided?.kind !== 'reply') return;
    known.reply = provided.reply;
  }
  known.endpoint = cap.endpoint;
}

function forget(known: KnownWait): void {
  known.endpoint = null;
  known.notification = null;
  known.reply = null;
}
