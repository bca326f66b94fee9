// Goal: our kernel answers as the real one did. Method: every recording of the corpus beside the
// project is replayed; there may be no divergence, with the fast path or without. And the
// comparison itself: a changed answer must be found.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { replayTraces } from './replay-traces.ts';
import { isSame, parseTraces, TraceFormatError } from './trace.ts';

const CORPUS = join(import.meta.dirname, '../../../shared/corpus/sel4-traces');

/** One trace of four calls, written for this test. */
const FOUR_CALLS = [
  { trace: 1, family: 1 },
  {
    i: 0,
    op: 'Untyped_Retype',
    sys: 'Call',
    cptr: 17,
    label: 1,
    mrs: [2, 0, 0, 0, 5, 1],
    caps: [18],
    ans: { err: 0, mrs: [] },
    chg: { T5: 4 },
  },
  { i: 1, op: 'NBWait', sys: 'NBWait', cptr: 17, ans: { fault: 1, mrs: ['pc', 17, 1, 2, 0] } },
  {
    i: 2,
    op: 'CNode_Copy',
    sys: 'Call',
    cptr: 18,
    label: 21,
    mrs: [5, 6, 5, 6, 15],
    caps: [18],
    ans: { err: 8, mrs: [] },
  },
  { i: 3, op: 'Send', sys: 'NBSend', cptr: 12293, label: 0, mrs: [], caps: [], ans: { ret: 0 } },
  { end: 4 },
];

function lines(records: readonly object[]): string {
  return records.map((record) => JSON.stringify(record)).join('\n');
}

describe.skipIf(!existsSync(CORPUS))('the recordings of the real kernel', () => {
  const files = existsSync(CORPUS)
    ? readdirSync(CORPUS).filter((name) => name.endsWith('.jsonl.gz'))
    : [];

  const paths = ['on', 'off'] as const;

  it.each(files.flatMap((file) => paths.map((fastPath) => ({ file, fastPath }))))(
    '$file is answered the same with the fast path $fastPath',
    ({ file, fastPath }) => {
      const text = gunzipSync(readFileSync(join(CORPUS, file))).toString('utf8');

      const result = replayTraces(parseTraces(text), { fastPath });

      expect(result.divergences).toEqual([]);
      expect(result.traces).toBeGreaterThanOrEqual(10);
      expect(result.compared).toBeGreaterThan(700);
    },
  );
});

describe('replaying', () => {
  it('finds four right answers right', () => {
    const result = replayTraces(parseTraces(lines(FOUR_CALLS)));

    expect(result.divergences).toEqual([]);
    expect(result.operations['(changed slots)']).toEqual({ compared: 4, diverged: 0 });
  });

  it('finds a wrong answer and a wrong change', () => {
    const changed = FOUR_CALLS.with(1, {
      ...(FOUR_CALLS[1] as object),
      ans: { err: 1, mrs: [0] },
      chg: {},
    } as (typeof FOUR_CALLS)[number]);

    const result = replayTraces(parseTraces(lines(changed)));

    expect(result.divergences.map(({ operation, step }) => [operation, step])).toEqual([
      ['Untyped_Retype', 0],
      ['(changed slots)', 0],
    ]);
    expect(result.divergences[0]?.given).toEqual({ err: 0, mrs: [] });
  });

  it('names the line of a recording that is not one', () => {
    expect(() => parseTraces('{"trace":1,"family":1}\nnonsense')).toThrow(
      new TraceFormatError('line 2: not a JSON record'),
    );
    expect(() => parseTraces('{"trace":1,"family":1}')).toThrow(TraceFormatError);
  });

  it.each(['Sing', 'constructor', '__proto__'])('refuses a system call named %s', (sys) => {
    const named = (name: string): string => {
      const [, first] = FOUR_CALLS;
      return lines(FOUR_CALLS.with(1, { ...first, sys: name } as (typeof FOUR_CALLS)[number]));
    };
    expect([...parseTraces(named('Call'))]).toHaveLength(1);
    expect(() => [...parseTraces(named(sys))]).toThrow(TraceFormatError);
  });

  it('compares program counters and times by class only', () => {
    expect(isSame(['pc', 'us', 3], [77, 12, 3])).toBe(true);
    expect(isSame(['us'], [0])).toBe(false);
    expect(isSame({ a: 1 }, { a: 1, b: 2 })).toBe(false);
  });
});
