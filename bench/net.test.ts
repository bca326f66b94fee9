// A smoke run of the network benchmark: the shape of its rows, and counters that equal what one
// packet costs by hand.

import { describe, expect, it } from 'vitest';
import { NetRig } from './net-rig.ts';
import { benchNet } from './net.ts';
import { benchResults } from './results.ts';

describe('the network benchmark', () => {
  it('gives rows of the agreed shape, and a table', async () => {
    const rows = await benchNet({
      path: '5pd',
      frames: [64],
      batches: [1, 8],
      repeat: 1,
      sampleNs: 5_000_000,
      onProgress: () => undefined,
      onNotice: () => undefined,
    });
    const results = benchResults(rows);

    expect(results).toMatchObject({ schema: 1, node: process.version });
    expect(results.cpu.length).toBeGreaterThan(0);
    expect(rows).toHaveLength(2);
    for (const row of rows) {
      expect(row).toMatchObject({ name: 'net/echo', path: '5pd', frame: 64, unit: 'packets/s' });
      expect(row.median).toBeGreaterThan(0);
      expect(row.min).toBeLessThanOrEqual(row.median);
      expect(row.ratioToNative === null || row.ratioToNative > 0).toBe(true);
    }
  });

  it('waits while it warms up, so that the engine can compile', async () => {
    const rig = new NetRig({ path: '5pd', frame: 64, batch: 1 });
    let turns = 0;
    const count = setInterval(() => (turns += 1), 1);
    await rig.warmUp(200);
    clearInterval(count);

    expect(rig.generator.counters.answered).toBeGreaterThanOrEqual(200);
    // Two pauses would be enough for one turn; there are many.
    expect(turns).toBeGreaterThan(2);
  });

  it('counts two copies for a packet with a copier, one without', () => {
    const copies = (path: string): number => {
      const rig = new NetRig({ path, frame: 64, batch: 1 });
      const counted = (): { copies: number; packets: number } => ({
        copies: rig.counters().copies,
        packets: rig.generator.counters.answered,
      });
      rig.run(10);
      const before = counted();
      rig.run(200);
      const after = counted();
      return (after.copies - before.copies) / (after.packets - before.packets);
    };

    // One packet is under way at each end of the count.
    expect(copies('5pd')).toBeCloseTo(2, 1);
    expect(copies('4pd')).toBeCloseTo(1, 1);
    expect(copies('2pd')).toBeCloseTo(1, 1);
  });
});
