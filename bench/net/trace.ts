/**
 * `net/traced`: what does it cost to record a trace? The echo system with a recording and without,
 * each in a process of its own, in turns; a new pair of processes for each sample, for the engine
 * compiles the same program a little differently each time.
 */

import type { BenchRow } from '../results.ts';
import { alternate } from '../slices.ts';
import { median, round, summarise } from '../statistics.ts';
import { RigProcess } from './rig-process.ts';
import { type NetSettings, warmUpPackets } from './settings.ts';

const POINT = { path: '5pd', frame: 64 } as const;
const BATCHES = [1, 64];

export async function benchNetTrace(settings: NetSettings): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const batch of BATCHES) rows.push(await measure(settings, batch));
  return rows;
}

async function measure(settings: NetSettings, batch: number): Promise<BenchRow> {
  const rates: number[] = [];
  const shares: number[] = [];
  for (let sample = 1; sample <= settings.repeat; sample += 1) {
    settings.onProgress(`net/traced: batch ${batch}: ${sample} of ${settings.repeat}`);
    const { rate, share } = await takeSample(settings, batch);
    rates.push(rate);
    shares.push(share);
  }
  return {
    name: 'net/traced',
    ...POINT,
    batch,
    unit: 'packets/s',
    ...summarise(rates.map(Math.round)),
    ofUntraced: round(median(shares)),
    ratioToNative: null,
  };
}

async function takeSample(
  settings: NetSettings,
  batch: number,
): Promise<{ readonly rate: number; readonly share: number }> {
  const options = { ...POINT, batch, warmUpPackets: warmUpPackets(settings) };
  const started: RigProcess[] = [];
  const start = async (recording: 'on' | 'off'): Promise<RigProcess> => {
    const rig = await RigProcess.start({ ...options, recording });
    started.push(rig);
    return rig;
  };
  try {
    const [plain, traced] = [await start('off'), await start('on')];
    const plan = { repeat: 1, sampleNs: settings.sampleNs, onSample: () => undefined };
    const { rates, pairRatios } = await alternate(traced, plain, plan);
    // Of all pairs, not of the fastest: a recording has work to do from time to time.
    return { rate: rates[0] as number, share: median(pairRatios) };
  } finally {
    await Promise.all(started.map((rig) => rig.close()));
  }
}
