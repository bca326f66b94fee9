/**
 * Goal: clients behind a switch ask each other, those whom they may reach answer, and what a switch
 * does wrong between them is found. Method: the vswitch system, whole and with a switch that sleeps
 * now and then; the books by hand.
 */

import { describe, expect, it } from 'vitest';
import type { EntryPoints, Program } from '../../microkit/pd.ts';
import { completeChoices } from '../../systems/system.ts';
import { vswitchSystem } from '../../systems/vswitch.ts';
import { main as vswitch } from '../../virtualisers/network/vswitch/vswitch.ts';
import { NO_FAULTS } from '../plan/plan.ts';
import { runWorld } from '../world.ts';
import { NeighbourAccounts, reachOf } from './neighbour-accounts.ts';

const built = vswitchSystem.build(completeChoices(vswitchSystem, {}));
if (!built.ok) throw new Error('the system is built');
const { system } = built;

/** The switch, which does nothing at one wake-up in four. */
const sleepy: Program = (pd) => {
  const inner: EntryPoints = (vswitch as unknown as Program)(pd);
  let count = 0;
  return {
    ...inner,
    notified: (channel) => {
      count += 1;
      if (count % 4 !== 0) inner.notified(channel);
    },
  };
};

const world = (programs?: ReadonlyMap<string, Program>) =>
  runWorld({
    target: { system, ...(programs === undefined ? {} : { programs }) },
    plan: NO_FAULTS,
    seed: 1,
    amount: 60,
  });

describe('clients behind a switch', () => {
  it('ask each other, and are answered', () => {
    const { traffic, violations } = world();
    expect(violations).toEqual([]);
    expect(traffic['neighboursAsked']).toBeGreaterThan(40);
    expect(traffic['neighboursAnswered']).toBe(traffic['neighboursAsked']);
    expect(traffic['strangersAsked']).toBeGreaterThan(0);
  });

  it('notice a switch that sleeps', () => {
    const { violations } = world(new Map([['vswitch', sleepy]]));
    expect(violations.map(({ oracle }) => oracle)).toContain('progress');
  });
});

const NOBODY_EXCUSED = (): boolean => false;
const PAIR = ['client0', 'client1'] as const;

function oraclesOf(accounts: NeighbourAccounts, excused = NOBODY_EXCUSED): readonly string[] {
  return accounts.violations(excused, 0).map(({ oracle }) => oracle);
}

function asked(): NeighbourAccounts {
  const accounts = new NeighbourAccounts();
  accounts.asked(PAIR, { number: 1, digest: 10 });
  accounts.asked(PAIR, { number: 2, digest: 20 });
  return accounts;
}

describe('the books of neighbours', () => {
  it('are balanced when each question is answered once, in order', () => {
    const accounts = asked();
    accounts.probed(PAIR, 2);
    expect(accounts.areAllAnswered).toBe(false);
    expect(accounts.unserved()).toEqual(['client0 and client1']);
    accounts.answered(PAIR, { number: 1, digest: 10 }, 0);
    accounts.answered(PAIR, { number: 2, digest: 20 }, 0);
    expect(accounts.areAllAnswered).toBe(true);
    expect(accounts.unserved()).toEqual([]);
    expect(oraclesOf(accounts)).toEqual([]);
  });

  it('say what is lost, repeated, changed, in disorder, or from a stranger', () => {
    const accounts = asked();
    accounts.asked(PAIR, { number: 3, digest: 30 });
    accounts.answered(PAIR, { number: 2, digest: 21 }, 0);
    accounts.answered(PAIR, { number: 2, digest: 20 }, 0);
    accounts.answered(PAIR, { number: 1, digest: 10 }, 0);
    accounts.reachedBy('client1', 'client3', 0);
    expect(oraclesOf(accounts).toSorted()).toEqual([
      'answered-once',
      'answered-once',
      'isolation',
      'order',
      'payload',
    ]);
  });

  it('excuse what has struck either of the two', () => {
    for (const struck of PAIR) {
      const excused = (_: string, where: string): boolean => where === struck;
      expect(asked().violations(excused, 0)).toEqual([]);
    }
    const other = (_: string, where: string): boolean => where === 'client2';
    expect(asked().violations(other, 0)).toHaveLength(1);
  });

  it('keep what nothing excuses, however much is excused before it', () => {
    const accounts = new NeighbourAccounts();
    for (let count = 0; count < 100; count += 1) {
      accounts.answered(PAIR, { number: 1, digest: 10 }, count);
    }
    accounts.answered(['client2', 'client3'], { number: 2, digest: 20 }, 100);
    const excused = (_: string, where: string): boolean => where === 'client0';
    expect(accounts.violations(excused, 100)).toMatchObject([{ where: 'client2', timeNs: 100 }]);
  });

  it('know who may reach whom', () => {
    const mac = (client: number): string => `52:54:01:00:00:0${(10 + client).toString(16)}`;
    const mayReach = reachOf(system);
    expect(mayReach(mac(0), mac(3))).toBe(true);
    expect(mayReach(mac(3), mac(0))).toBe(true);
    expect(mayReach(mac(1), mac(3))).toBe(false);
  });
});
