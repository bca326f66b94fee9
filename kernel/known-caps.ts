/**
 * What a thread's capability pointers have led to last, for the fast path: most threads make the
 * same few system calls over and over. What is known holds as long as no capability has changed
 * anywhere (`KernelState.capGeneration`), and is looked up again after that.
 */

import { RIGHT_GRANT, RIGHT_GRANT_REPLY, RIGHT_READ, RIGHT_WRITE } from './abi.ts';
import { lookupSlot } from './objects/cspace.ts';
import type { Endpoint, Notification, Reply, Tcb } from './objects/objects.ts';
import type { KernelState } from './state.ts';

/** No generation: of what is to be looked up each time. */
const NEVER = -1;
const CAN_REPLY = RIGHT_GRANT | RIGHT_GRANT_REPLY;

/** What a thread signals, calls or acknowledges, as {@link KnownTarget.kind}. */
export const TARGET_UNUSUAL = 0;
export const TARGET_NOTIFICATION = 1;
export const TARGET_ENDPOINT = 2;
export const TARGET_IRQ = 3;

/** What one pointer leads to, with the right to send there; a call may be answered. */
export class KnownTarget {
  generation = NEVER;
  /** The pointer's low half, signed; its high half is 0. */
  low = 0;
  kind: 0 | 1 | 2 | 3 = TARGET_UNUSUAL;
  notification: Notification | null = null;
  endpoint: Endpoint | null = null;
  irq = 0;
  badgeLow = 0;
  badgeHigh = 0;

  /** @param register its low half in `regs` */
  resolve(k: KernelState, thread: Tcb, register: number): void {
    const { regs } = thread;
    const low = regs[register] as number;
    const high = regs[register + 1] as number;
    this.generation = high === 0 ? k.capGeneration : NEVER;
    this.low = low | 0;
    this.kind = TARGET_UNUSUAL;
    const cap = lookupSlot(k, thread, low, high)?.cap;
    if (cap === undefined) return;
    if (cap.kind === 'irqHandler') {
      this.kind = TARGET_IRQ;
      this.irq = cap.irq;
      return;
    }
    if (cap.kind === 'notification' && (cap.rights & RIGHT_WRITE) !== 0) {
      this.kind = TARGET_NOTIFICATION;
      this.notification = cap.notification;
    } else if (cap.kind === 'endpoint' && (cap.rights & RIGHT_WRITE) !== 0) {
      if ((cap.rights & CAN_REPLY) === 0) return;
      this.kind = TARGET_ENDPOINT;
      this.endpoint = cap.endpoint;
    } else {
      return;
    }
    this.badgeLow = cap.badgeLow;
    this.badgeHigh = cap.badgeHigh;
  }
}

/** Whether a wait provides a reply object: a compared number. */
export const WITHOUT_REPLY = 0;
export const WITH_REPLY = 1;

/** What the pointers of a wait lead to: where, and the reply object that is provided. */
export class KnownWait {
  generation = NEVER;
  /** The pointers' low halves, signed; their high halves are 0. */
  low = 0;
  replyLow = 0;
  hasReply: 0 | 1 = WITHOUT_REPLY;
  /** Of these one at most: both `null` when this is no wait that the fast path knows. */
  endpoint: Endpoint | null = null;
  notification: Notification | null = null;
  reply: Reply | null = null;

  /** @param register of the place, and that of the reply object: low halves in `regs` */
  resolve(
    k: KernelState,
    thread: Tcb,
    [register, replyRegister]: readonly [number, number],
    hasReply: 0 | 1,
  ): void {
    const { regs } = thread;
    const low = regs[register] as number;
    const high = regs[register + 1] as number;
    const replyLow = regs[replyRegister] as number;
    const replyHigh = regs[replyRegister + 1] as number;
    this.generation = high === 0 && replyHigh === 0 ? k.capGeneration : NEVER;
    this.low = low | 0;
    this.replyLow = replyLow | 0;
    this.hasReply = hasReply;
    this.endpoint = null;
    this.notification = null;
    this.reply = null;
    const cap = lookupSlot(k, thread, low, high)?.cap;
    if (cap?.kind === 'notification' && (cap.rights & RIGHT_READ) !== 0) {
      const bound = cap.notification.boundTcb;
      if (bound === null || bound === thread) this.notification = cap.notification;
    } else if (cap?.kind === 'endpoint' && (cap.rights & RIGHT_READ) !== 0) {
      if (hasReply === WITH_REPLY) {
        const provided = lookupSlot(k, thread, replyLow, replyHigh)?.cap;
        if (provided?.kind !== 'reply') return;
        this.reply = provided.reply;
      }
      this.endpoint = cap.endpoint;
    }
  }
}

/** Of one thread. */
export class KnownCaps {
  /** Of Send and Call; and of the first half of NBSendRecv. */
  readonly target = new KnownTarget();
  readonly deferred = new KnownTarget();
  readonly wait = new KnownWait();
}
