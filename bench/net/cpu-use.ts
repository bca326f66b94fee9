/**
 * `net/cpu-use` and `net/round-trip`: CPU use and the median round trip against offered load, as
 * sDDF draws them, on all four paths; predicted under the virtual clock with a cost table, beside
 * what is published. `docs/benchmarks.md`, "Cost tables", says what the prediction rests on and
 * where it fails.
 */

import type { RunCosts } from '../../systems/run-costs.ts';
import { medianError, type Prediction, predictAll } from '../cost/predict.ts';
import { PUBLISHED_PATHS } from '../cost/published.ts';
import { publishedBoardCosts, readCosts } from '../../systems/costs/read-costs.ts';
import type { BenchRow } from '../results.ts';
import { once, round } from '../statistics.ts';
import type { BenchLength } from '../suite/benchmark.ts';
import { forLength, type NetSettings } from './settings.ts';

/** Of the published loads; all of them unless told. */
const MEGABITS: Readonly<Record<BenchLength, readonly number[] | undefined>> = {
  smoke: [900, 957],
  quick: [100, 500, 957],
  full: undefined,
};

export function benchNetCpuUse(settings: NetSettings): readonly BenchRow[] {
  const costs = settings.costs === undefined ? publishedBoardCosts() : readCosts(settings.costs);
  const packets = forLength(settings, { smoke: 20, quick: 200, full: 2_000 });
  const megabits = MEGABITS[settings.length];
  const predictions = predictAll(costs, {
    packets,
    onProgress: settings.onProgress,
    ...(megabits === undefined ? {} : { megabits }),
  });
  return [
    ...predictions.map((prediction) => cpuRow(prediction, costs)),
    ...predictions.map((prediction) => roundTripRow(prediction, costs)),
    ...errorRows(predictions, costs.name),
  ];
}

function cpuRow(prediction: Prediction, costs: RunCosts): BenchRow {
  const { path, megabits, fitted, cpu, publishedCpu, error } = prediction;
  const percent = round(error * 100);
  return {
    name: 'net/cpu-use',
    path,
    offered: megabits,
    costs: costs.name,
    fitted,
    unit: '% of a core',
    ...once(round(cpu * 100)),
    published: round(publishedCpu * 100),
    cyclesPerPacket: Math.round(prediction.cyclesPerPacket),
    publishedCyclesPerPacket: prediction.publishedCycles,
    // In per cent of the published cycles per packet. What the table was fitted on is no
    // prediction.
    error: fitted === 'yes' ? null : percent,
    residual: fitted === 'yes' ? percent : null,
    roundTripNs: Math.round(prediction.roundTripNs),
    answeredShare: round(prediction.answeredShare),
  };
}

function roundTripRow({ path, megabits, roundTripNs }: Prediction, costs: RunCosts): BenchRow {
  const figure = once(round(roundTripNs / 1e3));
  return {
    name: 'net/round-trip',
    path,
    offered: megabits,
    costs: costs.name,
    unit: 'µs',
    ...figure,
  };
}

/**
 * @returns one row for each path and one for all; none where nothing was predicted, for that is no
 * error of 0
 */
export function errorRows(predictions: readonly Prediction[], costs: string): readonly BenchRow[] {
  const errors = [
    ...PUBLISHED_PATHS.map((path) => ({ path, error: medianError(predictions, path) })),
    { path: 'all', error: medianError(predictions) },
  ];
  return errors.flatMap(({ path, error }) =>
    error === undefined
      ? []
      : [{ name: 'net/cpu-error', path, costs, unit: '%', ...once(round(error * 100)) }],
  );
}
