/** binding.c: notifications bound to threads. */

import type { ThreadStep, Word } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { equal, ok, refused } from './driver/check.ts';
import { ILLEGAL_OPERATION } from '../../kernel/abi.ts';
import type { Environment, Helper } from './driver/environment.ts';
import { OUR_PRIORITY, SLOT_REPLY, SLOT_TCB } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

const MESSAGES = 10;
const SIGNAL_BADGE = 1;
const MESSAGE_BADGE = 2;

/** The test's own thread is bound and receives on the endpoint; two helpers signal and send. */
function* signalsAndMessages(env: Environment): ThreadStep<void> {
  const [ep, notification] = [yield* env.endpoint(), yield* env.notification()];
  const signalled = yield* env.minted(notification, SIGNAL_BADGE);
  const sent = yield* env.minted(ep, MESSAGE_BADGE);
  yield* ok(calls.bindNotification(SLOT_TCB, notification));
  yield* refused(calls.bindNotification(SLOT_TCB, notification), ILLEGAL_OPERATION);
  const helpers = [
    yield* env.run({
      priority: 10,
      *body() {
        for (let i = 0; i < MESSAGES; i += 1) yield calls.signal(signalled);
      },
    }),
    yield* env.run({
      priority: 10,
      *body() {
        for (let i = 0; i < MESSAGES; i += 1) yield calls.send(sent, [i]);
      },
    }),
  ];
  const counts = new Map<Word, number>();
  for (let i = 0; i < 2 * MESSAGES; i += 1) {
    const { badge } = yield calls.recv(ep, SLOT_REPLY);
    counts.set(badge, (counts.get(badge) ?? 0) + 1);
  }
  equal(counts.get(SIGNAL_BADGE), MESSAGES, 'signals');
  equal(counts.get(MESSAGE_BADGE), MESSAGES, 'messages');
  yield* ok(calls.unbindNotification(SLOT_TCB));
  for (const helper of helpers) yield* env.join(helper);
}

/** @param waiter 'first' when the waiter waits before the signal comes */
function* waitAndSignal(env: Environment, waiter: 'first' | 'second'): ThreadStep<void> {
  const [ep, notification] = [yield* env.endpoint(), yield* env.notification()];
  const badged = yield* env.minted(notification, SIGNAL_BADGE);
  const order: string[] = [];
  const thread = yield* env.thread({
    priority: waiter === 'first' ? 10 : 9,
    *body(self) {
      order.push('wait');
      return (yield calls.recv(ep, self.reply)).badge;
    },
  });
  const signaller = yield* env.thread({
    priority: waiter === 'first' ? 9 : 10,
    *body() {
      order.push('signal');
      yield calls.signal(badged);
    },
  });
  yield* ok(calls.bindNotification(thread.tcb, notification));
  yield* env.start(signaller);
  yield* env.start(thread);
  equal(yield* env.join(thread), SIGNAL_BADGE, 'badge received');
  yield* env.join(signaller);
  equal(order[0], waiter === 'first' ? 'wait' : 'signal', 'who came first');
}

interface BoundPassive {
  readonly helper: Helper;
  readonly badged: number;
  readonly notification: number;
}

/** A bound thread that receives on an endpoint, and has lost its scheduling context. */
function* boundPassive(env: Environment, results: Word[]): ThreadStep<BoundPassive> {
  const [ep, ready] = [yield* env.endpoint(), yield* env.endpoint()];
  const notification = yield* env.notification();
  const helper = yield* env.thread({
    priority: OUR_PRIORITY + 1,
    *body(self) {
      let answer = yield calls.nbSendRecv(ready, [], ep, self.reply);
      for (;;) {
        results.push(answer.badge);
        answer = yield calls.recv(ep, self.reply);
      }
    },
  });
  yield* ok(calls.bindNotification(helper.tcb, notification));
  yield* startPassive(env, helper, ready);
  return { helper, badged: yield* env.minted(notification, SIGNAL_BADGE), notification };
}

function* startPassive(env: Environment, helper: Helper, ready: number): ThreadStep<void> {
  // The helper has a higher priority: its NBSend would be lost if nobody waited, so it starts
  // below.
  yield* ok(calls.setPriority(helper.tcb, OUR_PRIORITY - 1));
  yield* env.start(helper);
  yield calls.wait(ready);
  yield* env.sleep(calls.NS_PER_MS);
  yield* ok(calls.setPriority(helper.tcb, OUR_PRIORITY + 1));
  yield* ok(calls.scUnbind(helper.sc));
}

export const BINDING_TESTS: readonly Sel4Test[] = [
  {
    name: 'BIND0001',
    class: 'P',
    description: 'a bound thread on its endpoint gets all signals and all messages by badge',
    run: signalsAndMessages,
  },
  {
    name: 'BIND0002',
    class: 'P',
    description: 'a bound thread may wait on the notification itself, others may not',
    *run(env) {
      const [notification, faults] = [yield* env.notification(), yield* env.endpoint()];
      const badged = yield* env.minted(notification, SIGNAL_BADGE);
      yield* ok(calls.bindNotification(SLOT_TCB, notification));
      const sender = yield* env.run({
        priority: 10,
        *body() {
          for (let i = 0; i < MESSAGES; i += 1) yield calls.signal(badged);
        },
      });
      for (let i = 0; i < MESSAGES; i += 1) {
        equal((yield calls.wait(notification)).badge, SIGNAL_BADGE, 'badge');
      }
      yield* env.join(sender);
      yield* env.run({
        priority: OUR_PRIORITY + 1,
        faultHandler: faults,
        *body() {
          yield calls.wait(notification);
        },
      });
      equal((yield calls.nbRecv(faults, SLOT_REPLY)).label, 1, 'a stranger faults');
      yield* ok(calls.unbindNotification(SLOT_TCB));
    },
  },
  {
    name: 'BIND0003',
    class: 'P',
    description: 'wait before signal, by priorities',
    *run(env) {
      yield* waitAndSignal(env, 'first');
    },
  },
  {
    name: 'BIND0004',
    class: 'P',
    description: 'signal before wait, by priorities',
    *run(env) {
      yield* waitAndSignal(env, 'second');
    },
  },
  {
    name: 'BIND005',
    class: 'P',
    description:
      'a bound thread without a scheduling context gets the signal and runs when it has one',
    *run(env) {
      const results: Word[] = [];
      const { helper, badged } = yield* boundPassive(env, results);
      yield calls.signal(badged);
      equal(results.length, 0, 'it has not run');
      yield* ok(calls.scBind(helper.sc, helper.tcb));
      equal(results[0], SIGNAL_BADGE, 'it runs when it has a scheduling context');
      equal(results.length, 1, 'once');
    },
  },
  {
    name: 'BIND006',
    class: 'P',
    description: "a bound thread runs at once on its notification's scheduling context",
    *run(env) {
      const results: Word[] = [];
      const { helper, badged, notification } = yield* boundPassive(env, results);
      yield* ok(calls.scBind(helper.sc, notification));
      for (let i = 1; i <= MESSAGES; i += 1) {
        yield calls.signal(badged);
        equal(results.length, i, 'it has run');
        equal(results.at(-1), SIGNAL_BADGE, 'badge');
        // It has given the context back: it is not the thread's.
        yield* refused(calls.scUnbindObject(helper.sc, helper.tcb), ILLEGAL_OPERATION);
      }
    },
  },
];
