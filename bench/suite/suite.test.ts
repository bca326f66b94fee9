// A smoke run of every part of every benchmark, as short as can be: rows of the agreed shape come
// out, each part in a process of its own reports to its parent, and a part that fails takes no
// other's figures with it.

import { describe, expect, it } from 'vitest';
import { compiledModule } from '../../test/support/sddf-command.ts';
import { parseResults } from '../results.ts';
import { type Benchmark, type BenchPart, SAMPLES } from './benchmark.ts';
import { measurePart, plannedSeconds, readRequest } from './part-process.ts';
import { benchmarkLines } from './rows-table.ts';
import { BENCHMARKS } from './table.ts';

const SMOKE = { length: 'smoke', ...SAMPLES.smoke } as const;
const QUIET = { onProgress: () => undefined, onNotice: () => undefined };
const PARTS = BENCHMARKS.flatMap((benchmark) =>
  benchmark.parts.map((part) => ({ name: `${benchmark.name}/${part.name}`, benchmark, part })),
);
/**
 * Of each benchmark the part that is done first, if it takes under 5 seconds; all of them, which
 * takes two minutes, in `.ci/run`.
 */
const RUN_HERE =
  process.env['SDDF_BENCH_PARTS'] === 'all'
    ? PARTS
    : BENCHMARKS.flatMap((benchmark) =>
        PARTS.filter((one) => one.benchmark === benchmark && one.part.seconds.smoke < 5)
          .sort((one, other) => one.part.seconds.smoke - other.part.seconds.smoke)
          .slice(0, 1),
      );

/** Compiled, it starts the compiled command, which is there in half the time. */
async function compiledParts(): Promise<typeof import('./part-process.ts')> {
  return (await import(
    compiledModule('bench/suite/part-process.ts')
  )) as typeof import('./part-process.ts');
}

describe('every part', () => {
  it.each(RUN_HERE)('$name gives rows of its benchmark', async ({ benchmark, part }) => {
    const outcome = await measurePart(part, { ...SMOKE, ...QUIET });

    expect(outcome).toMatchObject({ kind: 'measured' });
    const rows = outcome.kind === 'measured' ? outcome.rows : [];
    expect(rows.length).toBeGreaterThan(0);
    const text = JSON.stringify({ schema: 1, node: 'n', cpu: 'c', results: rows });
    expect(parseResults(text, part.name).results).toHaveLength(rows.length);
    for (const row of rows) {
      expect(row.name.split('/')[0]).toBe(benchmark.name);
      expect(row.min).toBeLessThanOrEqual(row.median);
      expect(row.median).toBeLessThanOrEqual(row.max);
      expect(row.ratioToNative === null || row.ratioToNative >= 0).toBe(true);
    }
    expect(benchmarkLines(rows).length).toBeGreaterThan(rows.length);
  });

  it.each(PARTS)('$name says how long it takes', ({ part }) => {
    const { smoke, quick, full } = part.seconds;

    if (part.quick !== 'left out') expect(smoke).toBeLessThanOrEqual(quick);
    expect(quick).toBeLessThanOrEqual(full);
    expect(plannedSeconds(part, { ...SMOKE, length: 'full', repeat: 10 })).toBe(2 * full);
  });

  it('together take at most 90 seconds quickly, and 21 minutes in full', () => {
    const planned = (length: 'quick' | 'full'): number =>
      PARTS.reduce((sum, { part }) => sum + part.seconds[length], 0);

    // Three minutes on a machine of half the speed.
    expect(planned('quick')).toBeLessThanOrEqual(90);
    expect(planned('full')).toBeLessThanOrEqual(1260);
  });
});

describe('a part in a process of its own', () => {
  it('tells its parent what it does and what it has found', async () => {
    const progress: string[] = [];
    const net = { path: '5pd', frames: [64], batches: [8] };
    const { measureInChild } = await compiledParts();
    const outcome = await measureInChild(
      { benchmark: 'net', part: 'echo' },
      { ...SMOKE, net, ...QUIET, onProgress: (line) => progress.push(line) },
    );

    // On a busy machine a sample this short begins or ends with a batch on its way: 2 or so.
    const copies = expect.closeTo(2, -0.5) as number;
    expect(outcome).toMatchObject({
      kind: 'measured',
      rows: [{ name: 'net/echo', frame: 64, batch: 8, copies }],
    });
    expect(progress).toContain('net: frames of 64 bytes, batch 8: 1 of 1');
  });

  it('that does not exist ends with a reason', async () => {
    const name = { benchmark: 'net', part: 'nothing' };
    const { measureInChild } = await compiledParts();
    const outcome = await measureInChild(name, { ...SMOKE, ...QUIET });

    expect(outcome).toMatchObject({ kind: 'failed' });
    expect(outcome.kind === 'failed' && outcome.reason).toMatch(
      /its process ended: status 2: sddf: bench/,
    );
  });

  it('reads only requests that it can use', () => {
    expect(readRequest(JSON.stringify(SMOKE))).toEqual(SMOKE);
    expect(readRequest('{')).toBeUndefined();
    expect(readRequest('{"length":"endless","repeat":1,"sampleNs":1}')).toBeUndefined();
    expect(readRequest('{"length":"smoke","repeat":"1","sampleNs":1}')).toBeUndefined();
  });
});

describe('the suite', () => {
  it('goes on after a part that fails, and says why there is nothing of it', async () => {
    const seconds = { smoke: 1, quick: 1, full: 1 };
    const broken: BenchPart = { name: 'nothing', seconds, measure: () => [] };
    const [net] = BENCHMARKS;
    const echo = net?.parts.find(({ name }) => name === 'echo') as BenchPart;
    const parts = [broken, { ...echo, seconds }];
    const benchmark: Benchmark = { name: 'net', question: '?', parts };
    const said: string[] = [];
    const compiled = compiledModule('bench/suite/run.ts');
    const { runSuite } = (await import(compiled)) as typeof import('./run.ts');
    const { rows, failures } = await runSuite({
      ...QUIET,
      benchmarks: [benchmark],
      scope: 'net',
      request: { ...SMOKE, net: { path: '5pd', frames: [64], batches: [1] } },
      onPart: (line) => said.push(line),
      onRows: () => undefined,
    });

    expect(rows.map(({ name }) => name)).toEqual(['net/echo', 'suite/time']);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatch(/^net\/nothing: not measured: its process ended: status 2/);
    expect(said[0]).toBe('net/nothing (1 of 2), about 2 s left');
    expect(said[1]).toMatch(/^net\/echo \(2 of 2\), (about \d+ s left|almost done)$/);
  });

  it('keeps the reason of a part that throws', async () => {
    const fail = (): never => {
      throw new Error('no such device');
    };
    const part: BenchPart = { name: 'x', seconds: { smoke: 1, quick: 1, full: 1 }, measure: fail };

    expect(await measurePart(part, { ...SMOKE, ...QUIET })).toEqual({
      kind: 'failed',
      reason: 'no such device',
    });
  });
});
