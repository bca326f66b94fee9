/** `net/traced`: what does it cost to record a trace? The echo system with a recording and without, alternating. */

import { startRecording } from '../../systems/trace/recording.ts';
import { NetRig } from '../net-rig.ts';
import type { BenchRow } from '../results.ts';
import { round, summarise } from '../statistics.ts';
import { type NetSettings, warmUpPackets } from './settings.ts';

const POINT = { path: '5pd', frame: 64 } as const;
const BATCHES = [1, 64];

export function benchNetTrace(settings: NetSettings): readonly BenchRow[] {
  return BATCHES.map((batch) => measure(settings, batch));
}

function measure(settings: NetSettings, batch: number): BenchRow {
  const plain = new NetRig({ ...POINT, batch });
  const traced = new NetRig({
    ...POINT,
    batch,
    instrument: (system) => startRecording({ system, clock: 'host' }).instrument,
  });
  settings.onProgress(`net/traced: batch ${batch}: warming up`);
  for (const rig of [plain, traced]) rig.run(warmUpPackets(settings));
  const rates: number[] = [];
  const shares: number[] = [];
  for (let sample = 1; sample <= settings.repeat; sample += 1) {
    settings.onProgress(`net/traced: batch ${batch}: ${sample} of ${settings.repeat}`);
    const without = plain.rate(settings.sampleNs);
    const rate = traced.rate(settings.sampleNs);
    rates.push(Math.round(rate));
    shares.push(rate / without);
  }
  return {
    name: 'net/traced',
    ...POINT,
    batch,
    unit: 'packets/s',
    ...summarise(rates),
    ofUntraced: round(summarise(shares).median),
    ratioToNative: null,
  };
}
