// What a quick run does not measure: it is said, and not measured.

import { describe, expect, it } from 'vitest';
import { type Benchmark, fewerSamples, leftOutQuickly, samplesAt } from './benchmark.ts';
import { runSuite } from './run.ts';

const SECONDS = { smoke: 1, quick: 1, full: 1 };
const part = (name: string, quick?: Benchmark['parts'][number]['quick']) => ({
  name,
  seconds: SECONDS,
  measure: () => Promise.reject(new Error(`${name} is not to be measured`)),
  ...(quick === undefined ? {} : { quick }),
});
const parts = [part('a', 'left out'), part('b', 'left out'), part('c', 'only 1 of 2'), part('d')];
const BENCHMARK: Benchmark = { name: 'x', question: '?', parts };

describe('a quick run', () => {
  it('says what it leaves out, and of what it measures less', () => {
    expect(leftOutQuickly([BENCHMARK])).toEqual([
      'a quick run leaves out x/a, x/b',
      'a quick run measures of x/c only 1 of 2',
    ]);
    expect(leftOutQuickly([{ ...BENCHMARK, parts: [part('d')] }])).toEqual([]);
  });

  it.each([
    ['quick', 1, 3, []],
    ['quick', 1.4, 2, [/has 2 samples of each figure in place of 3/]],
    ['quick', 2, 1, [/has one sample of each figure in place of 3/]],
    ['full', 2, 5, []],
    ['smoke', 2, 1, []],
  ] as const)(
    'in %s length at pace %d takes %d samples, and says so',
    (length, pace, samples, said) => {
      expect(samplesAt(length, pace)).toBe(samples);
      expect(fewerSamples(length, samples)).toEqual(
        said.map((line) => expect.stringMatching(line)),
      );
    },
  );

  it.each([
    ['quick', []],
    ['full', ['x/a', 'x/b']],
  ] as const)('in %s length asks for the parts left out: %j', async (length, expected) => {
    const begun: string[] = [];
    const controller = new AbortController();
    await runSuite({
      benchmarks: [{ ...BENCHMARK, parts: parts.slice(0, 2) }],
      scope: 'x',
      request: { length, repeat: 1, sampleNs: 1 },
      signal: controller.signal,
      onProgress: () => undefined,
      onNotice: () => undefined,
      onPart: (line) => begun.push(line.split(' ')[0] ?? ''),
      onRows: () => undefined,
    });

    expect(begun).toEqual(expected);
  });
});
