/**
 * Counters that explain a run: wake-ups that found no work, batches, queue depths, accesses to device registers. Wake-ups and
 * signals are the runtime's own counters; the rest is the recorder's.
 */

import type { RunCounters } from '../testbed.ts';
import { EVENT_DEPTH, EVENT_WORDS, type Recorder } from './recorder.ts';

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
  /** Entries in the queue: mean over the time that was recorded, and the most that there were at the end of a handler. */
  readonly depthMean: number;
  readonly depthMax: number;
  /** Wake-ups of the consumer that took something out, by how much: index i is for 2^i to 2^(i+1) - 1 entries. */
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
  const means = depthMeans(recorder);
  return {
    domains: Object.entries(counters.pds).map(([name, pd]) => ({
      name,
      wakeUps: pd.wakeUps,
      wastedWakeUps: pd.wastedWakeUps,
      protectedCalls: pd.protectedCalls,
      notifies: pd.notifies,
    })),
    queues: recorder.queues.map(({ record, depthMax, batches }, number) => ({
      name: record.region,
      capacity: record.capacity,
      depthMean: means[number] ?? 0,
      depthMax,
      batches: withoutTrailingZeroes(batches),
    })),
    devices: recorder.devices,
  };
}

/** Every queue's mean depth over the recorded time. */
function depthMeans(recorder: Recorder): readonly number[] {
  const { count, dropped, capacity, times, words, queues } = recorder;
  const sums = queues.map(() => 0);
  const depths = queues.map(() => 0);
  const since = queues.map(() => times[dropped & (capacity - 1)] ?? 0);
  let nowNs = since[0] ?? 0;
  const startNs = nowNs;
  for (let event = dropped; event < count; event += 1) {
    const slot = event & (capacity - 1);
    nowNs = times[slot] as number;
    const at = slot * EVENT_WORDS;
    if (((words[at] as number) & 0xff) !== EVENT_DEPTH) continue;
    const queue = words[at + 1] as number;
    sums[queue] = (sums[queue] ?? 0) + (depths[queue] ?? 0) * (nowNs - (since[queue] ?? 0));
    since[queue] = nowNs;
    depths[queue] = words[at + 2] as number;
  }
  return sums.map((sum, queue) => {
    const whole = sum + (depths[queue] ?? 0) * (nowNs - (since[queue] ?? 0));
    return nowNs === startNs ? 0 : whole / (nowNs - startNs);
  });
}

function withoutTrailingZeroes(values: Uint32Array): readonly number[] {
  return [...values.slice(0, values.findLastIndex((value) => value !== 0) + 1)];
}
