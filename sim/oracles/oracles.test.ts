/**
 * Goal: each oracle says what is wrong, names where, and is silent otherwise; a system's own
 * oracles are asked. Method: whole echo systems, with a hand on their queues' memory or on their
 * programs. The others have their tests where they are: 'progress' here and with the traffic,
 * 'isolation' with the neighbours' books, 'durability' with the disks', 'no-internal-failure' with
 * worlds; 'buffer-ledger' and 'missed-interrupt' find planted bugs (`test/mutants/`).
 */

import { describe, expect, it } from 'vitest';
import type { EntryPoints, Program } from '../../microkit/pd.ts';
import type { Oracle } from '../../systems/oracle.ts';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';
import { main as ethernetDriver } from '../../drivers/network/virtio/driver.ts';
import { QUEUE_NOTIFY } from '../../drivers/network/virtio/regs.ts';
import { runSeed } from '../campaign/campaign.ts';
import { NO_FAULTS, type Rule } from '../plan/plan.ts';
import { NetAccounts } from '../traffic/net-accounts.ts';
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

describe('no oracle speaks when', () => {
  it('a frame that a forged entry had lost comes out behind younger ones, by another forged entry', () => {
    // World 25015 of echo, shrunk: the chain that the first entry hides is the second one's.
    const at = (nth: number, id: number): Rule => ({
      ...{ at: 'net.rx.ring', fault: 'forge', when: { nth: [nth] }, parameters: { id } },
      ...{ for: {}, optional: 'no' },
    });
    const twice = (nth: number): Rule => ({
      ...{ at: 'net.wire.in', fault: 'duplicate', when: { nth: [nth] }, parameters: {} },
      ...{ for: {}, optional: 'no' },
    });
    const plan = { name: 'forged', rules: [twice(40), twice(179), at(310, 1258), at(322, 5)] };

    const { violations, strikes } = runWorld({
      target: { system },
      plan,
      seed: 25_015,
      amount: 305,
    });

    expect(strikes.map(({ fault }) => fault)).toEqual(['duplicate', 'duplicate', 'forge', 'forge']);
    expect(violations).toEqual([]);
  });
});

describe('each oracle speaks when what it watches is broken:', () => {
  it('device-rules', () => {
    const rude: Program = (pd) => {
      const inner: EntryPoints = (ethernetDriver as unknown as Program)(pd);
      const registers = pd.deviceRegion((pd.config as { registers: string }).registers);
      return {
        ...inner,
        notified: (channel) => {
          // A queue that there is not.
          registers.write32(QUEUE_NOTIFY, 77);
          inner.notified(channel);
        },
      };
    };
    const { violations } = world({ programs: new Map([['ethernet_driver', rude]]) });
    expect(violations.map(({ oracle }) => oracle)).toContain('device-rules');
  });

  it('kernel-invariants', () => {
    const breaks: Oracle = {
      name: 'a hand on the kernel',
      holds: 'nothing',
      check: ({ kernel }) => {
        const { current } = kernel.state;
        current.isQueued = !current.isQueued;
        return [];
      },
    };
    expect(world({ oracles: [breaks] }).violations).toMatchObject([
      { oracle: 'kernel-invariants', what: expect.stringContaining('invariant') as string },
    ]);
  });

  it('no-fault', () => {
    const dies: Program = (): EntryPoints => ({
      notified: () => {
        throw new Error('it is broken');
      },
    });
    const { violations } = world({ programs: new Map([['client1', dies]]) });
    expect(violations[0]).toMatchObject({ oracle: 'no-fault', where: 'client1' });
  });

  it('determinism', () => {
    let runs = 0;
    const remembers: Oracle = {
      name: 'remembers',
      holds: 'nothing',
      check: () => [{ where: 'here', what: `run ${(runs += 1)}` }],
    };
    const reference = { reference: 'echo', choices: {}, searchPath: [] };
    const loaded = { reference, digests: {}, target: { system, oracles: [remembers] } };
    const spec = { plan: NO_FAULTS, amount: 5, forNs: undefined, explore: undefined };
    const failures = [0, 2].map((twiceEvery) =>
      runSeed(loaded, { ...spec, twiceEvery }, 2).failure?.violations.map(({ oracle }) => oracle),
    );
    expect(failures).toEqual([['remembers'], ['determinism', 'remembers']]);
  });

  it('answered-once, payload and order', () => {
    const oraclesOf = (...sent: readonly (readonly [number: number, digest: number])[]) => {
      const accounts = new NetAccounts(['client0']);
      for (const number of [1, 2, 3]) accounts.took(0, number, 10 * number);
      for (const [number, digest] of sent) accounts.sent(0, number, digest, 0);
      return accounts.violations(() => false, 0).map(({ oracle, what }) => `${oracle}: ${what}`);
    };
    const [one, two, three] = [
      [1, 10],
      [2, 20],
      [3, 30],
    ] as const;
    expect(oraclesOf(one, two, three)).toEqual([]);
    expect(oraclesOf(one, two, three, two)).toEqual(['answered-once: client0 answers 2 once more']);
    expect(oraclesOf(one, two)).toEqual([
      'answered-once: client0 has not answered 1 questions, the oldest is 3',
    ]);
    expect(oraclesOf(two, one, three)).toEqual(['order: client0 answers 1 after 2']);
    expect(oraclesOf(one, [2, 21], two, three)).toEqual([
      'payload: client0 changes the bytes of 2',
    ]);
  });
});
