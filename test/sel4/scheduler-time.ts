/**
 * scheduler.c, second part: budgets and periods measured in virtual time, and YieldTo among running
 * threads.
 */

import * as abi from '../../kernel/abi.ts';
import type { ThreadStep, Word } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { check, equal, ok } from './driver/check.ts';
import type { Environment, Helper } from './driver/environment.ts';
import { OUR_PRIORITY } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';
import { counter } from './schedcontext.ts';

/** A thread that counts once per refill and yields the rest of it. */
function* periodic(
  env: Environment,
  budgetUs: number,
  periodUs: number,
): ThreadStep<{ helper: Helper; times: number[] }> {
  const times: number[] = [];
  const helper = yield* env.run({
    priority: OUR_PRIORITY - 1,
    budget: { budgetUs, periodUs },
    *body() {
      for (;;) {
        times.push(env.now());
        yield calls.yieldCpu();
      }
    },
  });
  return { helper, times };
}

function checkPeriods(times: readonly number[], periodNs: number): void {
  for (let i = 1; i < times.length; i += 1) {
    const apart = (times[i] as number) - (times[i - 1] as number);
    check(Math.abs(apart - periodNs) <= calls.NS_PER_MS, `turns are ${apart} ns apart`);
  }
}

/** A thread of our own priority that yields to a counter, and tells what the answer is. */
function* yielder(env: Environment, sc: number): ThreadStep<{ helper: Helper; answer: Word[] }> {
  const answer: Word[] = [];
  const helper = yield* env.run({
    priority: OUR_PRIORITY - 1,
    maxPriority: OUR_PRIORITY,
    *body() {
      const { label, mrs } = yield calls.yieldTo(sc);
      answer.push(label, ...mrs);
    },
  });
  return { helper, answer };
}

export const SCHEDULER_TIME_TESTS: readonly Sel4Test[] = [
  {
    name: 'SCHED0011',
    class: 'T',
    description: 'a round-robin slice of 100 ms is exact within 2 ms, over eleven yields',
    *run(env) {
      const slice = { budgetUs: 100_000, periodUs: 100_000 };
      yield* counter(env, slice);
      const times: number[] = [];
      const helper = yield* env.run({
        priority: OUR_PRIORITY - 1,
        budget: slice,
        *body() {
          for (let i = 0; i < 12; i += 1) {
            times.push(env.now());
            yield calls.yieldCpu();
          }
        },
      });
      yield* env.join(helper);
      for (let i = 1; i < times.length; i += 1) {
        const apart = (times[i] as number) - (times[i - 1] as number);
        const off = Math.abs(apart - 100 * calls.NS_PER_MS);
        check(off <= 2 * calls.NS_PER_MS, `slice ${i} is ${apart} ns long`);
      }
    },
  },
  {
    name: 'SCHED0012',
    class: 'T',
    description: 'a periodic thread of 0.2 s in 1 s runs once per period after Yield',
    *run(env) {
      const { times } = yield* periodic(env, 200_000, 1_000_000);
      yield* env.sleep(5 * calls.NS_PER_S + calls.NS_PER_MS);
      equal(times.length, 6, 'turns in five seconds');
      checkPeriods(times, calls.NS_PER_S);
    },
  },
  {
    name: 'SCHED0013',
    class: 'T',
    description: 'two periodic threads, each at its own rate',
    *run(env) {
      const slow = yield* periodic(env, 200_000, 2_000_000);
      const fast = yield* periodic(env, 300_000, 1_000_000);
      yield* env.sleep(10 * calls.NS_PER_S + calls.NS_PER_MS);
      equal(slow.times.length, 6, 'turns of the slow one');
      equal(fast.times.length, 11, 'turns of the fast one');
      checkPeriods(slow.times, 2 * calls.NS_PER_S);
      checkPeriods(fast.times, calls.NS_PER_S);
    },
  },
  {
    name: 'SCHED0014',
    class: 'T',
    description: 'three periodic threads of 25, 50 and 100 ms: counts in proportion',
    *run(env) {
      const [a, b, c] = [
        yield* periodic(env, 5_000, 25_000),
        yield* periodic(env, 10_000, 50_000),
        yield* periodic(env, 20_000, 100_000),
      ];
      yield* env.sleep(2 * calls.NS_PER_S + calls.NS_PER_MS);
      const rest = c.times.length - 1;
      check(a.times.length >= 4 * rest && a.times.length > 80, '25 ms: four times as often');
      check(b.times.length >= 2 * rest && b.times.length > 40, '50 ms: twice as often');
      checkPeriods(a.times, 25 * calls.NS_PER_MS);
    },
  },
  {
    name: 'SCHED0018',
    class: 'T',
    description: 'YieldTo ends well when its target or its caller is suspended or deleted',
    *run(env) {
      const ends = [
        ({ tcb }: Helper) => calls.suspend(tcb),
        ({ tcb }: Helper) => calls.remove(tcb),
        ({ sc }: Helper) => calls.remove(sc),
      ];
      for (const end of ends) {
        const target = yield* counter(env);
        const { helper, answer } = yield* yielder(env, target.helper.sc);
        yield* env.sleep(calls.NS_PER_MS);
        equal(answer.length, 0, 'the yielder waits while the other runs');
        yield* ok(end(target.helper));
        yield* env.join(helper);
        equal(answer[0], abi.NO_ERROR, 'label');
        check(Number(answer[1]) > 0, 'the target has consumed time');
      }
      for (const end of ends) {
        const target = yield* counter(env);
        const { helper, answer } = yield* yielder(env, target.helper.sc);
        yield* env.sleep(calls.NS_PER_MS);
        yield* ok(end(helper));
        const before = target.count();
        yield* env.sleep(calls.NS_PER_MS);
        check(target.count() > before, 'the target runs on');
        equal(answer.length, 0, 'the yielder is gone');
        yield* ok(calls.suspend(target.helper.tcb));
      }
    },
  },
  {
    name: 'SCHED0019',
    class: 'T',
    description: 'YieldTo answers without error with the time that the other has used',
    *run(env) {
      const other = yield* env.run({
        priority: OUR_PRIORITY - 1,
        *body() {
          yield calls.compute(calls.NS_PER_MS);
        },
      });
      const { helper, answer } = yield* yielder(env, other.sc);
      yield* env.join(other);
      yield* env.join(helper);
      equal(answer[0], abi.NO_ERROR, 'label');
      const used = Number(answer[1]);
      check(used >= 990 && used <= 1_100, `${used} us consumed`);
    },
  },
  {
    name: 'SCHED0021',
    class: 'T',
    description: 'four equal threads each run once in a round; the time is exact within 2 %',
    *run(env) {
      const sliceUs = 10_000;
      const runs: number[] = [];
      const helpers: Helper[] = [];
      for (let i = 0; i < 4; i += 1) {
        const helper = yield* env.run({
          priority: OUR_PRIORITY - 1,
          budget: { budgetUs: sliceUs, periodUs: sliceUs },
          *body() {
            runs.push(i);
            yield calls.compute(2 * sliceUs * calls.NS_PER_US);
          },
        });
        helpers.push(helper);
      }
      const start = env.now();
      for (const helper of helpers) yield* env.join(helper);
      const took = env.now() - start;
      equal([...runs].sort((a, b) => a - b).join(), '0,1,2,3', 'each was started once');
      const due = 4 * 2 * sliceUs * calls.NS_PER_US;
      check(Math.abs(took - due) < due / 50, `all took ${took} ns of ${due}`);
    },
  },
];
