/** preempt.c: a long revocation is interrupted. */

import * as abi from '../../kernel/abi.ts';
import type { ThreadStep } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { check, ok } from './driver/check.ts';
import type { Environment } from './driver/environment.ts';
import type { Sel4Test } from './driver/test.ts';

const FIRST_BITS = 12;
const LAST_BITS = 16;
const TICK_NS = calls.NS_PER_MS;
/** Virtual time that goes by between two preemption points. */
const POINT_NS = 30 * calls.NS_PER_US;

/** @returns how often a timer thread ran while 2^bits copies of a capability were revoked */
function* preemptionsOf(
  env: Environment,
  bits: number,
  ticks: { count: number },
): ThreadStep<number> {
  const cnode = yield* env.allocate(abi.OBJECT_CNODE, bits);
  const ep = yield* env.endpoint();
  for (let i = 0; i < 2 ** bits; i += 1) {
    yield* ok(calls.mintInto(cnode, bits, i, ep, 1));
  }
  const before = ticks.count;
  env.machine.pollCostNs = POINT_NS;
  yield* ok(calls.revoke(ep));
  env.machine.pollCostNs = 0;
  const count = ticks.count - before;
  // The slots are empty again: each can be filled.
  yield* ok(calls.mintInto(cnode, bits, 2 ** bits - 1, ep, 1));
  yield* ok(calls.mintInto(cnode, bits, 0, ep, 1));
  yield* ok(calls.remove(cnode));
  return count;
}

export const PREEMPTION_TESTS: readonly Sel4Test[] = [
  {
    name: 'PREEMPT_REVOKE',
    class: 'T',
    description: 'revoking thousands of copies is preempted at least twice by the timer',
    *run(env) {
      const ticks = { count: 0 };
      yield* env.startTimer(TICK_NS);
      yield* env.run({
        priority: 255,
        *body() {
          for (;;) {
            yield* env.waitForTimer();
            ticks.count += 1;
          }
        },
      });
      for (let bits = FIRST_BITS; bits <= LAST_BITS; bits += 1) {
        if ((yield* preemptionsOf(env, bits, ticks)) >= 2) return;
      }
      check(false, 'no revocation was preempted twice');
    },
  },
];
