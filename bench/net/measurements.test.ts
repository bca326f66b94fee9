/**
 * A smoke run of each of the network's measurements with tiny sizes: the shape of its rows, and
 * what speed does not change.
 */

import { describe, expect, it } from 'vitest';
import { publishedBoardCosts } from '../../systems/costs/read-costs.ts';
import { predictAll } from '../cost/predict.ts';
import type { BenchRow } from '../results.ts';
import { benchNetBurst, lineRate } from './burst.ts';
import { benchNetCpuUse, errorRows } from './cpu-use.ts';
import { benchNetIsolation } from './isolation.ts';
import { benchNetQueues } from './queues.ts';
import { benchNetRfc2544 } from './rfc2544.ts';
import { searchHighest } from './search.ts';
import type { NetSettings } from './settings.ts';
import { benchNet } from '../net.ts';
import { benchNetClients, benchNetPaths, netPoints } from './sweeps.ts';

const SETTINGS: NetSettings = {
  length: 'smoke',
  repeat: 1,
  sampleNs: 2_000_000,
  onProgress: () => undefined,
  onNotice: () => undefined,
};

function expectRows(rows: readonly BenchRow[]): void {
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows) {
    expect(row.median).toBeGreaterThanOrEqual(row.min);
    expect(row.median).toBeLessThanOrEqual(row.max);
    for (const value of Object.values(row)) {
      if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true);
    }
  }
}

function named(rows: readonly BenchRow[], name: string): readonly BenchRow[] {
  return rows.filter((row) => row.name === name);
}

describe('closed-loop sweeps', () => {
  it('measure each frame at one batch and each batch at one frame', async () => {
    const points = netPoints(SETTINGS).map((net) => benchNet({ ...SETTINGS, ...net }));
    const rows = (await Promise.all(points)).flat();

    expectRows(rows);
    expect(rows.map((row) => [row['frame'], row['batch']])).toEqual([
      [64, 64],
      [1514, 64],
      [64, 1],
      [1500, 64],
    ]);
  });

  it('count one copy for each packet, however many clients share the traffic', async () => {
    const rows = await benchNetClients(SETTINGS);

    expectRows(rows);
    expect(rows.map((row) => [row.name, row['path'], row['clients']])).toEqual([
      ['net/clients', '4pd', 1],
      ['net/clients', '4pd', 2],
    ]);
    // A sample as short as a test's may begin and end with packets on their way.
    for (const row of rows) {
      expect(row['copies']).toBeGreaterThan(0);
      expect(row['copies']).toBeLessThanOrEqual(2);
    }
  });

  it('measure every path', async () => {
    const rows = await benchNetPaths(SETTINGS);

    expectRows(rows);
    expect(rows.map((row) => row['path'])).toEqual(['5pd', 'dummy', '4pd', '2pd']);
  });
});

describe('RFC 2544', () => {
  it('gives both rates, a latency for each load and percentile, and a loss for each load', () => {
    const rows = benchNetRfc2544(SETTINGS);

    expectRows(rows);
    expect(named(rows, 'net/ndr')).toHaveLength(1);
    expect(named(rows, 'net/pdr')).toHaveLength(1);
    expect(named(rows, 'net/pdr')[0]?.median).toBeGreaterThanOrEqual(
      named(rows, 'net/ndr')[0]?.median ?? Infinity,
    );
    const latencies = named(rows, 'net/latency');
    expect(latencies.map((row) => `${row['load']} ${row['percentile']}`)).toEqual(
      [10, 50, 90].flatMap((load) =>
        ['p50', 'p90', 'p99', 'p99.9'].map((each) => `${load} ${each}`),
      ),
    );
    for (const row of named(rows, 'net/loss')) expect(row.median).toBeLessThanOrEqual(1);
  });

  it('searches the highest rate that passes', () => {
    const tried: number[] = [];
    const found = searchHighest({
      low: 0,
      high: 100,
      steps: 10,
      passes: (rate) => {
        tried.push(rate);
        return rate <= 123;
      },
    });

    // 100 passes and 150 does not: then ten halvings of what is between.
    expect(tried.slice(0, 3)).toEqual([100, 150, 125]);
    expect(found.passed).toBeLessThanOrEqual(123);
    expect(found.failed).toBeGreaterThan(123);
    expect(found.failed - found.passed).toBeCloseTo(50 / 1024, 6);
  });

  it('finds the longest burst: the window, and what is answered while it fills', () => {
    const [row] = benchNetBurst(SETTINGS);

    // 64 bytes, 4 of check sequence, 8 of preamble and 12 of gap, at 1 Gb/s.
    expect(lineRate(64)).toBeCloseTo(1e9 / (88 * 8), 6);
    expect(row).toMatchObject({ name: 'net/burst', frame: 64, unit: 'frames' });
    expect(row?.median).toBeGreaterThanOrEqual(512);
  });
});

describe('CPU use', () => {
  let known: ReturnType<typeof benchNetCpuUse> | undefined;
  const rowsOnce = () => (known ??= benchNetCpuUse(SETTINGS));

  it('is predicted for every published point, and judged where the table was not fitted', () => {
    const rows = rowsOnce();
    const points = named(rows, 'net/cpu-use');

    expectRows(rows);
    expect(points).toHaveLength(8);
    const fitted = points.filter((row) => row['fitted'] === 'yes');
    expect(fitted.map((row) => row['offered'])).toEqual([957]);
    for (const row of fitted) {
      expect(row).toMatchObject({ path: '5pd', error: null });
    }
    for (const row of points) {
      if (row['fitted'] === 'no') expect(typeof row['error']).toBe('number');
      expect(row.median).toBeLessThanOrEqual(100.01);
    }
    expect(named(rows, 'net/cpu-error').map((row) => row['path'])).toEqual([
      '2pd',
      '4pd',
      'dummy',
      '5pd',
      'all',
    ]);
  });

  it('has no error where nothing was predicted, instead of one of 0 %', () => {
    const point = {
      path: '5pd',
      megabits: 957,
      cpu: 0.5,
      publishedCpu: 0.5,
      cyclesPerPacket: 110,
      publishedCycles: 100,
      error: 0.1,
      roundTripNs: 1,
      answeredShare: 1,
    } as const;

    expect(errorRows([{ ...point, fitted: 'yes' }], 'a table')).toEqual([]);
    expect(errorRows([], 'a table')).toEqual([]);
    const rows = errorRows([{ ...point, fitted: 'no' }], 'a table');
    expect(rows.map((row) => [row['path'], row.median])).toEqual([
      ['5pd', 10],
      ['all', 10],
    ]);
  });

  it('is the same in every run', () => {
    const busiest = { megabits: [957], packets: 20, onProgress: () => undefined };
    const again = predictAll(publishedBoardCosts(), busiest);
    const before = named(rowsOnce(), 'net/cpu-use').filter((row) => row['offered'] === 957);

    expect(again.map(({ path, cyclesPerPacket }) => [path, Math.round(cyclesPerPacket)])).toEqual(
      before.map((row) => [row['path'], row['cyclesPerPacket']]),
    );
    expect(again).toHaveLength(4);
  });
});

describe('isolation', () => {
  it('leaves a good client all of its share beside a slow or hostile one, with copiers', () => {
    const rows = benchNetIsolation(SETTINGS);

    expectRows(rows);
    const shares = Object.fromEntries(rows.map((row) => [row['neighbour'], row.median]));
    expect(shares).toMatchObject({ none: 1, slow: 1, hostile: 1 });
  });
});

describe('queues', () => {
  it('accounts for every wake-up, and shows depths over time', () => {
    const rows = benchNetQueues(SETTINGS);

    expectRows(rows);
    const sizes = named(rows, 'net/batch-size').filter((row) => row['offered'] === 957);
    for (const program of new Set(sizes.map((row) => row['program']))) {
      const shares = sizes.filter((row) => row['program'] === program).map((row) => row.median);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 2);
    }
    const depths = named(rows, 'net/queue-depth');
    expect(depths).toHaveLength(2 * 3 * 5);
    for (const row of depths) expect(row.median).toBeGreaterThanOrEqual(0);
  });
});
