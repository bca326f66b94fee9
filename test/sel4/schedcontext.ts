/** schedcontext.c, first part: scheduling contexts and what they are bound to. */

import * as abi from '../../kernel/abi.ts';
import type { ThreadStep } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { check, equal, ok, refused } from './driver/check.ts';
import type { Environment, Helper } from './driver/environment.ts';
import { OUR_PRIORITY } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

const BELOW = OUR_PRIORITY - 1;
const STEP_NS = 10 * calls.NS_PER_US;

interface Counter {
  readonly helper: Helper;
  readonly count: () => number;
}

/** A thread that counts for ever. */
export function* counter(
  env: Environment,
  budget?: calls.Budget,
  priority = BELOW,
): ThreadStep<Counter> {
  let value = 0;
  const helper = yield* env.run({
    priority,
    ...(budget && { budget }),
    *body() {
      for (;;) {
        value += 1;
        yield calls.compute(STEP_NS);
      }
    },
  });
  return { helper, count: () => value };
}

/** Checks that a counter has so many microseconds of processor time in each period of 100 ms. */
function* checkShare(env: Environment, counting: Counter, budgetUs: number): ThreadStep<void> {
  yield* env.sleep(200 * calls.NS_PER_MS);
  yield* ok(calls.scConsumed(counting.helper.sc));
  yield* env.sleep(1000 * calls.NS_PER_MS);
  const { mrs } = yield* ok(calls.scConsumed(counting.helper.sc));
  const used = Number(mrs[0]);
  const due = 10 * budgetUs;
  check(Math.abs(used - due) <= 2 * budgetUs, `consumed ${used} us of ${due}`);
}

/** Passive threads that wait for the notification and count when they run. */
function* waiter(
  env: Environment,
  notification: number,
  counts: number[],
  index: number,
): ThreadStep<Helper> {
  const ready = yield* env.endpoint();
  return yield* env.passive(
    {
      priority: BELOW,
      *body() {
        yield calls.nbSendWait(ready, [], notification);
        for (;;) {
          counts[index] = (counts[index] as number) + 1;
          yield calls.compute(STEP_NS);
        }
      },
    },
    ready,
  );
}

export const SCHED_CONTEXT_TESTS: readonly Sel4Test[] = [
  {
    name: 'SCHED_CONTEXT_0001',
    class: 'P',
    description: 'ConfigureFlags: legal values, a wrong object, and each bad range',
    *run(env) {
      const sc = yield* env.schedContext();
      yield* ok(calls.configureSc(sc, { budgetUs: 5_000, periodUs: 5_000 }));
      const wrong = calls.configureSc(yield* env.endpoint(), { budgetUs: 5_000, periodUs: 5_000 });
      yield* refused(wrong, abi.INVALID_CAPABILITY, [1]);
      const bad = [
        { budgetUs: 0, periodUs: 5_000 },
        { budgetUs: 5_000, periodUs: 0 },
        { budgetUs: 5_001, periodUs: 5_000 },
        { budgetUs: 1, periodUs: 5_000 },
        { budgetUs: 19, periodUs: 5_000 },
        { budgetUs: 2n ** 63n, periodUs: 2n ** 63n },
      ];
      for (const budget of bad)
        yield* refused(calls.configureSc(sc, budget), abi.RANGE_ERROR, [20]);
      yield* ok(calls.configureSc(sc, { budgetUs: 20, periodUs: 5_000 }));
      yield* ok(calls.configureSc(sc, { budgetUs: 20, periodUs: 20 }));
    },
  },
  {
    name: 'SCHED_CONTEXT_0002',
    class: 'T',
    description: 'reconfigured while it rests and while it runs, to more and to less',
    *run(env) {
      const periodUs = 100_000;
      const counting = yield* counter(env, { budgetUs: 20_000, periodUs });
      yield* checkShare(env, counting, 20_000);
      for (const budgetUs of [40_000, 10_000]) {
        yield* ok(calls.configureSc(counting.helper.sc, { budgetUs, periodUs }));
        yield* checkShare(env, counting, budgetUs);
      }
      yield* ok(calls.suspend(counting.helper.tcb));
      yield* ok(calls.configureSc(counting.helper.sc, { budgetUs: 30_000, periodUs }));
      yield* ok(calls.resume(counting.helper.tcb));
      yield* checkShare(env, counting, 30_000);
    },
  },
  {
    name: 'SCHED_CONTEXT_0003',
    class: 'P',
    description: 'Bind and UnbindObject: what they refuse',
    *run(env) {
      const [sc, tcb] = [yield* env.schedContext(), yield* env.allocate(abi.OBJECT_TCB)];
      const [ep, notification] = [yield* env.endpoint(), yield* env.notification()];
      yield* refused(calls.scBind(sc, ep), abi.INVALID_CAPABILITY, [1]);
      yield* refused(calls.scUnbindObject(sc, ep), abi.INVALID_CAPABILITY, [1]);
      yield* refused(calls.scUnbindObject(sc, tcb), abi.ILLEGAL_OPERATION);
      yield* refused(calls.scUnbindObject(sc, notification), abi.ILLEGAL_OPERATION);
      yield* ok(calls.scBind(sc, tcb));
      yield* refused(calls.scBind(sc, tcb), abi.ILLEGAL_OPERATION);
      yield* refused(calls.scBind(sc, yield* env.allocate(abi.OBJECT_TCB)), abi.ILLEGAL_OPERATION);
      yield* refused(calls.scBind(yield* env.schedContext(), tcb), abi.ILLEGAL_OPERATION);
      yield* ok(calls.scBind(sc, notification));
      yield* refused(calls.scBind(sc, yield* env.notification()), abi.ILLEGAL_OPERATION);
      const other = yield* env.schedContext();
      yield* refused(calls.scBind(other, notification), abi.ILLEGAL_OPERATION);
      yield* ok(calls.scUnbindObject(sc, tcb));
      yield* ok(calls.scUnbindObject(sc, notification));
      yield* refused(calls.scUnbindObject(sc, tcb), abi.ILLEGAL_OPERATION);
      yield* ok(calls.scBind(other, tcb));
      yield* ok(calls.scUnbind(other));
      yield* ok(calls.scUnbind(other));
    },
  },
  {
    name: 'SCHED_CONTEXT_0005',
    class: 'T',
    description: 'deleting a scheduling context stops its thread',
    *run(env) {
      const { helper, count } = yield* counter(env);
      yield* env.sleep(10 * calls.NS_PER_MS);
      check(count() > 0, 'the thread runs');
      yield* ok(calls.remove(helper.sc));
      const before = count();
      yield* env.sleep(10 * calls.NS_PER_MS);
      equal(count(), before, 'the thread has stopped');
    },
  },
  {
    name: 'SCHED_CONTEXT_0006',
    class: 'P',
    description: "a thread dies on its notification's context, which the next waiter gets",
    *run(env) {
      const notification = yield* env.notification();
      const counts = [0, 0];
      const first = yield* waiter(env, notification, counts, 0);
      yield* ok(calls.scBind(first.sc, notification));
      yield calls.signal(notification);
      yield* env.sleep(calls.NS_PER_MS);
      check((counts[0] as number) > 0, 'the first runs on the context');
      yield* waiter(env, notification, counts, 1);
      yield* ok(calls.remove(first.tcb));
      const before = counts[0];
      yield calls.signal(notification);
      yield* env.sleep(calls.NS_PER_MS);
      equal(counts[0], before, 'the first is gone');
      check((counts[1] as number) > 0, 'the second runs on the context');
    },
  },
  {
    name: 'SCHED_CONTEXT_0007',
    class: 'P',
    description:
      'resume and bind in both orders; a context on thread and notification is given back',
    *run(env) {
      for (const order of ['resume first', 'bind first']) {
        const helper = yield* env.thread({ priority: BELOW, schedContext: 'none', act() {} });
        const sc = yield* env.schedContext();
        if (order === 'resume first') yield* env.start(helper);
        yield* ok(calls.scBind(sc, helper.tcb));
        if (order === 'bind first') yield* env.start(helper);
        yield* env.join(helper);
      }
      const notification = yield* env.notification();
      let wakeUps = 0;
      const helper = yield* env.thread({
        priority: OUR_PRIORITY + 1,
        *body() {
          for (;;) {
            yield calls.wait(notification);
            wakeUps += 1;
          }
        },
      });
      yield* ok(calls.scBind(helper.sc, notification));
      yield* env.start(helper);
      yield* refused(calls.scUnbindObject(helper.sc, helper.tcb), abi.ILLEGAL_OPERATION);
      yield calls.signal(notification);
      yield calls.signal(notification);
      equal(wakeUps, 2, 'each signal lends it the context');
    },
  },
  {
    name: 'SCHED_CONTEXT_0008',
    class: 'P',
    description:
      'a context goes from client over proxy to server by NBSendWait, and can be rebound',
    *run(env) {
      const [toProxy, toServer] = [yield* env.endpoint(), yield* env.endpoint()];
      const [ready, never] = [yield* env.endpoint(), yield* env.notification()];
      const order: string[] = [];
      const server = yield* env.passive(
        {
          priority: BELOW,
          *body() {
            yield calls.nbSendWait(ready, [], toServer);
            order.push('server');
            yield calls.wait(never);
          },
        },
        ready,
      );
      yield* env.passive(
        {
          priority: BELOW,
          *body() {
            yield calls.nbSendWait(ready, [], toProxy);
            order.push('proxy');
            yield calls.nbSendWait(toServer, [], never);
          },
        },
        ready,
      );
      const client = yield* env.run({
        priority: BELOW,
        *body() {
          order.push('client');
          yield calls.nbSendWait(toProxy, [], never);
          order.push('client again');
        },
      });
      yield* env.sleep(calls.NS_PER_MS);
      equal(order.join(' '), 'client proxy server', 'the way of the context');
      yield* refused(calls.scBind(client.sc, client.tcb), abi.ILLEGAL_OPERATION);
      yield* ok(calls.remove(server.tcb));
      yield* ok(calls.scBind(client.sc, client.tcb));
      for (let i = 0; i < 3; i += 1) yield calls.signal(never);
      yield* env.join(client);
    },
  },
];
