/**
 * Goal: each oracle says what is wrong, names where, and is silent otherwise; a system's own
 * oracles are asked. Method: whole echo systems, with a hand on their queues' memory or on their
 * programs. The planted bugs of `sim/mutants/` do the rest.
 */

import { describe, expect, it } from 'vitest';
import type { EntryPoints, Program } from '../../microkit/pd.ts';
import type { Oracle } from '../../systems/oracle.ts';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';
import { NO_FAULTS } from '../plan/plan.ts';
import { runWorld, type WorldSystem } from '../world.ts';
import { netEndsOf } from './net-ends.ts';

const built = echo.build(completeChoices(echo, {}));
if (!built.ok) throw new Error('the echo system is built');
const { system } = built;

const world = (target: Omit<WorldSystem, 'system'> = {}) =>
  runWorld({ target: { system, ...target }, plan: NO_FAULTS, seed: 1, amount: 40 });

/** A program that does nothing at all. */
const asleep: Program = (): EntryPoints => ({ notified: () => undefined });

describe('the oracles', () => {
  it('know who is at which end of which queue', () => {
    const ends = netEndsOf(system);
    const both = (queue: string) => ends?.ends.filter((end) => end.queue === queue);
    for (const { queue } of ends?.ends ?? []) {
      expect(
        both(queue)
          ?.map(({ role }) => role)
          .toSorted(),
      ).toEqual(['consumer', 'producer']);
    }
    expect(ends?.driver).toBe('ethernet_driver');
    expect(ends?.regions.map(({ use }) => use).toSorted()).toEqual([
      'copied',
      'copied',
      'dma',
      'sent',
      'sent',
    ]);
  });

  it('say who waits for whom when a client sleeps', () => {
    const { violations } = world({ programs: new Map([['client1', asleep]]) });
    const stall = violations.find(({ oracle }) => oracle === 'progress');
    const texts = violations.map(({ what }) => what).join('\n');
    expect(stall).toBeDefined();
    expect(texts).toMatch(/client1_net_copier waits for client1, /);
  });

  it('ask what a system brings itself', () => {
    const own: Oracle = {
      name: 'own',
      holds: 'something',
      check: (testbed) => [{ where: 'here', what: `it is ${testbed.system.name}` }],
    };
    expect(world({ oracles: [own] }).violations).toMatchObject([
      { oracle: 'own', where: 'here', what: 'it is echo' },
    ]);
    expect(world().violations).toEqual([]);
  });
});
