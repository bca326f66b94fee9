/**
 * Who gets how much of a disk, by scheduling policy? Three clients, always with requests waiting,
 * whose requests are of 4, 16 and 64 KiB: each one's share of the bytes, and Jain's index over what
 * they have been given, divided by what they are entitled to. All policies alternate in one
 * process.
 */

import { jainIndex } from '../../virtualisers/blk/policy/fairness.ts';
import { type BlkLoad, BlkRig, type BlkRigOptions } from '../blk-rig.ts';
import type { BenchRow } from '../results.ts';
import { round, summarise } from '../statistics.ts';
import type { BenchSettings } from '../suite/benchmark.ts';
import { KIB, RANDOM_READ } from './point.ts';

interface Contest {
  /** What the row calls it. */
  readonly policy: string;
  readonly config: NonNullable<BlkRigOptions['policy']>;
  readonly clients: readonly Contestant[];
}

interface Contestant {
  readonly load: BlkLoad;
  /** Relative to the others'. */
  readonly entitled: number;
}

const SIZES = [4, 16, 64];
const WEIGHTS = [1, 2, 4];
/** Small enough for the disk to serve all three: what a bucket allows is what a client gets. */
const BUCKET_BYTES_PER_SECOND = 20e6;
const BUCKET_BURST_BYTES = 256 * KIB;
const DRR = { kind: 'drr', quantumBytes: 64 * KIB } as const;
/** Requests given to the driver at once; the policy decides over those that wait behind them. */
const WINDOW = 16;
const DEPTH = 32;

function contestants(share: (index: number) => Pick<BlkLoad, 'share'>): Contestant[] {
  return SIZES.map((size, index) => {
    const { share: given } = share(index);
    const load = { ...RANDOM_READ, requestBytes: size * KIB, depth: DEPTH };
    return {
      load: given === undefined ? load : { ...load, share: given },
      entitled: given?.weight ?? given?.bytesPerSecond ?? 1,
    };
  });
}

const CONTESTS: readonly Contest[] = [
  { policy: 'strict', config: { kind: 'strict' }, clients: contestants(() => ({})) },
  { policy: 'round-robin', config: { kind: 'round-robin' }, clients: contestants(() => ({})) },
  { policy: 'drr', config: DRR, clients: contestants(() => ({})) },
  {
    policy: 'drr, weights 1:2:4',
    config: DRR,
    clients: contestants((index) => ({ share: { weight: WEIGHTS[index] as number } })),
  },
  {
    policy: 'token-bucket, rates 1:2:4',
    config: { kind: 'token-bucket' },
    clients: contestants((index) => ({
      share: {
        bytesPerSecond: BUCKET_BYTES_PER_SECOND * (WEIGHTS[index] as number),
        burstBytes: BUCKET_BURST_BYTES,
      },
    })),
  },
];

/** A bucket is full at first: shares are of the time after that. */
const WARM_UP_SAMPLES = 2;

export async function benchBlkPolicies(settings: BenchSettings): Promise<readonly BenchRow[]> {
  const rigs = CONTESTS.map(
    ({ config, clients }) =>
      new BlkRig({
        loads: clients.map(({ load }) => load),
        backend: { kind: 'memory' },
        policy: config,
        window: WINDOW,
      }),
  );
  const measured: number[][][] = CONTESTS.map(() => []);
  for (let sample = -WARM_UP_SAMPLES; sample < settings.repeat; sample += 1) {
    for (const [index, { policy, clients }] of CONTESTS.entries()) {
      settings.onProgress(`blk: shares under ${policy}`);
      const rates = await (rigs[index] as BlkRig).rates(settings.sampleNs);
      const bytes = rates.map((rate, i) => rate * (clients[i] as Contestant).load.requestBytes);
      if (sample >= 0) (measured[index] as number[][]).push(bytes);
    }
  }
  for (const rig of rigs) await rig.close();
  return CONTESTS.flatMap((contest, index) => rowsOf(contest, measured[index] as number[][]));
}

/** @param samples bytes per second, by client */
function rowsOf({ policy, clients }: Contest, samples: readonly (readonly number[])[]): BenchRow[] {
  const common = { policy, ratioToNative: null };
  const indices = samples.map((bytes) =>
    jainIndex(bytes.map((each, i) => each / (clients[i] as Contestant).entitled)),
  );
  const fairness = summarise(indices.map(round));
  const shares = clients.map(({ load, entitled }, client): BenchRow => {
    const values = samples.map((bytes) => round((bytes[client] as number) / sum(bytes)));
    const whole = sum(clients.map((each) => each.entitled));
    const parameters = { client: `${load.requestBytes / KIB} KiB requests` };
    const due = round(entitled / whole);
    return {
      name: 'blk/share',
      ...parameters,
      ...common,
      unit: 'share',
      ...summarise(values),
      entitled: due,
    };
  });
  const total = summarise(samples.map((bytes) => round(sum(bytes) / 1e6)));
  return [
    {
      name: 'blk/fairness',
      ...common,
      unit: "Jain's index",
      ...fairness,
      mbPerSecond: total.median,
    },
    ...shares,
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}
