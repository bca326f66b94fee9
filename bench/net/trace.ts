/** `net/traced`: what does it cost to record a trace? The echo system with a recording and without, alternating. */

import { startRecording } from '../../systems/trace/recording.ts';
import { NetRig } from '../net-rig.ts';
import type { BenchRow } from '../results.ts';
import { alternate } from '../slices.ts';
import { median, round, summarise } from '../statistics.ts';
import { type NetSettings, warmUpPackets } from './settings.ts';

const POINT = { path: '5pd', frame: 64 } as const;
const BATCHES = [1, 64];

export async function benchNetTrace(settings: NetSettings): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const batch of BATCHES) rows.push(await measure(settings, batch));
  return rows;
}

async function measure(settings: NetSettings, batch: number): Promise<BenchRow> {
  const plain = await NetRig.boot({ ...POINT, batch });
  const traced = await NetRig.boot({
    ...POINT,
    batch,
    instrument: (system) => startRecording({ system, clock: 'host' }).instrument,
  });
  settings.onProgress(`net/traced: batch ${batch}: warming up`);
  for (const rig of [plain, traced]) await rig.warmUp(warmUpPackets(settings));
  const { rates, pairRatios } = await alternate(traced, plain, {
    repeat: settings.repeat,
    sampleNs: settings.sampleNs,
    onSample: (sample) =>
      settings.onProgress(`net/traced: batch ${batch}: ${sample} of ${settings.repeat}`),
  });
  return {
    name: 'net/traced',
    ...POINT,
    batch,
    unit: 'packets/s',
    ...summarise(rates.map(Math.round)),
    // Of all pairs, not of the fastest: a recording has work to do from time to time.
    ofUntraced: round(median(pairRatios)),
    ratioToNative: null,
  };
}
