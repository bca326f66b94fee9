// Whose time it is: a profile made by hand is added up as it was written down, and a program that
// is looked at is seen.

import type { Profiler } from 'node:inspector';
import { describe, expect, it } from 'vitest';
import { ROOT_URL, sampleTimes, timesOf } from './sampling.ts';

function node(id: number, name: string, path: string, children: number[] = []) {
  const url = path === '' ? '' : path.includes(':') ? path : `${ROOT_URL}${path}`;
  const callFrame = { functionName: name, url, scriptId: '1', lineNumber: 1, columnNumber: 1 };
  return { id, callFrame, children } satisfies Profiler.ProfileNode;
}

/** A kernel calls a driver, which calls a queue, and a loop in WebAssembly; then garbage. */
const PROFILE: Profiler.Profile = {
  startTime: 0,
  endTime: 100,
  nodes: [
    node(1, '(root)', '', [2, 6, 7]),
    node(2, 'run', 'kernel/kernel.ts', [3]),
    node(3, 'notified', 'drivers/network/virtio/driver.ts?domain=driver', [4, 5]),
    node(4, 'dequeue', 'queues/net/queue.ts'),
    node(5, 'wasm-function[0]', 'wasm://wasm/1'),
    node(6, '(garbage collector)', ''),
    node(7, 'queue', 'queues/net/queue.ts'),
  ],
  samples: [2, 3, 4, 5, 6, 7, 7],
  timeDeltas: [0, 1, 2, 3, 4, 5, 6],
};
const GAP_US = 90_000;

const OWNERS = { kernel: /^kernel\//, driver: /^drivers\/.*driver\.ts$/ };

function owner(path: string): string | undefined {
  return Object.entries(OWNERS).find(([, pattern]) => pattern.test(path))?.[0];
}

describe('the time of a profile', () => {
  it('counts for who runs, or who has called what all use; what nobody called counts for none', () => {
    expect(Object.fromEntries(timesOf(PROFILE, owner))).toEqual({
      kernel: 1000,
      driver: (2 + 3 + 4) * 1000,
      'garbage collector': 5000,
    });
  });
});

describe('a look', () => {
  it('that another process has kept from coming counts for little', () => {
    const timeDeltas = [0, 100, GAP_US, 100, 100, 100, 100];
    const times = timesOf({ ...PROFILE, timeDeltas }, owner);

    expect(times.get('driver')).toBeLessThan(1_000_000);
  });
});

describe('a program that is looked at', () => {
  it('has time of its own', async () => {
    const work = (): void => {
      const before = process.cpuUsage();
      while (process.cpuUsage(before).user < 60_000);
    };
    const times = await sampleTimes(work, (path) =>
      path === 'bench/shares/sampling.test.ts' ? 'test' : undefined,
    );

    expect(times.get('test') ?? 0).toBeGreaterThan(100_000);
  });
});
