// What is left out of a run: parts that an earlier one has, and those behind an interruption.

import { describe, expect, it } from 'vitest';
import type { Benchmark } from './benchmark.ts';
import { runSuite } from './run.ts';

const SECONDS = { smoke: 1, quick: 1, full: 1 };
const part = (name: string): Benchmark['parts'][number] => ({
  name,
  seconds: SECONDS,
  measure: () => Promise.reject(new Error(`${name} is not to be measured`)),
});
const BENCHMARK: Benchmark = { name: 'a', question: '?', parts: [part('one'), part('two')] };

describe('a run', () => {
  it.each([
    ['that has been stopped', { signal: AbortSignal.abort() }, []],
    ['whose parts are finished', { finished: ['a/one', 'a/two'] }, ['suite/time']],
  ])('%s measures nothing, and fails in nothing', async (_, more, rows) => {
    const said: string[] = [];
    const outcome = await runSuite({
      benchmarks: [BENCHMARK],
      scope: 'a',
      request: { length: 'smoke', repeat: 1, sampleNs: 1 },
      onProgress: (line) => said.push(line),
      onNotice: (line) => said.push(line),
      onPart: (line) => said.push(line),
      onRows: () => void said.push('rows'),
      ...more,
    });

    expect(outcome.rows.map(({ name }) => name)).toEqual(rows);
    expect(outcome).toMatchObject({ failures: [], parts: [] });
    expect(said).toEqual([]);
  });
});
