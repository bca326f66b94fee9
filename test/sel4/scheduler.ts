/** scheduler.c, first part: priorities, suspend and resume, YieldTo. */

import * as abi from '../../kernel/abi.ts';
import type { ThreadStep, Word } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { check, equal, equalList, ok, refused } from './driver/check.ts';
import type { Environment, Helper } from './driver/environment.ts';
import { OUR_PRIORITY, SLOT_REPLY, SLOT_SCHED_CONTEXT, SLOT_TCB } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';
import { counter } from './schedcontext.ts';

/** Servers of different priorities that wait on one endpoint and answer with their number. */
function* makeServers(
  env: Environment,
  ep: number,
  priorities: readonly number[],
): ThreadStep<Helper[]> {
  const servers: Helper[] = [];
  for (const [i, priority] of priorities.entries()) {
    const server = yield* env.run({
      priority,
      *body(self) {
        yield calls.recv(ep, self.reply);
        for (;;) yield calls.replyRecv(ep, self.reply, [i]);
      },
    });
    servers.push(server);
  }
  return servers;
}

/** Senders that are queued on one endpoint under badges 1, 2 …; they start in this order. */
function* makeSenders(
  env: Environment,
  ep: number,
  priorities: readonly number[],
): ThreadStep<Helper[]> {
  const senders: Helper[] = [];
  for (const [i, priority] of priorities.entries()) {
    const cap = yield* env.minted(ep, i + 1);
    const sender = yield* env.run({
      priority,
      *body() {
        for (;;) yield calls.send(cap);
      },
    });
    senders.push(sender);
    yield* env.sleep(calls.NS_PER_MS);
  }
  return senders;
}

export const SCHEDULER_TESTS: readonly Sel4Test[] = [
  {
    name: 'SCHED0000',
    class: 'T',
    description: 'suspend freezes a counting thread, resume lets it go on',
    *run(env) {
      const { helper, count } = yield* counter(env);
      for (let round = 0; round < 3; round += 1) {
        yield* env.sleep(10 * calls.NS_PER_MS);
        yield* ok(calls.suspend(helper.tcb));
        const frozen = count();
        check(frozen > 0, 'it counts');
        yield* env.sleep(10 * calls.NS_PER_MS);
        equal(count(), frozen, 'it is frozen');
        yield* ok(calls.resume(helper.tcb));
        yield* env.sleep(10 * calls.NS_PER_MS);
        check(count() > frozen, 'it goes on');
      }
    },
  },
  {
    name: 'SCHED0002',
    class: 'P',
    description: 'a thread that resumes itself goes on',
    *run() {
      yield* ok(calls.resume(SLOT_TCB));
    },
  },
  {
    name: 'SCHED0003',
    class: 'T',
    description: 'suspend and resume among three threads, in exact steps',
    run: threeThreads,
  },
  {
    name: 'SCHED0004',
    class: 'P',
    description: 'a thread at every priority: they run in descending order',
    *run(env) {
      const order: number[] = [];
      const helpers: Helper[] = [];
      for (let priority = 0; priority < OUR_PRIORITY; priority += 1) {
        const helper = yield* env.run({
          priority,
          act() {
            order.push(priority);
          },
        });
        helpers.push(helper);
      }
      equal(order.length, 0, 'none runs before we wait');
      for (const helper of helpers) yield* env.join(helper);
      const due = Array.from({ length: OUR_PRIORITY }, (_, i) => OUR_PRIORITY - 1 - i);
      equalList(order, due, 'order');
    },
  },
  {
    name: 'SCHED0005',
    class: 'P',
    description: 'SetPriority and SetMCPriority: the effect at once, and the bounds',
    run: changePriorities,
  },
  {
    name: 'SCHED0007',
    class: 'P',
    description: 'an endpoint serves senders by priority, whatever their order of arrival',
    *run(env) {
      const ep = yield* env.endpoint();
      yield* makeSenders(env, ep, [12, 15, 11, 14, 13]);
      const badges: Word[] = [];
      for (let i = 0; i < 3; i += 1) badges.push((yield calls.recv(ep, SLOT_REPLY)).badge);
      equalList(badges, [2, 4, 5], 'order of badges');
    },
  },
  {
    name: 'SCHED0008',
    class: 'T',
    description: 'a queued sender whose priority changes is moved',
    *run(env) {
      const ep = yield* env.endpoint();
      const senders = yield* makeSenders(env, ep, [10, 11, 12, 13]);
      const tcb = (senders[0] as Helper).tcb;
      const moves = [14, 9, 13, 11, 12, 15, 8, 20];
      for (const priority of moves) {
        yield* ok(calls.setPriority(tcb, priority));
        const badges: Word[] = [];
        for (let i = 0; i < 2; i += 1) {
          badges.push((yield calls.recv(ep, SLOT_REPLY)).badge);
        }
        // Behind those of its own priority: they were there first.
        const second = priority === 13 ? 1 : 3;
        const due = priority > 13 ? [1, 4] : [4, second];
        equalList(badges, due, `with priority ${priority}`);
        yield* env.sleep(calls.NS_PER_MS);
      }
    },
  },
  {
    name: 'SCHED0009',
    class: 'T',
    description: 'of five servers the one with the highest priority answers, then the next',
    *run(env) {
      const ep = yield* env.endpoint();
      const priorities = [30, 32, 31, 34, 33];
      const servers = yield* makeServers(env, ep, priorities);
      yield* env.sleep(calls.NS_PER_MS);
      for (const due of [3, 4, 1, 2, 0]) {
        for (let i = 0; i < 3; i += 1) {
          equal((yield calls.call(ep)).mrs[0], due, 'server that answers');
          yield* env.sleep(calls.NS_PER_MS);
        }
        yield* ok(calls.suspend((servers[due] as Helper).tcb));
      }
    },
  },
  {
    name: 'SCHED0010',
    class: 'T',
    description: 'a thread without a scheduling context, or with a deleted one, does not run',
    *run(env) {
      let runs = 0;
      const none = yield* env.run({
        priority: OUR_PRIORITY - 1,
        schedContext: 'none',
        act() {
          runs += 1;
        },
      });
      yield* ok(calls.resume(none.tcb));
      const deleted = yield* env.thread({
        priority: OUR_PRIORITY - 1,
        act() {
          runs += 1;
        },
      });
      yield* ok(calls.remove(deleted.sc));
      yield* env.start(deleted);
      yield* env.sleep(10 * calls.NS_PER_MS);
      equal(runs, 0, 'threads that ran');
    },
  },
  {
    name: 'SCHED0016',
    class: 'P',
    description: 'suspend and resume do not bring more budget',
    *run(env) {
      const budget = { budgetUs: 10_000, periodUs: 1_000_000 };
      const { helper } = yield* counter(env, budget);
      for (let i = 0; i < 20; i += 1) {
        yield* env.sleep(10 * calls.NS_PER_MS);
        yield* ok(calls.suspend(helper.tcb));
        yield* ok(calls.resume(helper.tcb));
      }
      const { mrs } = yield* ok(calls.scConsumed(helper.sc));
      check(Number(mrs[0]) <= 10_000 + 20, `consumed ${mrs[0]} us of 10000`);
    },
  },
  {
    name: 'SCHED0017',
    class: 'P',
    description: 'YieldTo: what it refuses, and a thread that cannot run',
    *run(env) {
      yield* refused(calls.yieldTo(SLOT_SCHED_CONTEXT), abi.ILLEGAL_OPERATION);
      yield* refused(calls.yieldTo(yield* env.schedContext()), abi.ILLEGAL_OPERATION);
      const idle = yield* env.thread({ priority: OUR_PRIORITY, act() {} });
      equalList((yield* ok(calls.yieldTo(idle.sc))).mrs, [0], 'consumed by one that cannot run');
      const above = yield* env.thread({ priority: 255, act() {} });
      yield* ok(calls.setMaxPriority(SLOT_TCB, OUR_PRIORITY));
      yield* refused(calls.yieldTo(above.sc), abi.ILLEGAL_OPERATION);
    },
  },
  {
    name: 'SCHED0020',
    class: 'P',
    description: "raising another thread's priority above ours preempts us at once",
    *run(env) {
      let hasRun = false;
      const helper = yield* env.run({
        priority: OUR_PRIORITY - 1,
        act() {
          hasRun = true;
        },
      });
      yield* ok(calls.setPriority(helper.tcb, OUR_PRIORITY - 2));
      check(!hasRun, 'below ours it waits');
      yield* ok(calls.setPriority(helper.tcb, OUR_PRIORITY + 1));
      check(hasRun, 'above ours it has run');
      yield* env.join(helper);
    },
  },
];

/** One below ours drives two others; each step must come exactly in turn. */
function* threeThreads(env: Environment): ThreadStep<void> {
  const steps: string[] = [];
  const spin = function* (name: string, count: number): ThreadStep<void> {
    for (let i = 0; i < count; i += 1) {
      steps.push(name);
      yield calls.compute(calls.NS_PER_MS);
    }
  };
  const low: Helper = yield* env.run({ priority: 10, body: () => spin('low', 6) });
  const middle: Helper = yield* env.thread({ priority: 11, body: () => spin('middle', 4) });
  const nap = 2 * calls.NS_PER_MS + calls.NS_PER_MS / 2;
  const high: Helper = yield* env.thread({
    priority: 12,
    *body() {
      steps.push('high');
      yield* env.sleep(nap);
      steps.push('high');
      yield* ok(calls.suspend(low.tcb));
      yield* env.start(middle);
      yield* env.sleep(nap);
      steps.push('high');
      yield* ok(calls.suspend(middle.tcb));
      yield* ok(calls.resume(low.tcb));
      yield* env.sleep(nap - calls.NS_PER_MS / 4);
      steps.push('high');
      yield* ok(calls.resume(middle.tcb));
    },
  });
  yield* env.start(high);
  for (const helper of [high, middle, low]) yield* env.join(helper);
  const due = 'high low low low high middle middle middle high low low high middle low';
  // A spin in progress is not a step again when it goes on.
  equal(steps.join(' '), due, 'steps');
}

function* changePriorities(env: Environment): ThreadStep<void> {
  const order: string[] = [];
  const other = yield* env.run({
    priority: OUR_PRIORITY - 1,
    act() {
      order.push('other');
    },
  });
  yield* ok(calls.setPriority(SLOT_TCB, OUR_PRIORITY - 2));
  order.push('we');
  equalList(order, ['other', 'we'], 'lowering ourselves lets the other run');
  yield* ok(calls.setPriority(SLOT_TCB, OUR_PRIORITY));
  yield* env.join(other);

  // The bound is the MCP of the authority, not that of the target.
  const authority = yield* env.thread({ priority: 10, maxPriority: 100, act() {} });
  const target = yield* env.thread({ priority: 5, act() {} });
  for (const above of [101, 255]) {
    yield* refused(calls.setPriority(target.tcb, above, authority.tcb), abi.RANGE_ERROR, [0, 100]);
    yield* refused(calls.setMaxPriority(target.tcb, above, authority.tcb), abi.RANGE_ERROR);
  }
  yield* refused(calls.setPriority(target.tcb, 256), abi.RANGE_ERROR, [0, 255]);
  yield* ok(calls.setPriority(target.tcb, 100, authority.tcb));
  yield* ok(calls.setMaxPriority(authority.tcb, 50, authority.tcb));
  const raise = calls.setMaxPriority(authority.tcb, 51, authority.tcb);
  yield* refused(raise, abi.RANGE_ERROR, [0, 50]);
}
