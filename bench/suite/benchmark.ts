/** What a benchmark is to the suite: a name, a question, and parts that each give rows. */

import type { BenchRow } from '../results.ts';

/**
 * `smoke` is for tests: as little as shows the shape of the rows. `quick` is for a look, `full` for
 * a record.
 */
export type BenchLength = 'smoke' | 'quick' | 'full';

/** What a part is told, and whom it tells. */
export interface BenchSettings {
  readonly length: BenchLength;
  /** Samples of each figure. */
  readonly repeat: number;
  /** How long each sample is. */
  readonly sampleNs: number;
  /** Which points of `net/echo`; those of the sweep unless told. */
  readonly net?: NetPoints;
  /** A cost table for `net/cpu-use`; that of the published board unless told. */
  readonly costs?: string;
  /** Called before each sample, with a line that says what it is. */
  readonly onProgress: (line: string) => void;
  /** Called once for whatever is missing here: a compiler, a tool. */
  readonly onNotice: (line: string) => void;
}

export interface NetPoints {
  readonly path: string;
  /** Bytes of a frame, without its check sequence. */
  readonly frames: readonly number[];
  readonly batches: readonly number[];
}

/**
 * A piece of a benchmark. Each runs in a process of its own: what one leaves behind in the engine
 * slows no other.
 */
export interface BenchPart {
  readonly name: string;
  /** How long it takes on two cores, about; the time that is left is reckoned from it. */
  readonly seconds: Readonly<Record<BenchLength, number>>;
  /** What a quick run does not measure of it. */
  readonly quick?: 'left out' | `only ${string}`;
  readonly measure: (settings: BenchSettings) => readonly BenchRow[] | Promise<readonly BenchRow[]>;
  /**
   * For a part whose figures would disturb each other: its pieces, each for a process of its own.
   * Where several measure the same figures, they are samples of them.
   */
  readonly split?: (settings: BenchSettings) => Promise<readonly BenchSettings[]>;
}

export interface Benchmark {
  readonly name: string;
  readonly question: string;
  readonly parts: readonly BenchPart[];
  /** Its rows for a terminal, where a table for each name is not what one wants to see. */
  readonly lines?: (rows: readonly BenchRow[]) => Promise<readonly string[]>;
}

/** What a quick run of them does not measure, as lines for people; none where that is nothing. */
export function leftOutQuickly(benchmarks: readonly Benchmark[]): readonly string[] {
  const parts = benchmarks.flatMap(({ name, parts: each }) =>
    each.map((part) => ({ name: `${name}/${part.name}`, quick: part.quick })),
  );
  const none = parts.filter(({ quick }) => quick === 'left out').map(({ name }) => name);
  const fewer = parts.flatMap(({ name, quick }) =>
    quick === undefined || quick === 'left out' ? [] : [`${name} ${quick}`],
  );
  return [
    ...(none.length === 0 ? [] : [`a quick run leaves out ${none.join(', ')}`]),
    ...(fewer.length === 0 ? [] : [`a quick run measures of ${fewer.join(', of ')}`]),
  ];
}

/** The lengths of samples, and how many unless `--repeat` tells. */
export const SAMPLES: Readonly<
  Record<BenchLength, { readonly sampleNs: number; readonly repeat: number }>
> = {
  smoke: { sampleNs: 2_000_000, repeat: 1 },
  quick: { sampleNs: 50_000_000, repeat: 3 },
  full: { sampleNs: 400_000_000, repeat: 5 },
};

/** From so much slower than planned on, a quick run takes two samples of each figure, or one. */
const SLOW = 1.25;
const VERY_SLOW = 1.75;

/**
 * How many samples a run takes of each figure unless `--repeat` tells: a quick one fewer where
 * things take longer, so that it is over in three minutes on a machine of half the speed.
 *
 * @param pace how much longer things take here than on the machine that they were planned on
 */
export function samplesAt(length: BenchLength, pace: number): number {
  const { repeat } = SAMPLES[length];
  if (length !== 'quick' || pace < SLOW) return repeat;
  return pace < VERY_SLOW ? 2 : 1;
}

/** That samples are fewer than usual, as a line for people; none where they are not. */
export function fewerSamples(length: BenchLength, samples: number): readonly string[] {
  const { repeat } = SAMPLES[length];
  if (length !== 'quick' || samples >= repeat) return [];
  const count = samples === 1 ? 'one sample' : `${samples} samples`;
  return [`this quick run has ${count} of each figure in place of ${repeat}`];
}
