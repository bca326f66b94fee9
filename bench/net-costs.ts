/**
 * What the network data path costs beside time: memory that is allocated while packets flow, memory
 * of the whole process, and the time from power-on to the first echoed packet.
 */

import { type PerformanceEntry, PerformanceObserver, constants } from 'node:perf_hooks';
import { cpuUsage, memoryUsage } from 'node:process';
import { compileSparingly } from '../host/engine.ts';
import { breathe } from '../host/event-loop.ts';
import { hostNow } from '../host/host-time.ts';
import { garbageCollector } from './garbage-collector.ts';
import { NetRig } from './net-rig.ts';
import type { BenchRow } from './results.ts';
import { once, round } from './statistics.ts';

const POINT = { path: '5pd', frame: 64, batch: 64 } as const;
const PACKETS = 1_000_000;
/**
 * By then V8 has compiled everything: the feedback that it collects for that is memory, too, and no
 * steady state.
 */
const WARM_UP_PACKETS = 3_000_000;
/**
 * After a full collection V8 drops code that depended on what was collected, and compiles it again.
 */
const SETTLE_PACKETS = 1_000_000;

/** Heap growth and major collections over a million packets. */
export async function benchAllocations(): Promise<readonly BenchRow[]> {
  const collect = garbageCollector();
  const rig = await NetRig.boot(POINT);
  rig.run(WARM_UP_PACKETS);
  let major = 0;
  let minor = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as PerformanceEntry & { detail: { kind: number } }).detail;
      if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) major += 1;
      else minor += 1;
    }
  });
  collect();
  rig.run(SETTLE_PACKETS);
  await breathe();
  observer.observe({ entryTypes: ['gc'] });
  const before = memoryUsage().heapUsed;
  rig.run(PACKETS);
  const grown = memoryUsage().heapUsed - before;
  await breathe();
  observer.disconnect();
  const parameters = { ...POINT, packets: PACKETS, ratioToNative: null };
  return [
    { name: 'net/heap growth', unit: 'bytes', ...once(grown), ...parameters },
    { name: 'net/major collections', unit: 'collections', ...once(major), ...parameters },
    { name: 'net/minor collections', unit: 'collections', ...once(minor), ...parameters },
    { name: 'net/memory', unit: 'bytes', ...once(memoryUsage().rss), ...parameters },
  ];
}

/**
 * From power-on to the first echoed packet, once: with code that has never run, as in every process
 * of `sddf run`. Modules are loaded before.
 */
export async function benchBoot(): Promise<BenchRow> {
  compileSparingly();
  const startedAt = hostNow();
  const cpuBefore = cpuUsage();
  const rig = await NetRig.boot({ ...POINT, batch: 1 });
  rig.run(1);
  const took = (hostNow() - startedAt) / 1e6;
  const { user, system } = cpuUsage(cpuBefore);
  return {
    name: 'net/boot',
    unit: 'ms',
    ...once(took),
    cpuMs: round((user + system) / 1000),
    path: POINT.path,
    ratioToNative: null,
  };
}
