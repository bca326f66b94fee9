/**
 * Goal: each policy gives what it promises: order, turns, bytes by weight, bytes by time; and none
 * waits when it may go.
 */

import { describe, expect, it } from 'vitest';
import { jainIndex } from './fairness.ts';
import { makePolicy } from './policy.ts';

const KIB = 1024;

/**
 * Serves `steps` requests to clients that always have one of their size.
 * @returns bytes of each client
 */
function serve(
  policy: ReturnType<typeof makePolicy>,
  sizes: readonly number[],
  steps: number,
): number[] {
  const costs = Uint32Array.from(sizes);
  const bytes = sizes.map(() => 0);
  for (let step = 0; step < steps; step += 1) {
    const client = policy.next(costs, 0);
    bytes[client] = (bytes[client] as number) + (sizes[client] as number);
  }
  return bytes;
}

describe('strict order', () => {
  it('serves the first that has anything', () => {
    const policy = makePolicy({ kind: 'strict' }, [{}, {}, {}]);

    expect(policy.next(Uint32Array.of(0, 4096, 4096), 0)).toBe(1);
    expect(serve(policy, [4096, 4096, 4096], 9)).toEqual([9 * 4096, 0, 0]);
    expect(policy.next(Uint32Array.of(0, 0, 0), 0)).toBe(-1);
  });
});

describe('round robin', () => {
  it('serves one request of each in turn and skips who has none', () => {
    const policy = makePolicy({ kind: 'round-robin' }, [{}, {}, {}]);
    const turns = [1, 2, 3, 4].map(() => policy.next(Uint32Array.of(4096, 0, 4096), 0));

    expect(turns).toEqual([0, 2, 0, 2]);
    expect(policy.next(new Uint32Array(3), 0)).toBe(-1);
  });

  it('is not fair in bytes', () => {
    const bytes = serve(makePolicy({ kind: 'round-robin' }, [{}, {}]), [4096, 128 * KIB], 100);
    expect(jainIndex(bytes)).toBeLessThan(0.6);
  });
});

describe('deficit round robin', () => {
  const drr = { kind: 'drr', quantumBytes: 16 * KIB } as const;

  it('is fair in bytes whatever the sizes of the requests', () => {
    const bytes = serve(makePolicy(drr, [{}, {}, {}]), [4 * KIB, 64 * KIB, 256 * KIB], 5000);

    expect(jainIndex(bytes)).toBeGreaterThan(0.999);
  });

  it('gives bytes by weight', () => {
    const shares = [{ weight: 3 }, { weight: 1 }];
    const [heavy, light] = serve(makePolicy(drr, shares), [4096, 4096], 4000) as [number, number];

    expect(heavy / light).toBeCloseTo(3, 1);
  });

  it('lets nobody save up while idle', () => {
    const policy = makePolicy(drr, [{}, {}]);
    for (let i = 0; i < 100; i += 1) policy.next(Uint32Array.of(4096, 0), 0);

    const turns = Array.from({ length: 12 }, () => policy.next(Uint32Array.of(4096, 4096), 0));

    expect(turns.filter((client) => client === 1).length).toBeLessThanOrEqual(8);
    expect(turns.filter((client) => client === 0).length).toBeGreaterThanOrEqual(4);
  });

  it('serves at once a request far larger than its quantum', () => {
    const policy = makePolicy(drr, [{}, {}]);
    expect(policy.next(Uint32Array.of(0, 65_535 * 4096), 0)).toBe(1);
    expect(policy.next(new Uint32Array(2), 0)).toBe(-1);
  });
});

describe('token buckets', () => {
  it('hold a client to its rate, say when it may go, and let others pass', () => {
    const shares = [{ bytesPerSecond: 1_000_000, burstBytes: 8192 }, {}];
    const policy = makePolicy({ kind: 'token-bucket' }, shares);
    const both = Uint32Array.of(4096, 4096);

    const turns = Array.from({ length: 7 }, () => policy.next(both, 0));
    expect(turns).toEqual([0, 1, 0, 1, 1, 1, 1]);
    expect(policy.next(Uint32Array.of(4096, 0), 0)).toBe(-1);
    const { wakeAtNs } = policy;
    expect(wakeAtNs).toBeGreaterThan(0);
    expect(wakeAtNs).toBeLessThan(10_000);
    expect(policy.next(Uint32Array.of(4096, 0), wakeAtNs)).toBe(0);
  });

  it('keep the long-term rate however large the requests', () => {
    const rate = 10_000_000;
    const policy = makePolicy({ kind: 'token-bucket' }, [
      { bytesPerSecond: rate, burstBytes: 4096 },
    ]);
    const costs = Uint32Array.of(128 * KIB);
    let bytes = 0;
    for (let nowNs = 0; nowNs < 1e9;) {
      if (policy.next(costs, nowNs) === 0) bytes += 128 * KIB;
      else nowNs = policy.wakeAtNs;
    }

    expect(Math.abs(bytes - rate) / rate).toBeLessThan(0.02);
  });

  it('sleep only for those who wait', () => {
    const policy = makePolicy({ kind: 'token-bucket' }, [{ bytesPerSecond: 1 }]);
    expect(policy.next(Uint32Array.of(0), 0)).toBe(-1);
    expect(policy.wakeAtNs).toBe(Infinity);
  });
});

describe("Jain's index", () => {
  it.each([
    [[1, 1, 1, 1], 1],
    [[1, 0, 0, 0], 0.25],
    [[0, 0], 1],
  ])('of %j is %f', (amounts, index) => {
    expect(jainIndex(amounts)).toBeCloseTo(index, 12);
  });
});
