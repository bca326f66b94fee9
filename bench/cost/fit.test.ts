// What a fit is written down as, and how its errors are summed up. The fit itself takes a minute:
// bench/cost/fit.ts.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCosts } from '../../systems/run-costs.ts';
import { costsFile } from './fit.ts';
import { medianError, type Prediction } from './predict.ts';
import { FITTED, PUBLISHED, packetsPerSecond } from './published.ts';

describe('a fitted table', () => {
  it('scales what a wake-up costs by the factor, and nothing else', () => {
    const one = parseCosts(costsFile({ overhead: 1, datagram: 2000, deviceLatencyNs: 40_000 }));
    const two = parseCosts(costsFile({ overhead: 2, datagram: 2000, deviceLatencyNs: 40_000 }));
    if (!one.ok || !two.ok) throw new Error('a table that cannot be read');

    for (const name of ['kernelEntry', 'contextSwitch', 'invocation', 'interrupt'] as const) {
      expect(two.costs.kernel[name] / one.costs.kernel[name]).toBeCloseTo(2, 2);
    }
    expect(two.costs.work.wakeUp / one.costs.work.wakeUp).toBeCloseTo(2, 2);
    expect(two.costs.work.queueOperation).toBe(one.costs.work.queueOperation);
    expect(two.costs.events).toEqual(one.costs.events);
  });

  it('is in nanoseconds: 400 cycles at 1.01 GHz for a kernel entry', () => {
    const read = parseCosts(costsFile({ overhead: 1, datagram: 0, deviceLatencyNs: 1 }));

    expect(read).toMatchObject({ ok: true, costs: { kernel: { kernelEntry: 396 } } });
  });

  it('is the one in systems/costs: what the fit has found', () => {
    const file = readFileSync(new URL('../../systems/costs/imx8mm.json', import.meta.url), 'utf8');

    expect(file).toBe(costsFile({ overhead: 1.598, datagram: 2195, deviceLatencyNs: 45_600 }));
  });
});

describe('published figures', () => {
  it('are consistent: cycles, packets and CPU use give one clock in every row of a high load', () => {
    for (const row of PUBLISHED) {
      if (row.megabits < 200) continue;
      const gigahertz = (row.cyclesPerPacket * packetsPerSecond(row.megabits)) / row.cpu / 1e9;
      expect(gigahertz).toBeGreaterThan(0.97);
      expect(gigahertz).toBeLessThan(1.04);
    }
  });

  it('are fitted on six points of the rows with five domains', () => {
    expect(FITTED).toHaveLength(6);
    expect(FITTED.every(({ path }) => path === '5pd' || path === 'dummy')).toBe(true);
  });
});

describe('medianError', () => {
  function prediction(error: number, fitted: 'yes' | 'no', path: Prediction['path']): Prediction {
    return {
      path,
      fitted,
      error,
      megabits: 100,
      cpu: 0,
      publishedCpu: 0,
      cyclesPerPacket: 0,
      publishedCycles: 0,
      roundTripNs: 0,
      answeredShare: 1,
    };
  }

  it('takes sizes, leaves out what was fitted, and halves between two', () => {
    const rows = [
      prediction(-0.3, 'no', '2pd'),
      prediction(0.1, 'no', '4pd'),
      prediction(9, 'yes', '5pd'),
    ];

    expect(medianError(rows)).toBeCloseTo(0.2, 10);
    expect(medianError(rows, '4pd')).toBeCloseTo(0.1, 10);
    expect(medianError(rows, '5pd')).toBeUndefined();
  });
});
