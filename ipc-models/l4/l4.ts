/**
 * L4's IPC: from thread to thread by global ids, a send phase and a receive phase in one system
 * call, a direct switch to the partner. Anybody may send to any thread.
 *
 * Not modelled: clans and chiefs, pagers (a page that is missing while a string is copied aborts
 * the IPC, as a transfer timeout of zero does), interrupts as IPC, propagation, the donation of the
 * rest of a time slice.
 */

import { PAGE_BYTES, PAGE_SHIFT } from '../frames.ts';
import type { Model, ModelKernel } from '../model-kernel.ts';
import { type ModelThread, WaitQueue } from '../model-thread.ts';
import {
  ANY_THREAD,
  ERROR_CANCELED,
  ERROR_NON_EXISTENT,
  ERROR_TIMEOUT,
  L4_CANCEL,
  L4_IPC,
  L4_UNMAP,
  NIL_THREAD,
  PHASE_RECEIVE,
  PHASE_SEND,
  TIMEOUT_NEVER,
  TIMEOUT_ZERO,
  UNMAP_ALL,
  UTCB_BYTES,
} from './abi.ts';
import { MappingDatabase } from './mapping-database.ts';
import { transferMessage } from './transfer.ts';

/** What IPC knows of a thread. */
interface Partner {
  readonly thread: ModelThread;
  readonly utcbAt: number;
  /** Threads that want to send to it, first come first. */
  readonly senders: WaitQueue;
}

const NS_PER_US = 1000;

export class L4 implements Model {
  readonly kernel: ModelKernel;
  readonly mappings: MappingDatabase;
  /** By thread id: one table for the whole system. */
  readonly #partners: (Partner | null)[] = [];

  constructor(kernel: ModelKernel) {
    this.kernel = kernel;
    this.mappings = new MappingDatabase(kernel);
    kernel.install(this);
  }

  /**
   * Makes a thread known to IPC.
   * @param utcb address of its control block, which lies within one page
   */
  register(thread: ModelThread, utcb: number): void {
    const utcbAt = thread.task.space.locateWordForWriting(utcb);
    if (utcbAt < 0 || (utcb % PAGE_BYTES) + UTCB_BYTES > PAGE_BYTES) {
      throw new RangeError(`no control block can be at 0x${utcb.toString(16)}`);
    }
    this.#partners[thread.id] = { thread, utcbAt, senders: new WaitQueue('fifo') };
  }

  systemCall(thread: ModelThread): void {
    switch (thread.callNumber) {
      case L4_IPC:
        return this.#ipc(thread);
      case L4_UNMAP:
        return this.#unmap(thread);
      case L4_CANCEL:
        return this.#cancel(thread);
      default:
        return thread.answer(-1);
    }
  }

  timedOut(thread: ModelThread): void {
    const phase = thread.tcb.state === 'blockedOnSend' ? PHASE_SEND : PHASE_RECEIVE;
    this.#fail(thread, ERROR_TIMEOUT, phase);
  }

  /** Whoever waits for it waits in vain. */
  ended(thread: ModelThread): void {
    const own = this.#partners[thread.id] ?? null;
    this.#partners[thread.id] = null;
    if (own === null) return;
    for (let one = own.senders.take(); one !== null; one = own.senders.take()) {
      this.#fail(one, ERROR_NON_EXISTENT, PHASE_SEND);
    }
    for (const partner of this.#partners) {
      if (partner?.thread.tcb.state !== 'blockedOnReceive') continue;
      if (partner.thread.argument(1) === thread.id) {
        this.#fail(partner.thread, ERROR_NON_EXISTENT, PHASE_RECEIVE);
      }
    }
  }

  // ------------------------------------------------------------------------------------------ IPC

  #ipc(thread: ModelThread): void {
    const own = this.#partners[thread.id] ?? null;
    if (own === null) return thread.answer(errorAnswer(ERROR_NON_EXISTENT, PHASE_SEND));
    const to = thread.argument(0);
    if (to === NIL_THREAD) return this.#receive(own);
    const partner = this.#lookup(to);
    if (partner === null) {
      return thread.answer(errorAnswer(ERROR_NON_EXISTENT, PHASE_SEND));
    }
    if (!isWaitingFor(partner.thread, thread.id)) {
      return this.#wait(thread, 'blockedOnSend', partner.senders);
    }
    const error = transferMessage(this, own, partner);
    partner.thread.answer(error === 0 ? thread.id : errorAnswer(error, PHASE_RECEIVE));
    if (error === 0) this.#receive(own);
    else thread.answer(errorAnswer(error, PHASE_SEND));
    // Rendezvous: when the sender waits now, its partner runs at once, whatever its priority.
    if (thread.tcb.state === 'running') this.kernel.wake(partner.thread);
    else this.kernel.switchDirectly(partner.thread);
  }

  /** The receive phase, of a thread that runs or of one whose message has just been taken. */
  #receive(own: Partner): void {
    const { thread } = own;
    const from = thread.argument(1);
    if (from === NIL_THREAD) return this.#answer(thread, 0);
    if (from !== ANY_THREAD && this.#lookup(from) === null) {
      return this.#answer(thread, errorAnswer(ERROR_NON_EXISTENT, PHASE_RECEIVE));
    }
    const sender = from === ANY_THREAD ? own.senders.head : findWaiting(own.senders, from);
    if (sender === null) return this.#wait(thread, 'blockedOnReceive', null);
    own.senders.remove(sender);
    sender.timeoutAtNs = Infinity;
    const other = this.#partners[sender.id] as Partner;
    const error = transferMessage(this, other, own);
    this.#answer(thread, error === 0 ? sender.id : errorAnswer(error, PHASE_RECEIVE));
    if (error === 0) this.#receive(other);
    else this.#answer(sender, errorAnswer(error, PHASE_SEND));
  }

  #wait(
    thread: ModelThread,
    state: 'blockedOnSend' | 'blockedOnReceive',
    queue: WaitQueue | null,
  ): void {
    const timeoutUs = thread.argument(state === 'blockedOnSend' ? 2 : 3);
    if (timeoutUs === TIMEOUT_ZERO) {
      const phase = state === 'blockedOnSend' ? PHASE_SEND : PHASE_RECEIVE;
      return this.#answer(thread, errorAnswer(ERROR_TIMEOUT, phase));
    }
    this.kernel.block(thread, state, queue);
    if (timeoutUs === TIMEOUT_NEVER) return;
    this.kernel.setTimeout(thread, this.kernel.now() + timeoutUs * NS_PER_US);
  }

  #lookup(id: number): Partner | null {
    this.kernel.counters.nameLookups += 1;
    return this.#partners[id] ?? null;
  }

  /** To a thread that runs, or to one that waits, which goes on. */
  #answer(thread: ModelThread, value: number): void {
    thread.answer(value);
    if (thread.tcb.state !== 'running') this.kernel.wake(thread);
  }

  #fail(thread: ModelThread, code: number, phase: number): void {
    this.#answer(thread, errorAnswer(code, phase));
  }

  #cancel(thread: ModelThread): void {
    const partner = this.#lookup(thread.argument(0));
    const state = partner?.thread.tcb.state;
    thread.answer(partner === null ? -ERROR_NON_EXISTENT : 0);
    if (partner === null) return;
    if (state === 'blockedOnSend') this.#fail(partner.thread, ERROR_CANCELED, PHASE_SEND);
    if (state === 'blockedOnReceive') this.#fail(partner.thread, ERROR_CANCELED, PHASE_RECEIVE);
  }

  // ----------------------------------------------------------------------------------------- pages

  #unmap(thread: ModelThread): void {
    const page = thread.argument(0);
    const sizeBits = (page >>> 4) & 0x3f;
    const first = page >>> PAGE_SHIFT;
    const what = thread.argument(1) === UNMAP_ALL ? 'all' : 'others';
    for (let i = 0; i < 2 ** (sizeBits - PAGE_SHIFT); i += 1) {
      this.mappings.unmap({ space: thread.task.space, page: first + i }, what);
    }
    thread.answer(0);
  }
}

function errorAnswer(code: number, phase: number): number {
  return -(code * 2 + phase);
}

function isWaitingFor(thread: ModelThread, sender: number): boolean {
  if (thread.tcb.state !== 'blockedOnReceive') return false;
  const from = thread.argument(1);
  return from === ANY_THREAD || from === sender;
}

function findWaiting(queue: WaitQueue, id: number): ModelThread | null {
  let thread = queue.head;
  while (thread !== null && thread.id !== id) thread = thread.waitNext;
  return thread;
}
