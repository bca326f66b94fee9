/**
 * How many worlds does the simulator run? Worlds of ready-made systems, each with standard chaos of
 * its own seed, one after the other in this process, as a worker of `sddf sim` runs them: with the
 * order of events as it comes, and with orders that are explored.
 *
 * Rates are those of a second of processor time, all threads: another core runs as many again.
 */

import { cpuUsage } from 'node:process';
import { assert } from '../memory/assert.ts';
import { type CampaignSpec, type CampaignSystem, runSeed } from '../sim/campaign/campaign.ts';
import { WorldMemory } from '../sim/world-memory.ts';
import { systems } from '../systems/index.ts';
import { completeChoices } from '../systems/system.ts';
import type { BenchRow } from './results.ts';
import { once, round, summarise } from './statistics.ts';
import type { BenchLength, BenchSettings } from './suite/benchmark.ts';

/** As they come, or explored. */
export const ORDERS = ['none', 'random'] as const;
type Orders = (typeof ORDERS)[number];

const MEASURED: Readonly<Record<BenchLength, readonly string[]>> = {
  smoke: ['echo'],
  quick: ['echo'],
  full: ['echo', 'vswitch', 'blk'],
};
/** A world takes some ten milliseconds: a sample has dozens. */
const SAMPLE_SHARE = 10;
const SAMPLE_NS_MAX = 600_000_000;
/** Worlds until the engine has compiled what they run, about. */
const WARM_UPS: Readonly<Record<BenchLength, number>> = { smoke: 0, quick: 15, full: 60 };
/** Questions or requests of a world; 500 unless told. */
const AMOUNT: Readonly<Record<BenchLength, number | undefined>> = {
  smoke: 20,
  quick: undefined,
  full: undefined,
};
/** Before anything is drawn from them. */
const DIGESTS = {} as const;

export async function benchSim(settings: BenchSettings): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const name of MEASURED[settings.length]) rows.push(...measure(settings, await load(name)));
  return rows;
}

/** Worlds of a system, and an engine that has compiled what they run. */
export async function makeWorlds(
  name: string,
  orders: Orders,
  { length }: BenchSettings,
): Promise<Pick<Worlds, 'rate'>> {
  const worlds = new Worlds(await load(name), specOf(orders, AMOUNT[length]));
  worlds.warmUp(WARM_UPS[length]);
  return worlds;
}

async function load(name: string): Promise<CampaignSystem> {
  const module = await systems.find((each) => each.name === name)?.load();
  assert(module !== undefined, 'there is such a system');
  const choices = completeChoices(module, {});
  const built = module.build(choices);
  assert(built.ok, 'a ready-made system can be described');
  const target = {
    system: built.system,
    memory: new WorldMemory(),
    ...(module.counters === undefined ? {} : { counters: module.counters }),
    ...(module.oracles === undefined ? {} : { oracles: module.oracles }),
  };
  return { reference: { reference: name, choices, searchPath: [] }, digests: DIGESTS, target };
}

/** Both orders in turns: seed by seed, the same worlds. */
function measure(settings: BenchSettings, system: CampaignSystem): readonly BenchRow[] {
  const { length, repeat, sampleNs, onProgress } = settings;
  const name = system.reference.reference;
  const both = ORDERS.map((orders) => ({
    orders,
    worlds: new Worlds(system, specOf(orders, AMOUNT[length])),
    rates: [] as number[],
  }));
  onProgress(`sim: ${name}: warming up`);
  for (const { worlds } of both) worlds.warmUp(WARM_UPS[length]);
  for (let sample = 1; sample <= repeat; sample += 1) {
    onProgress(`sim: ${name}: ${sample} of ${repeat}`);
    for (const { worlds, rates } of both) {
      rates.push(worlds.rate(Math.min(SAMPLE_NS_MAX, SAMPLE_SHARE * sampleNs)));
    }
  }
  const rows = both.map(({ orders, worlds, rates }): BenchRow => {
    const { median, min, max } = summarise(rates);
    return {
      name: 'sim/worlds',
      system: name,
      explore: orders,
      unit: 'worlds/s of a core',
      ...{ median: round(median), min: round(min), max: round(max), ratioToNative: null },
      failed: worlds.failed,
    };
  });
  const [plain, explored] = rows.map(({ median }) => median);
  const cost = round((plain ?? 0) / (explored ?? 1));
  return [...rows, { name: 'sim/cost of exploring', system: name, unit: 'times', ...once(cost) }];
}

function specOf(orders: Orders, amount: number | undefined): CampaignSpec {
  return {
    plan: undefined,
    amount,
    forNs: undefined,
    explore: orders === 'none' ? undefined : { kind: 'random' },
    twiceEvery: 0,
  };
}

/** Worlds of one system, seed by seed. */
class Worlds {
  failed = 0;
  readonly #system: CampaignSystem;
  readonly #spec: CampaignSpec;
  #seed = 0;

  constructor(system: CampaignSystem, spec: CampaignSpec) {
    this.#system = system;
    this.#spec = spec;
  }

  warmUp(count: number): void {
    for (let world = 0; world < count; world += 1) this.rate(0);
  }

  /** Runs worlds for about this long, one at least. @returns how many a second of processor time */
  rate(durationNs: number): number {
    const first = this.#seed;
    const before = cpuUsage();
    let took: number;
    do {
      this.#seed += 1;
      if (runSeed(this.#system, this.#spec, this.#seed).verdict === 'failed') this.failed += 1;
      const { user, system } = cpuUsage(before);
      took = (user + system) * 1000;
    } while (took < durationNs);
    return ((this.#seed - first) * 1e9) / Math.max(1, took);
  }
}
