/** What the oracles say of a world, and what happened in it as a story: for a person. */

import type { SystemDescription } from '../../microkit/model.ts';
import { digestOf } from '../../sim/failure/digest.ts';
import { SystemMemory } from '../../sim/oracles/system-memory.ts';
import { standardOracles } from '../../sim/oracles/standard.ts';
import { devicesOf, pointsOf } from '../../sim/points/system-points.ts';
import { takeNotes, type Told, tellStory } from '../../sim/shrink/story.ts';
import { runWorld, type WorldOptions, type WorldOutcome } from '../../sim/world.ts';

export interface OracleVerdict {
  readonly name: string;
  /** What must hold, in one sentence. */
  readonly holds: string;
  /** What does not hold: a sentence each, and when it was seen. */
  readonly broken: readonly Told[];
}

export interface Judgement {
  readonly verdict: WorldOutcome['verdict'];
  readonly oracles: readonly OracleVerdict[];
  /** What `sddf shrink` prints of the same world. */
  readonly story: readonly Told[];
  /** Planned, and has never struck. */
  readonly neverStruck: readonly string[];
  readonly endNs: number;
  /** See `failure/digest.ts`: two worlds with the same are the same, byte for byte. */
  readonly outcome: string;
}

/** Runs a world from its beginning to its end. */
export function judge(options: WorldOptions): Judgement {
  const { watch, notes } = takeNotes();
  const outcome = runWorld({ ...options, watch: { ...options.watch, ...watch } });
  const { system } = options.target;
  return {
    verdict: outcome.verdict,
    oracles: oraclesOf(options, outcome),
    story: tellStory(outcome, pointsOf(system), notes),
    neverStruck: outcome.neverStruck,
    endNs: outcome.timeNs,
    outcome: digestOf(JSON.stringify(outcome)),
  };
}

type Named = Pick<OracleVerdict, 'name' | 'holds'>;

/** Asked of every system. */
const ALWAYS: readonly Named[] = [
  {
    name: 'progress',
    holds: 'when faults have stopped, and when nobody asks any more, whoever waits is served',
  },
  { name: 'no-fault', holds: 'no protection domain faults' },
  { name: 'kernel-invariants', holds: 'what must always hold between two kernel entries holds' },
  { name: 'no-internal-failure', holds: 'no assertion of the testbed fails' },
];

/** Asked by the traffic for a device of this class. */
const OF_CLASS: Readonly<Record<string, readonly Named[]>> = {
  net: [
    { name: 'answered-once', holds: 'each question that the device took is answered once' },
    { name: 'payload', holds: 'each answer has the bytes of its question' },
    { name: 'order', holds: 'answers come in their client’s order' },
  ],
  blk: [
    { name: 'answered-once', holds: 'each request is answered once' },
    { name: 'durability', holds: 'what was flushed survives a power cut; nothing is ever mixed' },
  ],
  serial: [{ name: 'answered-once', holds: 'each line is answered once, with its bytes' }],
};

function oraclesOf(
  { target }: WorldOptions,
  { violations }: WorldOutcome,
): readonly OracleVerdict[] {
  const { system, oracles = [] } = target;
  const names = [...namesFor(system), ...oracles];
  // One that is not listed has something to say all the same.
  for (const { oracle } of violations) {
    if (!names.some(({ name }) => name === oracle)) names.push({ name: oracle, holds: '' });
  }
  return names.map(({ name, holds }) => ({
    name,
    holds,
    broken: violations
      .filter(({ oracle }) => oracle === name)
      .map(({ timeNs, what }) => ({ timeNs, text: what })),
  }));
}

function namesFor(system: SystemDescription): Named[] {
  const classes = new Set<string>(devicesOf(system).map((device) => device.class));
  const named = new Map<string, Named>(ALWAYS.map((each) => [each.name, each]));
  for (const each of classes) {
    for (const oracle of OF_CLASS[each] ?? []) named.set(oracle.name, oracle);
  }
  for (const { name, holds } of standardOracles(new SystemMemory(system))) {
    if (name !== 'buffer-ledger' || classes.has('net')) named.set(name, { name, holds });
  }
  return [...named.values()];
}
