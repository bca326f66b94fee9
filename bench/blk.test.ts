/**
 * A smoke run of the block benchmark's rig: the counts for one request are those derived by hand,
 * whatever the speed.
 */

import { describe, expect, it } from 'vitest';
import { BlkRig } from './blk-rig.ts';

const SAMPLE_NS = 100e6;

describe('one request at a time', () => {
  it('costs five notifications and eight kernel entries, and copies nothing between client and device', async () => {
    const load = { order: 'random', readPercent: 100, requestBytes: 4096, depth: 1 } as const;
    const rig = new BlkRig({ loads: [load], backend: { kind: 'memory' } });
    await rig.rates(SAMPLE_NS);
    const before = rig.counters();
    const requests = (): number => rig.counters().programs['client0']?.['requests'] ?? 0;
    const first = requests();
    while (requests() < first + 300) await rig.rates(SAMPLE_NS);
    const after = rig.counters();

    const answered = requests() - first;
    expect(after.copies - before.copies).toBe(0);
    // The driver's watchdog ticks by the host's clock: on a busy machine its signals and entries
    // are a few for many requests. Client to virtualiser, virtualiser to driver, device's
    // interrupt, driver to virtualiser, virtualiser to client.
    const sent = after.kernel.notificationsSent - before.kernel.notificationsSent;
    expect(Math.round(sent / answered)).toBe(5);
    const entries = after.kernel.kernelEntries - before.kernel.kernelEntries;
    expect(Math.round(entries / answered)).toBe(8);
    expect(after.programs['client0']?.['errors']).toBe(0);
  });
});

describe('a sample that is too short for a request', () => {
  it('goes on until one has been answered', async () => {
    const load = { order: 'random', readPercent: 100, requestBytes: 4096, depth: 1 } as const;
    const rig = new BlkRig({ loads: [load], backend: { kind: 'memory' } });

    const [rate] = await rig.rates(1);

    expect(rate).toBeGreaterThan(0);
    await rig.close();
  });
});

describe('several clients', () => {
  it('share the disk as the policy says', async () => {
    const load = { order: 'sequential', readPercent: 100, depth: 16 } as const;
    const loads = [4096, 65_536].map((requestBytes) => ({ ...load, requestBytes }));
    const rig = new BlkRig({
      loads,
      backend: { kind: 'memory' },
      policy: { kind: 'drr', quantumBytes: 65_536 },
      window: 8,
    });
    await rig.rates(SAMPLE_NS);
    const rates = await rig.rates(2 * SAMPLE_NS);
    const [small = 0, large = 0] = rates.map((rate, i) => rate * (loads[i]?.requestBytes ?? 0));

    expect(small / large).toBeGreaterThan(0.8);
    expect(small / large).toBeLessThan(1.25);
  });

  it('go on when buckets run dry while the driver has as much as it may have', async () => {
    const load = { order: 'random', readPercent: 100, requestBytes: 4096, depth: 32 } as const;
    const share = { bytesPerSecond: 40e6, burstBytes: 65_536 };
    const rig = new BlkRig({
      loads: [load, { ...load, share }],
      backend: { kind: 'memory' },
      policy: { kind: 'token-bucket' },
      window: 4,
    });
    const burst = share.burstBytes / load.requestBytes;
    const answered = (): number => rig.counters().programs['client1']?.['requests'] ?? 0;
    for (let sample = 0; sample < 100 && answered() <= 2 * burst; sample += 1) {
      await rig.rates(SAMPLE_NS / 10);
    }

    expect(answered()).toBeGreaterThan(2 * burst);
    expect(rig.counters().kernel.faults).toBe(0);
  });
});
