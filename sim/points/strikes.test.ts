/**
 * Goal: each row of the catalogue of faults can be reached from a plan by its name, and strikes.
 * Method: worlds of the shipped systems, with a plan of one rule that is not optional; of a row
 * with several faults, the first that strikes is enough. What strikes breaks nothing.
 */

import { describe, expect, it } from 'vitest';
import { systems } from '../../systems/index.ts';
import { completeChoices } from '../../systems/system.ts';
import type { Rule } from '../plan/plan.ts';
import { runWorld, type WorldOutcome, type WorldSystem } from '../world.ts';
import { WorldMemory } from '../world-memory.ts';
import { CATALOGUE } from './catalogue.ts';
import type { FaultKind } from './point.ts';
import { pointsOf } from './system-points.ts';

const SYSTEMS = [
  ['echo', {}],
  ['blk', {}],
  ['serial', {}],
  ['serial', { uart: 'virtio' }],
  ['i2c', { eeprom: 'steady' }],
] as const;
const AMOUNT = 30;
/** Of what makes its own traffic: enough for the bus to be busy. */
const FOR_NS = 40_000_000;

/** A fault of a system, by its name in a plan. */
interface Planned {
  readonly target: WorldSystem;
  readonly at: string;
  readonly fault: FaultKind;
}

const memory = new WorldMemory();
const all: readonly Planned[] = (
  await Promise.all(SYSTEMS.map(([name, choices]) => faultsOf(name, choices)))
).flat();

async function faultsOf(
  name: string,
  choices: Readonly<Record<string, string>>,
): Promise<readonly Planned[]> {
  const module = await systems.find((each) => each.name === name)?.load();
  const built = module?.build(completeChoices(module, choices));
  if (built?.ok !== true) throw new Error(`${name} is built`);
  const { system } = built;
  const { oracles = [], counters = {} } = module ?? {};
  const target = { system, oracles, counters, memory };
  return pointsOf(system).flatMap(({ name: at, faults }) =>
    faults.map((fault) => ({ target, at, fault })),
  );
}

/** Strikes once: at the first opportunity, or for a while from a moment on. */
function struck({ target, at, fault }: Planned): WorldOutcome {
  const usual = { at, fault: fault.name, parameters: {}, optional: 'no' } as const;
  const rule: Rule =
    fault.trigger === 'moment'
      ? { ...usual, when: { timeNs: 300_000 }, for: { durationNs: 3_000_000 } }
      : { ...usual, when: { nth: [1] }, for: {} };
  return runWorld({
    target,
    plan: { name: 'one', rules: [rule] },
    seed: 1,
    amount: AMOUNT,
    forNs: FOR_NS,
  });
}

describe('a row of the catalogue of faults', () => {
  it.each(CATALOGUE)('$number, $fault: strikes when it is planned', ({ number }) => {
    const candidates = all.filter(({ fault }) => fault.rows.includes(number));
    const seen = [];
    for (const candidate of candidates) {
      const { verdict, violations } = struck(candidate);
      seen.push(`${candidate.at} ${candidate.fault.name}: ${verdict}`);
      expect([seen.at(-1), violations]).toEqual([seen.at(-1), []]);
      if (verdict === 'passed') return;
    }
    expect.fail(`nothing has struck: ${seen.join(', ')}`);
  });
});
