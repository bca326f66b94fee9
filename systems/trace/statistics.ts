/**
 * Counters that explain a run: wake-ups that found no work, batches, queue depths, accesses to
 * device registers. Wake-ups and signals are the runtime's own counters, accesses the recorder's
 * since power-on; what is said of queues is of the events kept.
 */

import type { RunCounters } from '../testbed.ts';
import { depthOf, type ObservedQueue } from './queue-probes.ts';
import { EVENT_DEPTH, EVENT_GAP, EVENT_WORDS, type Recorder } from './recorder.ts';

/** Buckets of a histogram of batches: 1, 2–3, 4–7 … entries taken out in one wake-up. */
const BATCH_BUCKETS = 16;

export interface DomainStatistics {
  readonly name: string;
  readonly wakeUps: number;
  /** Wake-ups after which the program had done nothing that it counts as progress. */
  readonly wastedWakeUps: number;
  readonly protectedCalls: number;
  readonly notifies: number;
}

export interface QueueStatistics {
  readonly name: string;
  readonly capacity: number;
  /**
   * Entries in the queue: mean over the time that was recorded, and the most that there were at the
   * end of a handler.
   */
  readonly depthMean: number;
  readonly depthMax: number;
  /**
   * Wake-ups of the consumer that took something out, by how much: index i is for 2^i to 2^(i+1) -
   * 1 entries. Of a virtqueue: how many chains the device has given back between two waits of the
   * driver. None of queues of empty buffers: they are looked at now and then, and what was taken
   * out since the last look is not one batch.
   */
  readonly batches: readonly number[];
}

export interface DeviceStatistics {
  readonly name: string;
  /** Loads and stores of its registers since power-on. */
  readonly reads: number;
  readonly writes: number;
}

export interface RunStatistics {
  readonly domains: readonly DomainStatistics[];
  readonly queues: readonly QueueStatistics[];
  readonly devices: readonly DeviceStatistics[];
}

/** @param counters at the end of the run; {@link Recorder.complete} has been called */
export function runStatistics(recorder: Recorder, counters: RunCounters): RunStatistics {
  return {
    domains: Object.entries(counters.pds).map(([name, pd]) => ({
      name,
      wakeUps: pd.wakeUps,
      wastedWakeUps: pd.wastedWakeUps,
      protectedCalls: pd.protectedCalls,
      notifies: pd.notifies,
    })),
    queues: queueStatistics(recorder),
    devices: recorder.devices,
  };
}

/** One queue over the recorded time. */
class QueueSums {
  readonly #queue: ObservedQueue;
  readonly #batches = new Uint32Array(BATCH_BUCKETS);
  #depth: number;
  #depthMax: number;
  #head: number;
  #sinceNs: number;
  #sum = 0;
  #hasMissed = false;

  constructor(queue: ObservedQueue, indices: number, nowNs: number) {
    this.#queue = queue;
    this.#depth = depthOf(queue, indices);
    this.#depthMax = this.#depth;
    this.#head = indices >>> 16;
    this.#sinceNs = nowNs;
  }

  moved(indices: number, nowNs: number): void {
    this.#pass(nowNs);
    this.#depth = depthOf(this.#queue, indices);
    this.#depthMax = Math.max(this.#depthMax, this.#depth);
    const taken = ((indices >>> 16) - this.#head) & 0xffff;
    const isBatch = !this.#hasMissed && this.#queue.carries === 'data';
    this.#head = indices >>> 16;
    this.#hasMissed = false;
    // More than the queue holds: it has begun anew, as a device's does when it is reset.
    if (!isBatch || taken === 0 || taken > this.#queue.capacity) return;
    const bucket = 31 - Math.clz32(taken);
    this.#batches[bucket] = (this.#batches[bucket] ?? 0) + 1;
  }

  /** What has been taken out since the last look is not known to be one batch. */
  missed(): void {
    this.#hasMissed = true;
  }

  statistics(startNs: number, endNs: number): QueueStatistics {
    this.#pass(endNs);
    return {
      name: this.#queue.name,
      capacity: this.#queue.capacity,
      depthMean: endNs === startNs ? 0 : this.#sum / (endNs - startNs),
      depthMax: this.#depthMax,
      batches: withoutTrailingZeroes(this.#batches),
    };
  }

  #pass(nowNs: number): void {
    this.#sum += this.#depth * (nowNs - this.#sinceNs);
    this.#sinceNs = nowNs;
  }
}

function queueStatistics(recorder: Recorder): readonly QueueStatistics[] {
  const { count, dropped, capacity, times, words, queues } = recorder;
  const startNs = count === 0 ? 0 : (times[dropped & (capacity - 1)] as number);
  let nowNs = startNs;
  // What a queue was before the events that are kept, is known only when none have been dropped.
  const sums = queues.map((queue) =>
    dropped === 0 ? new QueueSums(queue, queue.first, startNs) : undefined,
  );
  for (let event = dropped; event < count; event += 1) {
    const slot = event & (capacity - 1);
    nowNs = times[slot] as number;
    const at = slot * EVENT_WORDS;
    const word0 = words[at] as number;
    if ((word0 & EVENT_GAP) !== 0) for (const sum of sums) sum?.missed();
    if ((word0 & 0xff) !== EVENT_DEPTH) continue;
    const number = (word0 >>> 8) & 0xffff;
    const indices = words[at + 1] as number;
    const known = sums[number];
    if (known === undefined) {
      sums[number] = new QueueSums(queues[number] as ObservedQueue, indices, nowNs);
    } else {
      known.moved(indices, nowNs);
    }
  }
  return queues.map((queue, number) =>
    (sums[number] ?? new QueueSums(queue, queue.first, startNs)).statistics(startNs, nowNs),
  );
}

function withoutTrailingZeroes(values: Uint32Array): readonly number[] {
  return [...values.slice(0, values.findLastIndex((value) => value !== 0) + 1)];
}
