/**
 * Goal: seeds are divided without loss, reports add up whatever their order, and JUnit is XML.
 * Method: plain data.
 */

import { describe, expect, it } from 'vitest';
import { parseXml } from '../../microkit/xml/parse.ts';
import {
  type Failure,
  failureText,
  readFailure,
  readSystemReference,
} from '../failure/failure-file.ts';
import { NO_FAULTS } from '../plan/plan.ts';
import { type CampaignSystem, type SeedReport, stoppedSeed, Tally } from './campaign.ts';
import { progressLine } from '../../cli/sim/sim.ts';
import { junitOf } from './junit.ts';
import { readSeedRange, readShard, seedCount, type Shard, shardOf } from './seed-range.ts';

describe('a range of seeds', () => {
  it.each([
    ['7', { first: 7, last: 7 }],
    ['1..2000', { first: 1, last: 2000 }],
    ['0..4294967295', { first: 0, last: 4_294_967_295 }],
    ['2..1', undefined],
    ['1..4294967296', undefined],
    ['-1..3', undefined],
    ['1...3', undefined],
    ['', undefined],
  ])('%s', (text, range) => {
    expect(readSeedRange(text)).toEqual(range);
  });

  it('is divided so that each seed is in one shard', () => {
    const range = { first: 5, last: 5 + 99 };
    const parts = Array.from({ length: 16 }, (_, index) =>
      shardOf(range, readShard(`${index + 1}/16`) as Shard),
    );
    const seeds = parts.flatMap((part) =>
      part === undefined
        ? []
        : Array.from({ length: seedCount(part) }, (_, index) => part.first + index),
    );
    expect(seeds).toEqual(Array.from({ length: 100 }, (_, index) => 5 + index));
  });
});

function report(seed: number, what: string): SeedReport {
  const violations = [{ oracle: 'order', where: 'client0', what, timeNs: seed }];
  const failure = { violations } as unknown as Failure;
  return {
    seed,
    verdict: what === '' ? 'passed' : 'failed',
    strikes: { 'net.irq lose': 2 },
    neverStruck: [],
    asked: 'something',
    virtualNs: 10,
    signature: what,
    failure: what === '' ? undefined : failure,
  };
}

describe('a tally', () => {
  const reports = [
    report(1, ''),
    report(9, '<a> & "b"'),
    report(4, '<a> & "b"'),
    report(5, 'c\u0001'),
  ];

  it.each([[reports], [reports.toReversed()]])('adds up in any order', (order) => {
    const tally = new Tally();
    for (const each of order) tally.add(each);
    expect(tally).toMatchObject({ worlds: 4, failed: 3, void: 0, virtualNs: 40 });
    expect(tally.strikes.get('net.irq lose')).toBe(8);
    expect(progressLine(tally, { total: 1500, faults: 9, rate: 12.4 })).toBe(
      '4 of 1,500 worlds, 12.4/s; failed: 3 × order; 8 of 9 faults have not struck',
    );
    expect(tally.distinct()).toMatchObject([
      { signature: '<a> & "b"', seed: 4, count: 2, seeds: [4, 9] },
      { signature: 'c\u0001', seed: 5, count: 1, seeds: [5] },
    ]);
  });

  it('is JUnit that does not call void worlds held', () => {
    const tally = new Tally();
    for (const seed of [1, 2]) tally.add({ ...report(seed, ''), verdict: 'void' });
    const alone = junitOf('echo', tally);
    expect(alone).not.toContain('held');
    expect(alone).toContain('tests="1" failures="0" errors="0" skipped="1"');
    expect(alone).toContain('<skipped message="a planned fault never struck"/>');
    tally.add(report(3, ''));
    expect(junitOf('echo', tally)).toContain('name="1 worlds held"/>');
  });

  it('is JUnit that an XML parser reads', () => {
    const tally = new Tally();
    for (const each of reports) tally.add(each);
    const text = junitOf('a & b', tally);
    expect(text).toContain('tests="3" failures="2"');
    expect(text).not.toContain('\u0001');
    expect(parseXml(text, 'junit.xml').ok).toBe(true);
  });
});

describe('a failure file', () => {
  const decisions = [
    { at: 52, ns: 200 },
    { at: 55, ns: 1250.5 },
    { at: 12_000, ns: 7 },
  ];
  const world = { seed: 7, plan: NO_FAULTS, amount: 3, forNs: undefined, decisions };
  const failure: Failure = {
    system: { reference: 'echo', choices: {}, searchPath: [] },
    digests: { description: '1' },
    world: { ...world, invariantsEvery: undefined },
    violations: [{ oracle: 'order', where: 'client0', what: 'late', timeNs: 5 }],
    strikes: { 'net.irq lose': 160_000 },
    outcome: '2',
  };
  const read = (text: string) =>
    readFailure({ name: 'f.json', text }, () => ({ ok: true, plan: NO_FAULTS }));

  it('is read as it was written, with its decisions in a line', () => {
    const text = failureText(failure);
    expect(text).toContain('"decisions": "52:200 3:1250.5 11945:7"');
    expect(read(text)).toEqual({ ok: true, failure });
  });

  it.each([
    ['endless', 'progress'],
    ['died', 'no-internal-failure'],
  ] as const)('says that its world was %s, under %s', (how, oracle) => {
    const { system: reference, digests } = failure;
    const loaded = { reference, digests, target: {} as CampaignSystem['target'] };
    const { plan, amount } = world;
    const spec = { plan, amount, forNs: undefined, explore: undefined, twiceEvery: 0 };
    const { failure: stopped } = stoppedSeed(loaded, spec, { seed: 9, how, what: 'gone' });
    const text = failureText(stopped as Failure);
    expect(text).toContain(`"stopped": "${how}"`);
    expect(read(text)).toEqual({ ok: true, failure: stopped });
    expect(stopped?.violations).toEqual([{ oracle, where: 'sddf', what: 'gone', timeNs: 0 }]);
  });

  it.each([
    ['"seed": 7', '"seed": -7', '"seed" of the world is a whole number from 0 to 4294967295'],
    ['"seed": 7', '"seat": 7', 'world has no seed'],
    ['"timeNs"', '"time"', '"violations" is a list of what was wrong: oracle, where, what'],
    ['"strikes": {', '"strikes": [{}], "more": {', '"digests" and "strikes" are objects'],
    ['"strikes"', '"stopped": "paused", "strikes"', '"stopped" is "endless" or "died"'],
    ['"plan"', '"x": '.padEnd(90, '[') + ', "plan"', 'is nested more deeply than any failure file'],
  ])('refuses one with %s as %s', (found, replaced, problem) => {
    const text = failureText(failure);
    expect(text).toContain(found);
    const result = read(text.replace(found, replaced));
    expect(result).toMatchObject({
      ok: false,
      problem: expect.stringContaining(problem) as string,
    });
  });

  it.each([
    ['"reference": "echo"', '"reference": ""'],
    ['"choices": {}', '"choices": { "path": 5 }'],
  ])('refuses one whose system has %s as %s', (found, replaced) => {
    const text = failureText(failure);
    expect(text).toContain(found);
    expect(readSystemReference({ name: 'f.json', text: text.replace(found, replaced) })).toBe(
      'f.json: "system" has a "reference" to one, and texts as its "choices"',
    );
  });

  it.each(['1', '1:', '1:2 x', '1:2,3:4'])('refuses %j as decisions', (decided) => {
    const text = failureText(failure).replace('52:200 3:1250.5 11945:7', decided);
    expect(read(text)).toEqual({
      ok: false,
      problem: "f.json: decisions are no list such as '52:200 3:1250'",
    });
  });
});
