/** regressions.c and benchmark_api.c: registers of a thread, and the time that nobody uses. */

import { REGISTER_COUNT } from '../../kernel/abi.ts';
import * as calls from './driver/calls.ts';
import { check, equal, ok } from './driver/check.ts';
import { OUR_PRIORITY, SLOT_SCHED_CONTEXT } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

export const REGRESSION_TESTS: readonly Sel4Test[] = [
  {
    name: 'REGRESSIONS0001',
    class: 'M',
    description: 'WriteRegisters puts each register where the user context says',
    *run(env) {
      const seen: number[] = [];
      const helper = yield* env.thread({
        priority: OUR_PRIORITY - 1,
        act(self, thread) {
          seen.push(...thread.regs);
          equal(seen[0], self.entry + 8, 'program counter');
        },
      });
      const words = Array.from({ length: REGISTER_COUNT }, (_, r) => 0x10_0000_0000 * r + 7 * r);
      words[0] = helper.entry;
      yield* ok(calls.writeRegisters(helper.tcb, 1, words));
      yield* env.sleep(calls.NS_PER_MS);
      for (let r = 1; r < REGISTER_COUNT; r += 1) {
        equal(seen[2 * r], 7 * r, `low half of register ${r}`);
        equal(seen[2 * r + 1], 16 * r, `high half of register ${r}`);
      }
    },
  },
  {
    name: 'BENCHMARK_0001',
    class: 'T',
    description: 'during a sleep of one second nobody uses more than half of the time',
    *run(env) {
      yield* ok(calls.scConsumed(SLOT_SCHED_CONTEXT));
      const start = env.now();
      yield* env.sleep(calls.NS_PER_S);
      const { mrs } = yield* ok(calls.scConsumed(SLOT_SCHED_CONTEXT));
      const idle = env.now() - start - Number(mrs[0]) * calls.NS_PER_US;
      check(idle > calls.NS_PER_S / 2, `idle for ${idle} ns`);
    },
  },
];
