/**
 * A channel: the clients that wait to send, the pulses that have come, and the threads that wait
 * for either.
 */

import type { KernelHeap } from '../heap.ts';
import { type ModelThread, type Task, WaitQueue } from '../model-thread.ts';
import { PULSE_NODE_BYTES } from './abi.ts';

export interface Pulse {
  readonly at: number;
  readonly priority: number;
  readonly code: number;
  readonly value: number;
  readonly scoid: number;
}

export interface ChannelOptions {
  readonly owner: Task;
  readonly chid: number;
  readonly priorities: 'floating' | 'fixed';
  readonly unblocks: 'by pulse' | 'at once';
}

export class Channel {
  readonly owner: Task;
  readonly chid: number;
  readonly priorities: 'floating' | 'fixed';
  readonly unblocks: 'by pulse' | 'at once';
  isDestroyed = false;
  /** SEND-blocked. */
  readonly senders = new WaitQueue('priority');
  /** RECEIVE-blocked: the one that came last is served first, its cache is warm. */
  readonly receivers = new WaitQueue('lifo');
  /** Threads that have received and not come back for more. */
  readonly serving: ModelThread[] = [];
  readonly #pulses: Pulse[] = [];

  constructor(options: ChannelOptions) {
    this.owner = options.owner;
    this.chid = options.chid;
    this.priorities = options.priorities;
    this.unblocks = options.unblocks;
  }

  /** Highest priority first, then first come first. @returns whether there was memory for it */
  addPulse(heap: KernelHeap, pulse: Omit<Pulse, 'at'>): boolean {
    const at = heap.allocate(PULSE_NODE_BYTES);
    if (at === 0) return false;
    const behind = this.#pulses.findIndex((other) => other.priority < pulse.priority);
    this.#pulses.splice(behind < 0 ? this.#pulses.length : behind, 0, { ...pulse, at });
    return true;
  }

  get firstPulse(): Pulse | undefined {
    return this.#pulses[0];
  }

  dropFirstPulse(heap: KernelHeap): void {
    const pulse = this.#pulses.shift();
    if (pulse !== undefined) heap.free(pulse.at, PULSE_NODE_BYTES);
  }
}

/** A client that waits for its reply: what a rcvid stands for. */
export interface Received {
  readonly client: ModelThread;
  readonly channel: Channel;
}
