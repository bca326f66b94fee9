// Goal: a world in which something may go wrong is the same until it does: what a debugger injects
// at a moment comes to the world that stood there. Method: each fault of each point of the echo
// system under its generator, planned for a time that never comes; counters, traffic and a sum of
// all memory are held against those of a world without a plan.

import { expect, it } from 'vitest';
import type { TrafficGenerator } from '../../board/links/generator.ts';
import { Ram } from '../../memory/ram.ts';
import { echo } from '../../systems/echo.ts';
import { guestsOf } from '../../systems/guests.ts';
import { makeNetGenerator } from '../../systems/net-generator.ts';
import { completeChoices } from '../../systems/system.ts';
import { createTestbed, type WireParts } from '../../systems/testbed.ts';
import { described } from '../../test/support/echo-testbed.ts';
import { longTest } from '../../test/support/long-test.ts';
import type { Rule } from '../plan/plan.ts';
import { PlannedRun } from './planned-run.ts';
import { plannedWires } from './planned-wires.ts';
import type { FaultKind } from './point.ts';
import { pointsOf } from './system-points.ts';

const NEVER_NS = 900e9;
const RUN_NS = 400_000;
const RAM_BYTES = 0x100_0000;
const STAGING_BYTES = 0x100_0000;

const system = described(echo.build(completeChoices(echo, {})));
const ram = new Ram({ sizeBytes: RAM_BYTES, stagingBytes: STAGING_BYTES });

/** @returns all that has been counted, as text */
function runWith(rules: readonly Rule[]): string {
  const plan = { name: 'never', rules };
  const planned = new PlannedRun({ system, plan, seed: 1, strikesKept: 0 });
  ram.clear();
  let generator: TrafficGenerator | undefined;
  const wires = (parts: WireParts) => {
    const place = { parts, clock: 'virtual', guests: guestsOf(system), index: 0 } as const;
    generator = makeNetGenerator({ frame: 60, burst: 32 }, place);
    return plannedWires(planned, { net: generator }, parts);
  };
  const { instrument, programs } = planned;
  const testbed = createTestbed({ system, ram, clock: 'virtual', instrument, programs, wires });
  testbed.settle();
  generator?.start();
  testbed.runUntil(testbed.now() + RUN_NS);
  return JSON.stringify([testbed.counters(), testbed.traffic(), sumOf(ram)]);
}

function sumOf({ i32, sizeBytes }: Ram): number {
  let sum = 0;
  for (let word = 0; word < sizeBytes >>> 2; word += 1) {
    sum = (Math.imul(sum, 31) + (i32[word] as number)) | 0;
  }
  return sum;
}

function neverOf(at: string, { name: fault, trigger }: FaultKind): Rule {
  const when = trigger === 'moment' ? { timeNs: NEVER_NS } : { fromNs: NEVER_NS };
  return { at, fault, when, for: {}, parameters: {}, optional: 'yes' };
}

/** @param points which of them, by their names */
function expectSameWorlds(points: RegExp): void {
  const plain = runWith([]);
  const tried = pointsOf(system).filter(({ name }) => points.test(name));
  const others = tried.flatMap(({ name: at, faults }) =>
    faults
      .filter((fault) => runWith([neverOf(at, fault)]) !== plain)
      .map((fault) => `${at} ${fault.name}`),
  );

  expect(plain).toMatch(/"name":"net out","counts":{"packets":[1-9]/);
  expect(tried.length).toBeGreaterThan(1);
  expect(others).toEqual([]);
}

it('is the same world, with any fault of the cable', () => {
  expectSameWorlds(/^net\.(?:wire\.in|link)$/);
});

longTest('is the same world, with any fault', () => expectSameWorlds(/./));
