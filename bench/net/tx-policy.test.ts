/**
 * The transmit virtualiser's policies: who gets how much, exactly, because virtual time is the same
 * everywhere; and that nothing is stuck behind a window that is smaller than what clients have to
 * send.
 */

import { describe, expect, it } from 'vitest';
import type { NetTxPolicyConfig } from '../../queues/net/config.ts';
import { hostileClient } from '../../test/support/hostile-client.ts';
import { NetRig } from '../net-rig.ts';
import { withConfig, withProgram } from './replace.ts';
import { benchNetTxPolicy } from './tx-policy.ts';

const ROWS = benchNetTxPolicy({
  length: 'smoke',
  repeat: 1,
  sampleNs: 1_000_000,
  onProgress: () => undefined,
  onNotice: () => undefined,
});

/** Of the client with large frames, then of the one with small ones. */
function shares(policy: string, field: 'median' | 'shareOfFrames'): readonly number[] {
  return ROWS.filter((row) => row['policy'] === policy).map((row) => Number(row[field]));
}

describe('two clients that send without end', () => {
  it('strict: the first has everything', () => {
    expect(shares('strict', 'median')).toEqual([1, 0]);
  });

  it('round robin: as many frames each', () => {
    const [large, small] = shares('round-robin', 'shareOfFrames');

    expect(large).toBeCloseTo(0.5, 2);
    expect(small).toBeCloseTo(0.5, 2);
  });

  it('deficit round robin: as many bytes each, or by weight', () => {
    expect(shares('drr', 'median')[0]).toBeCloseTo(0.5, 1);
    expect(shares('drr 1:3', 'median')[0]).toBeCloseTo(0.25, 1);
  });
});

const POLICIES: readonly NetTxPolicyConfig[] = [
  { kind: 'strict', window: 4 },
  { kind: 'round-robin', window: 1 },
  { kind: 'drr', quantumBytes: 1514, window: 4 },
];

function expectAllAnswered(rig: NetRig): void {
  rig.runFor(20_000_000);
  rig.generator.stop();
  rig.runFor(2_000_000);
  const { sent, answered } = rig.generator.counters;
  expect(sent).toBeGreaterThan(1_000);
  expect(answered).toBe(sent);
}

describe.each(POLICIES)('policy $kind, window $window', (policy) => {
  it('sends all that clients have, although it is more than the window', () => {
    const rig = new NetRig({
      path: '5pd',
      frame: 64,
      batch: 64,
      targets: 2,
      clock: 'virtual',
      change: (system) => withConfig(system, 'net_virt_tx', { policy }),
    });

    expectAllAnswered(rig);
  });

  it('lets a hostile client harm nobody else', () => {
    const rig = new NetRig({
      path: '5pd',
      frame: 64,
      batch: 8,
      clock: 'virtual',
      timeoutNs: 1_000_000,
      change: (system) =>
        withProgram(
          withConfig(system, 'net_virt_tx', { policy }),
          'client1',
          hostileClient(3, { count: 0 }),
        ),
    });

    expectAllAnswered(rig);
  });
});
