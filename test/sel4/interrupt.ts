/** interrupt.c: timer interrupts for handlers with and without scheduling contexts. */

import type { ThreadStep } from '../../kernel/system-call.ts';
import * as abi from '../../kernel/abi.ts';
import * as calls from './driver/calls.ts';
import { equal, ok } from './driver/check.ts';
import type { Environment, Helper } from './driver/environment.ts';
import { OUR_PRIORITY, SLOT_TIMER_HANDLER } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

const TICK_NS = 10 * calls.NS_PER_MS;
const TICKS = 10;

interface Handler {
  readonly helper: Helper;
  readonly ticks: () => number;
}

/** A thread that waits for the timer, acknowledges and counts. */
function* makeHandler(
  env: Environment,
  notification: number,
  context: 'own' | 'none',
): ThreadStep<Handler> {
  let ticks = 0;
  const ready = yield* env.endpoint();
  const helper = yield* env.run({
    priority: OUR_PRIORITY - 1,
    *body() {
      yield calls.nbSendWait(ready, [], notification);
      for (;;) {
        ticks += 1;
        yield* ok(calls.invoke(SLOT_TIMER_HANDLER, abi.IRQ_ACK_IRQ));
        if (ticks >= TICKS) return;
        yield calls.wait(notification);
      }
    },
  });
  yield calls.wait(ready);
  if (context === 'none') yield* ok(calls.scUnbind(helper.sc));
  return { helper, ticks: () => ticks };
}

/** Waits in virtual time without using the timer. */
function* pause(env: Environment, durationNs: number): ThreadStep<void> {
  const alarm = yield* env.run({
    priority: OUR_PRIORITY - 2,
    *body() {
      yield calls.compute(durationNs);
    },
  });
  yield* env.join(alarm);
}

export const INTERRUPT_TESTS: readonly Sel4Test[] = [
  {
    name: 'INTERRUPT0002',
    class: 'T',
    description: "a passive handler runs on its notification's context for ten ticks",
    *run(env) {
      const notification = yield* env.startTimer(TICK_NS);
      const { helper, ticks } = yield* makeHandler(env, notification, 'none');
      yield* ok(calls.scBind(helper.sc, notification));
      yield* env.join(helper);
      equal(ticks(), TICKS, 'ticks handled');
    },
  },
  {
    name: 'INTERRUPT0003',
    class: 'T',
    description: "a handler with a context of its own does not take the notification's",
    *run(env) {
      const notification = yield* env.startTimer(TICK_NS);
      const { helper, ticks } = yield* makeHandler(env, notification, 'own');
      const sc = yield* env.schedContext();
      yield* ok(calls.scBind(sc, notification));
      yield* env.join(helper);
      equal(ticks(), TICKS, 'ticks handled');
      equal((yield* ok(calls.scConsumed(sc))).mrs[0], 0, 'the other context is unused');
      // It is free for a passive handler that comes after.
      const second = yield* makeHandler(env, notification, 'none');
      yield* env.join(second.helper);
      equal(second.ticks(), TICKS, 'ticks of the second');
    },
  },
  {
    name: 'INTERRUPT0004',
    class: 'T',
    description: 'neither handler nor notification has a context: it never runs',
    *run(env) {
      const notification = yield* env.startTimer(TICK_NS);
      const { ticks } = yield* makeHandler(env, notification, 'none');
      yield* pause(env, 2 * TICKS * TICK_NS);
      equal(ticks(), 0, 'ticks handled');
    },
  },
  {
    name: 'INTERRUPT0005',
    class: 'T',
    description: 'one context of a notification cannot serve two threads at once',
    *run(env) {
      const notification = yield* env.startTimer(TICK_NS);
      const never = yield* env.notification();
      const ready = yield* env.endpoint();
      const runs: number[] = [];
      const helpers: Helper[] = [];
      for (let i = 0; i < 2; i += 1) {
        const helper = yield* env.run({
          priority: OUR_PRIORITY - 1,
          *body() {
            yield calls.nbSendWait(ready, [], notification);
            runs.push(i);
            yield* ok(calls.invoke(SLOT_TIMER_HANDLER, abi.IRQ_ACK_IRQ));
            // It keeps the context while it waits for something else.
            yield calls.wait(never);
          },
        });
        yield calls.wait(ready);
        yield* ok(calls.scUnbind(helper.sc));
        helpers.push(helper);
      }
      yield* ok(calls.scBind(yield* env.schedContext(), notification));
      yield* pause(env, 2 * TICKS * TICK_NS);
      equal(runs.join(), '0', 'only the first has run');
      for (const helper of helpers) yield* ok(calls.suspend(helper.tcb));
    },
  },
  {
    name: 'INTERRUPT0006',
    class: 'T',
    description: 'a deleted context is not donated any more',
    *run(env) {
      const notification = yield* env.startTimer(TICK_NS);
      const { helper, ticks } = yield* makeHandler(env, notification, 'none');
      yield* ok(calls.scBind(helper.sc, notification));
      yield* pause(env, 3 * TICK_NS);
      const before = ticks();
      yield* ok(calls.remove(helper.sc));
      yield* pause(env, 2 * TICKS * TICK_NS);
      equal(ticks(), before, 'no tick after the deletion');
      yield* ok(calls.scBind(yield* env.schedContext(), notification));
    },
  },
];
