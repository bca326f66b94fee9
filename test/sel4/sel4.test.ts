/**
 * sel4test, re-created: each test under its own name on a freshly booted kernel, with the fast path
 * and without. What a test asserts is in its own file; here it only has to end well.
 */

import { describe, expect, it } from 'vitest';
import { isLong, LONG } from '../support/long-test.ts';
import { load, wait, yieldCpu } from './driver/calls.ts';
import { equal } from './driver/check.ts';
import { Runner } from './driver/runner.ts';
import { TESTS } from './registry.ts';
import { UPSTREAM_TESTS } from './upstream.ts';

/** It clears 1 GiB, in which the fast path has no part: without it in `.ci/run` alone. */
const LARGE = 'FRAMEEXPORTS0001';

for (const fastPath of ['on', 'off'] as const) {
  describe(`sel4test, fast path ${fastPath}`, () => {
    const runner = new Runner({ fastPath });
    for (const test of TESTS) {
      const isForCi = test.name === LARGE && fastPath === 'off';
      it.skipIf(isForCi && !isLong)(`${test.name} ${test.description}`, isForCi ? LONG : {}, () => {
        expect(runner.run(test)).toMatchObject({ kind: 'passed' });
      });
    }
  });
}

describe('the driver', () => {
  const runner = new Runner();
  const base = { name: 'DRIVER', class: 'P', description: 'a test of the driver itself' } as const;

  it('reports a check that fails', () => {
    const outcome = runner.run({
      ...base,
      *run() {
        yield yieldCpu();
        equal(1, 2, 'a figure');
      },
    });
    expect(outcome).toEqual({ kind: 'failed', message: 'a figure: expected 2, got 1' });
  });

  it('reports a test that waits for ever', () => {
    const outcome = runner.run({
      ...base,
      *run(env) {
        yield wait(yield* env.notification());
      },
    });
    expect(outcome).toEqual({ kind: 'failed', message: expect.stringContaining('no thread') });
  });

  it('reports a fault of the test process', () => {
    const outcome = runner.run({
      ...base,
      *run() {
        yield load(0x7000_0000);
      },
    });
    expect(outcome).toEqual({ kind: 'failed', message: expect.stringContaining('faulted') });
  });

  it('has each applicable test of upstream, once', () => {
    const names = TESTS.filter((test) => test.class !== 'GAP').map(({ name }) => name);
    const due = UPSTREAM_TESTS.filter(({ reason }) => reason === '').map(({ name }) => name);
    expect(names.toSorted()).toEqual(due.toSorted());
  });
});
