/**
 * Goal: a file system is used in a world, bears what goes wrong with its disk, and is found out
 * when it does not make durable what it says. Method: whole fat systems, one rule each; then a file
 * system that never flushes.
 */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { type BlockTask, VolumeBytes } from '../../clients/fat/block-io.ts';
import { fatSystem } from '../../systems/fat.ts';
import { completeChoices } from '../../systems/system.ts';
import type { Plan, Rule } from '../plan/plan.ts';
import { runWorld, type WorldOutcome } from '../world.ts';
import { WorldMemory } from '../world-memory.ts';
import { fileBytes, FileModel, versionOf } from './file-model.ts';

const built = fatSystem.build(completeChoices(fatSystem, {}));
if (!built.ok) throw new Error('the system is built');
const target = { system: built.system, memory: new WorldMemory() };

function world(rules: readonly Partial<Rule>[], seed = 1): WorldOutcome {
  const usual = { at: '', fault: '', when: {}, for: {}, parameters: {}, optional: 'no' } as const;
  const plan: Plan = { name: 'test', rules: rules.map((each) => ({ ...usual, ...each })) };
  return runWorld({ target, plan, seed, amount: 200 });
}

const NOW = { timeNs: 3_000_000 };
const SOON = { durationNs: 300_000 };

afterEach(() => vi.restoreAllMocks());

describe('a world with a file system', () => {
  it('uses it', () => {
    const { traffic, verdict, violations } = world([]);
    expect(violations).toEqual([]);
    expect(verdict).toBe('passed');
    expect(traffic['operations']).toBeGreaterThan(20);
    expect(traffic['operationsEnded']).toBe(traffic['operations']);
    expect(traffic['operationsFailed']).toBe(0);
  });

  it.each([
    { at: 'blk0.write', fault: 'error', when: { every: 9 } },
    { at: 'blk0.write', fault: 'tear', when: { every: 9 } },
    { at: 'blk0.write', fault: 'lose', when: { nth: [9] } },
    { at: 'blk0.read', fault: 'latent', when: { nth: [9] } },
    { at: 'blk0.flush', fault: 'lie', when: { every: 3 } },
    { at: 'blk0.flush', fault: 'fail', when: { every: 3 } },
    { at: 'blk0.medium', fault: 'read-only', when: NOW, for: SOON },
    { at: 'blk0.device', fault: 'reset', when: NOW },
  ] as const)('bears %j', (rule) => {
    const outcome = world([rule]);
    expect(outcome.strikes.length).toBeGreaterThan(0);
    expect(outcome.violations).toEqual([]);
  });

  it('bears power cuts, and goes on', () => {
    const cuts = [1, 3, 5, 7, 9].map((ms) => ({
      at: 'blk0.medium',
      fault: 'power-cut',
      when: { timeNs: ms * 1_000_000 },
    }));
    const outcome = world(cuts, 2);
    expect(outcome.strikes.length).toBeGreaterThan(2);
    expect(outcome.violations).toEqual([]);
    expect(outcome.traffic['operations']).toBeGreaterThan(20);
  });

  it('finds a file system that never flushes', () => {
    const usual = unflushed(VolumeBytes.prototype.commit);
    vi.spyOn(VolumeBytes.prototype, 'commit').mockImplementation(usual);
    const oracles = [1, 2].flatMap((seed) =>
      world([], seed).violations.map(({ oracle }) => oracle),
    );
    expect(oracles).toContain('durability');
  });
});

/** The same, and what it wishes is done but for the flush. */
function unflushed(commit: (this: VolumeBytes) => BlockTask<void>) {
  return function* (this: VolumeBytes): BlockTask<void> {
    const task = commit.call(this);
    let step = task.next();
    while (step.done !== true) {
      const answer = step.value.kind === 'flush' ? new Uint8Array(0) : yield step.value;
      step = task.next(answer);
    }
  };
}

describe('the model of files', () => {
  it('knows what a file may be', () => {
    const model = new FileModel();
    expect(model.mayBe('a', 'absent')).toBe(true);
    expect(model.mayBe('a', 1)).toBe(false);
    const change = model.asked('a', 1);
    expect([model.mayBe('a', 'absent'), model.mayBe('a', 1)]).toEqual([true, true]);
    model.done(change);
    expect([model.mayBe('a', 'absent'), model.mayBe('a', 1)]).toEqual([false, true]);
    expect(model.mayBe('a', 'mixture')).toBe(false);
  });

  it('trusts nothing that a power cut has come into', () => {
    const model = new FileModel();
    model.done(model.asked('a', 1));
    const change = model.asked('a', 2);
    model.powerCut();
    model.done(change);
    expect([1, 2, 'absent' as const].map((each) => model.mayBe('a', each))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('tells contents that were written from all others', () => {
    const bytes = fileBytes(3, 7, 100);
    expect(versionOf(3, bytes)).toBe(7);
    expect(versionOf(2, bytes)).toBe('mixture');
    expect(versionOf(3, bytes.subarray(0, 99))).toBe('mixture');
    bytes[50] = 255 - (bytes[50] ?? 0);
    expect(versionOf(3, bytes)).toBe('mixture');
    expect(versionOf(3, new Uint8Array(3))).toBe('mixture');
  });
});
