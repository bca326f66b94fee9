/**
 * What stands behind "not everybody is served": who waits for whom, with which flag, since when,
 * and which interrupt has not been acknowledged. Read from outside, from the queues' memory, the
 * virtqueues and the interrupt controller.
 */

import type { Ram } from '../../memory/ram.ts';
import type { QueueKind, QueueMemory } from '../../queues/class.ts';
import { indexDistance, type QueueRecord, readIndex, SERIAL_CLASS } from '../../queues/classes.ts';
import {
  type IrqStates,
  type NamedIrq,
  systemQueues,
  waitingInterrupts,
} from '../../systems/diagnosis.ts';
import { type NetEnd, type NetEnds, netEndsOf } from './net-ends.ts';
import type { SystemMemory } from './system-memory.ts';

interface Depth {
  readonly tail: number;
  readonly head: number;
  readonly sinceNs: number;
}

/**
 * Watches from the time when faults have stopped; sampled now and then, so "since" is as exact as
 * that.
 */
export class StallWatch {
  readonly #memory: SystemMemory;
  readonly #ram: Ram;
  readonly #ends: NetEnds | undefined;
  readonly #queues: readonly QueueRecord[];
  readonly #depths = new Map<string, Depth>();

  constructor(memory: SystemMemory, ram: Ram) {
    this.#memory = memory;
    this.#ram = ram;
    this.#ends = netEndsOf(memory.system);
    this.#queues = systemQueues(memory.system);
  }

  sample(nowNs: number): void {
    for (const { region, kind } of this.#queues) {
      const place = this.#memory.region(region);
      if (place === undefined) continue;
      const memory = this.#memoryAt(place.at);
      const tail = readIndex(kind, memory, kind.tail);
      this.#note(region, tail, readIndex(kind, memory, kind.head), nowNs);
    }
    for (const queue of this.#memory.virtqueues.values()) {
      const indices = this.#memory.virtqueueIndices(queue, this.#ram);
      if (indices !== undefined) this.#note(queue.name, indices.available, indices.used, nowNs);
    }
  }

  /** @returns one sentence for each thing that waits */
  report(irqs: readonly NamedIrq[], states: IrqStates): readonly string[] {
    return [
      ...this.#queues.flatMap((queue) => this.#queueLine(queue)),
      ...[...this.#memory.virtqueues.values()].flatMap(({ name, carries }) =>
        carries === 'data' ? this.#deviceLine(name) : [],
      ),
      ...waitingInterrupts(irqs, states),
    ];
  }

  #queueLine({ region, capacity, kind }: QueueRecord): readonly string[] {
    const depth = this.#depths.get(region);
    // Empty buffers may lie in their queue for as long as they like.
    if (depth === undefined || kind.carries === 'empty buffers') return [];
    const entries = indexDistance(kind, depth.tail, depth.head);
    if (entries === 0) return [];
    const unit = SERIAL_CLASS.queues.includes(kind) ? 'bytes' : 'entries';
    const waits = `${region} holds ${entries} ${unit} since ${milliseconds(depth.sinceNs)}`;
    if (entries > capacity) return [`${waits}, more than its ${capacity}`];
    const [consumer, producer] = ['consumer', 'producer'].map((role) => this.#endOf(region, role));
    if (consumer === undefined || producer === undefined) return [waits];
    return [
      `${waits}: ${producer} waits for ${consumer}, ${this.#flagText(region, kind, consumer)}`,
    ];
  }

  #flagText(region: string, { signalled }: QueueKind, consumer: string): string {
    const memory = this.#memoryAt(this.#memory.region(region)?.at ?? 0);
    return signalled !== undefined && memory.read32(signalled) === 0
      ? `who asks for a signal and got none`
      : `whom nobody has to signal (${consumer})`;
  }

  #deviceLine(name: string): readonly string[] {
    const depth = this.#depths.get(name);
    const requests = depth === undefined ? 0 : (depth.tail - depth.head) & 0xffff;
    if (depth === undefined || requests === 0) return [];
    return [`the device has ${requests} requests of ${name} since ${milliseconds(depth.sinceNs)}`];
  }

  #endOf(queue: string, role: string): NetEnd['pd'] | undefined {
    return this.#ends?.ends.find((end) => end.queue === queue && end.role === role)?.pd;
  }

  #note(name: string, tail: number, head: number, nowNs: number): void {
    const known = this.#depths.get(name);
    if (known !== undefined && known.tail === tail && known.head === head) return;
    this.#depths.set(name, { tail, head, sinceNs: nowNs });
  }

  #memoryAt(from: number): QueueMemory {
    const { view } = this.#ram;
    return {
      read16: (at) => view.getUint16(from + at, true),
      read32: (at) => view.getUint32(from + at, true),
    };
  }
}

function milliseconds(ns: number): string {
  return `${(ns / 1e6).toFixed(1)} ms`;
}
