/** What sel4test does not test, second part: domains and interrupts. */

import * as abi from '../../kernel/abi.ts';
import type { Word } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { check, equal, ok, refused } from './driver/check.ts';
import { IRQ_MAX, SPARE_IRQ, TIMER_IRQ } from './driver/machine.ts';
import { DEPTH, OUR_PRIORITY, SLOT_CNODE, SLOT_DOMAIN, SLOT_IRQ_CONTROL } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

const DOMAINS = 16;
const SCHEDULE_ENTRIES = 100;
const TICKS_PER_MS = 10_000;

function setDomain(domain: Word, caps: readonly Word[]) {
  return calls.invoke(SLOT_DOMAIN, abi.DOMAIN_SET_SET, [domain], caps);
}

function configure(mrs: readonly Word[]) {
  return calls.invoke(SLOT_DOMAIN, abi.DOMAIN_SCHEDULE_CONFIGURE, mrs);
}

function setStart(mrs: readonly Word[]) {
  return calls.invoke(SLOT_DOMAIN, abi.DOMAIN_SCHEDULE_SET_START, mrs);
}

function getIrq(mrs: readonly Word[], caps: readonly Word[] = [SLOT_CNODE]) {
  return calls.invoke(SLOT_IRQ_CONTROL, abi.IRQ_ISSUE_IRQ_HANDLER, mrs, caps);
}

export const TIME_GAP_TESTS: readonly Sel4Test[] = [
  {
    name: 'GAP_DOMAIN_SCHEDULE',
    class: 'GAP',
    description: 'a thread runs in its domain only, whatever its priority; two domains alternate',
    *run(env) {
      const times: number[] = [];
      const helper = yield* env.thread({
        priority: 255,
        *body() {
          for (;;) {
            times.push(env.now());
            yield calls.compute(100 * calls.NS_PER_US);
          }
        },
      });
      yield* ok(setDomain(1, [helper.tcb]));
      yield* env.start(helper);
      yield* env.sleep(10 * calls.NS_PER_MS);
      equal(times.length, 0, 'turns while its domain has no time');

      yield* ok(configure([1, 1, 5 * TICKS_PER_MS]));
      yield* ok(configure([0, 0, 5 * TICKS_PER_MS]));
      yield* ok(setStart([0]));
      const start = env.now();
      yield* env.sleep(52 * calls.NS_PER_MS);
      check(env.now() - start >= 52 * calls.NS_PER_MS, 'we wake in our own domain');
      check(times.length > 0, 'it has run');
      for (const time of times) {
        const phase = (time - start) % (10 * calls.NS_PER_MS);
        const slack = 100 * calls.NS_PER_US;
        check(phase >= 5 * calls.NS_PER_MS - slack, `it ran at ${phase} ns of a round`);
      }
      yield* ok(setDomain(0, [helper.tcb]));
      yield* ok(calls.suspend(helper.tcb));
    },
  },
  {
    name: 'GAP_DOMAIN_ERRORS',
    class: 'GAP',
    description: 'the domain capability: each refusal, in the order of the checks',
    *run(env) {
      const tcb = yield* env.allocate(abi.OBJECT_TCB);
      const set = (mrs: Word[], caps: Word[]) =>
        calls.invoke(SLOT_DOMAIN, abi.DOMAIN_SET_SET, mrs, caps);
      yield* refused(set([], [tcb]), abi.TRUNCATED_MESSAGE);
      yield* refused(set([DOMAINS], []), abi.INVALID_ARGUMENT, [0]);
      yield* refused(set([0], []), abi.TRUNCATED_MESSAGE);
      yield* refused(set([0], [SLOT_CNODE]), abi.INVALID_ARGUMENT, [1]);
      yield* ok(set([DOMAINS - 1], [tcb]));

      const last = SCHEDULE_ENTRIES - 1;
      yield* refused(configure([0, 0]), abi.TRUNCATED_MESSAGE);
      yield* refused(configure([last, DOMAINS, 1]), abi.RANGE_ERROR, [0, last - 1]);
      yield* refused(configure([1, DOMAINS, 2n ** 56n]), abi.RANGE_ERROR, [0, DOMAINS - 1]);
      yield* refused(configure([1, 1, 2n ** 56n]), abi.INVALID_ARGUMENT, [2]);
      yield* refused(configure([1, 1, 0]), abi.INVALID_ARGUMENT, [1]);
      yield* refused(configure([0, 0, 0]), abi.INVALID_ARGUMENT, [2]);
      yield* refused(setStart([]), abi.TRUNCATED_MESSAGE);
      yield* refused(setStart([SCHEDULE_ENTRIES]), abi.RANGE_ERROR, [0, last]);
      yield* refused(setStart([2]), abi.INVALID_ARGUMENT, [0]);
      const label = abi.UNTYPED_RETYPE;
      yield* refused(calls.invoke(SLOT_DOMAIN, label), abi.ILLEGAL_OPERATION);
    },
  },
  {
    name: 'GAP_IRQ_CONTROL_ERRORS',
    class: 'GAP',
    description: 'IRQControl_Get: each refusal, and a line that is free again',
    *run(env) {
      const slot = env.takeSlot();
      yield* refused(getIrq([SPARE_IRQ, slot]), abi.TRUNCATED_MESSAGE);
      yield* refused(getIrq([SPARE_IRQ, slot, DEPTH], []), abi.TRUNCATED_MESSAGE);
      yield* refused(getIrq([0, slot, DEPTH]), abi.RANGE_ERROR, [1, IRQ_MAX]);
      yield* refused(getIrq([IRQ_MAX + 1, slot, DEPTH]), abi.RANGE_ERROR, [1, IRQ_MAX]);
      // The last line is the kernel's own timer.
      yield* refused(getIrq([IRQ_MAX, slot, DEPTH]), abi.REVOKE_FIRST);
      yield* refused(getIrq([TIMER_IRQ, slot, DEPTH]), abi.REVOKE_FIRST);
      yield* refused(getIrq([SPARE_IRQ, slot, 0]), abi.RANGE_ERROR, [1, 64]);
      yield* refused(getIrq([SPARE_IRQ, SLOT_CNODE, DEPTH]), abi.DELETE_FIRST);
      yield* ok(getIrq([SPARE_IRQ, slot, DEPTH]));
      yield* refused(getIrq([SPARE_IRQ, env.takeSlot(), DEPTH]), abi.REVOKE_FIRST);
      const twin = yield* env.copied(slot);
      yield* ok(calls.remove(slot));
      yield* refused(getIrq([SPARE_IRQ, slot, DEPTH]), abi.REVOKE_FIRST);
      yield* ok(calls.remove(twin));
      yield* ok(getIrq([SPARE_IRQ, slot, DEPTH]));
    },
  },
  {
    name: 'GAP_IRQ_HANDLER',
    class: 'GAP',
    description: 'IRQHandler: refusals, one signal for each acknowledgement, Clear',
    *run(env) {
      const [handler, notification] = [env.takeSlot(), yield* env.notification()];
      yield* ok(getIrq([SPARE_IRQ, handler, DEPTH]));
      const set = (caps: Word[]) => calls.invoke(handler, abi.IRQ_SET_IRQ_HANDLER, [], caps);
      yield* refused(set([]), abi.TRUNCATED_MESSAGE);
      yield* refused(set([yield* env.endpoint()]), abi.INVALID_CAPABILITY, [0]);
      const readOnly = yield* env.copied(notification, abi.RIGHT_READ);
      yield* refused(set([readOnly]), abi.INVALID_CAPABILITY, [0]);
      yield* refused(calls.invoke(handler, abi.TCB_SUSPEND), abi.ILLEGAL_OPERATION);
      yield* ok(set([yield* env.minted(notification, 0x31)]));

      env.machine.raiseIrq(SPARE_IRQ);
      equal((yield calls.wait(notification)).badge, 0x31, 'badge');
      env.machine.raiseIrq(SPARE_IRQ);
      yield calls.yieldCpu();
      equal((yield calls.poll(notification)).badge, 0, 'not again before the acknowledgement');
      yield* ok(calls.invoke(handler, abi.IRQ_ACK_IRQ));
      equal((yield calls.poll(notification)).badge, 0x31, 'again after it');
      yield* ok(calls.invoke(handler, abi.IRQ_ACK_IRQ));

      yield* ok(calls.invoke(handler, abi.IRQ_CLEAR_IRQ_HANDLER));
      env.machine.raiseIrq(SPARE_IRQ);
      yield calls.yieldCpu();
      equal((yield calls.poll(notification)).badge, 0, 'nobody is told after Clear');
    },
  },
  {
    name: 'GAP_DOMAIN_PRIORITY',
    class: 'GAP',
    description: 'a message across domains arrives; the receiver runs when its domain does',
    *run(env) {
      const ep = yield* env.endpoint();
      const order: string[] = [];
      const helper = yield* env.run({
        priority: OUR_PRIORITY + 1,
        *body(self) {
          yield calls.recv(ep, self.reply);
          order.push('receiver');
        },
      });
      yield* ok(setDomain(1, [helper.tcb]));
      yield* ok(configure([1, 1, 5 * TICKS_PER_MS]));
      yield* ok(configure([0, 0, 5 * TICKS_PER_MS]));
      yield* ok(setStart([0]));
      yield calls.send(ep);
      order.push('sender');
      yield* env.join(helper);
      equal(order.join(' '), 'sender receiver', 'who went on first');
    },
  },
];
