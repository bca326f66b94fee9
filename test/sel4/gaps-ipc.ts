/**
 * What sel4test does not test, first part: capabilities in messages, time consumed, registers,
 * badges.
 */

import * as abi from '../../kernel/abi.ts';
import type { ThreadAnswer, ThreadStep, Word } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { check, equal, equalList, ok, refused } from './driver/check.ts';
import type { Environment, Helper } from './driver/environment.ts';
import { DEPTH, OUR_PRIORITY, SLOT_CNODE, SLOT_REPLY, SLOT_TCB } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

/** A thread above ours that receives one message with a slot for a capability. */
function* receiver(
  env: Environment,
  ep: number,
  index: number,
): ThreadStep<{ helper: Helper; answers: ThreadAnswer[] }> {
  const answers: ThreadAnswer[] = [];
  const helper = yield* env.run({
    priority: OUR_PRIORITY + 1,
    *body(self) {
      const receive = { cnode: SLOT_CNODE, index, depth: DEPTH };
      answers.push(yield calls.recv(ep, self.reply, receive));
    },
  });
  return { helper, answers };
}

export const IPC_GAP_TESTS: readonly Sel4Test[] = [
  {
    name: 'GAP_CAP_UNWRAPPING',
    class: 'GAP',
    description: 'capabilities to the endpoint used arrive as badges, one other in the slot',
    *run(env) {
      const [ep, other] = [yield* env.endpoint(), yield* env.endpoint()];
      const [a, b] = [yield* env.minted(ep, 0x11), yield* env.minted(ep, 0x22)];
      const slot = env.takeSlot();
      const { helper, answers } = yield* receiver(env, ep, slot);
      yield calls.send(ep, [], { caps: [a, other, b] });
      yield* env.join(helper);
      equal(answers[0]?.extraCaps, 3, 'capabilities handled');
      equal(answers[0]?.capsUnwrapped, 0b101, 'which were unwrapped');
      equal(answers[0]?.capBadges[0], 0x11, 'badge of the first');
      equal(answers[0]?.capBadges[2], 0x22, 'badge of the third');
      check(!(yield* env.isEmpty(slot)), 'the second is in the slot');
    },
  },
  {
    name: 'GAP_CAP_TRANSFER_ENDS',
    class: 'GAP',
    description: 'the transfer ends at the first capability for which there is no slot',
    *run(env) {
      const [ep, other] = [yield* env.endpoint(), yield* env.endpoint()];
      const own = yield* env.minted(ep, 0x11);
      const slot = env.takeSlot();
      const { helper, answers } = yield* receiver(env, ep, slot);
      yield calls.send(ep, [], { caps: [other, other, own] });
      yield* env.join(helper);
      equal(answers[0]?.extraCaps, 1, 'capabilities handled');
      equal(answers[0]?.capsUnwrapped, 0, 'none was unwrapped');
      const second = yield* receiver(env, ep, slot);
      yield calls.send(ep, [5], { caps: [other] });
      yield* env.join(second.helper);
      equal(second.answers[0]?.extraCaps, 0, 'the slot is occupied');
      equal(second.answers[0]?.mrs[0], 5, 'the message arrives all the same');
    },
  },
  {
    name: 'GAP_CAP_IN_REPLY',
    class: 'GAP',
    description: 'a reply carries capabilities but unwraps none',
    *run(env) {
      const ep = yield* env.endpoint();
      const slot = env.takeSlot();
      const answers: ThreadAnswer[] = [];
      const caller = yield* env.run({
        priority: OUR_PRIORITY + 1,
        *body() {
          const receive = { cnode: SLOT_CNODE, index: slot, depth: DEPTH };
          answers.push(yield calls.call(ep, [], { receive }));
        },
      });
      yield calls.recv(ep, SLOT_REPLY);
      yield calls.send(SLOT_REPLY, [], { caps: [ep] });
      yield* env.join(caller);
      equal(answers[0]?.extraCaps, 1, 'capabilities handled');
      equal(answers[0]?.capsUnwrapped, 0, 'none was unwrapped');
      check(!(yield* env.isEmpty(slot)), 'it is in the slot');
    },
  },
  {
    name: 'GAP_CALL_WITHOUT_GRANT_REPLY',
    class: 'GAP',
    description: 'a caller without grant or grant-reply is delivered but stays inactive',
    *run(env) {
      for (const rights of [abi.RIGHT_WRITE, abi.RIGHT_WRITE | abi.RIGHT_READ, 5, 9, 15]) {
        const ep = yield* env.endpoint();
        const cap = yield* env.copied(ep, rights);
        let isAnswered = false;
        const caller = yield* env.run({
          priority: OUR_PRIORITY + 1,
          *body() {
            yield calls.call(cap, [1]);
            isAnswered = true;
          },
        });
        equal((yield calls.recv(ep, SLOT_REPLY)).mrs[0], 1, 'the call arrives');
        yield calls.send(SLOT_REPLY);
        const may = (rights & (abi.RIGHT_GRANT | abi.RIGHT_GRANT_REPLY)) !== 0;
        equal(isAnswered, may, `answered with rights ${rights}`);
        yield* ok(calls.suspend(caller.tcb));
      }
    },
  },
  {
    name: 'GAP_CONSUMED',
    class: 'GAP',
    description: 'Consumed tells the microseconds used since it was last asked',
    *run(env) {
      const helper = yield* env.run({
        priority: OUR_PRIORITY - 1,
        *body() {
          yield calls.compute(2 * calls.NS_PER_MS);
        },
      });
      equalList((yield* ok(calls.scConsumed(helper.sc))).mrs, [0], 'before it has run');
      yield* env.join(helper);
      const first = Number((yield* ok(calls.scConsumed(helper.sc))).mrs[0]);
      check(first >= 2_000 && first < 2_100, `${first} us consumed`);
      equalList((yield* ok(calls.scConsumed(helper.sc))).mrs, [0], 'asked again');
    },
  },
  {
    name: 'GAP_CONSUMED_BY_ITSELF',
    class: 'GAP',
    description:
      'a thread that goes on is charged when another one gets its next refill, not before',
    *run(env) {
      const used: Word[] = [];
      yield* env.run({
        priority: OUR_PRIORITY - 1,
        budget: { budgetUs: 1_000, periodUs: 5_000 },
        *body() {
          for (;;) yield calls.compute(100 * calls.NS_PER_US);
        },
      });
      // It has used up its budget, and waits for the next one.
      yield* env.sleep(3 * calls.NS_PER_MS);
      const asker = yield* env.run({
        priority: OUR_PRIORITY + 1,
        *body(self) {
          for (const ms of [1, 3]) {
            yield calls.compute(ms * calls.NS_PER_MS);
            used.push((yield calls.scConsumed(self.sc)).mrs[0] ?? 0);
          }
        },
      });
      yield* env.join(asker);
      equal(used[0], 0, 'before the other is released');
      check(Number(used[1]) > 1_000, `${used[1]} us consumed`);
    },
  },
  {
    name: 'GAP_COPY_REGISTERS',
    class: 'GAP',
    description: 'CopyRegisters copies frame and integer registers, from threads only',
    *run(env) {
      const [a, b] = [yield* env.allocate(abi.OBJECT_TCB), yield* env.allocate(abi.OBJECT_TCB)];
      const copy = (flags: number, source: number) =>
        calls.invoke(b, abi.TCB_COPY_REGISTERS, [flags], [source]);
      const words = Array.from({ length: abi.REGISTER_COUNT }, (_, r) => r + 1);
      yield* ok(calls.writeRegisters(a, 0, words));
      yield* refused(copy(12, yield* env.endpoint()), abi.INVALID_CAPABILITY, [1]);
      yield* refused(calls.invoke(b, abi.TCB_COPY_REGISTERS, [12]), abi.TRUNCATED_MESSAGE);
      yield* ok(copy(4, a));
      const half = (yield* ok(calls.readRegisters(b))).mrs;
      equalList(half.slice(0, 16), words.slice(0, 16), 'frame registers');
      equal(half[20], 0, 'an integer register is untouched');
      yield* ok(copy(8, a));
      equalList((yield* ok(calls.readRegisters(b))).mrs, words, 'all registers');
    },
  },
  {
    name: 'GAP_SET_TLS_BASE',
    class: 'GAP',
    description: 'SetTLSBase sets register tp of its thread, and no other register',
    *run(env) {
      const tcb = yield* env.allocate(abi.OBJECT_TCB);
      yield* refused(calls.invoke(tcb, abi.TCB_SET_TLS_BASE), abi.TRUNCATED_MESSAGE);
      yield* ok(calls.invoke(tcb, abi.TCB_SET_TLS_BASE, [0x1234_5678_9abc]));
      const { mrs } = yield* ok(calls.readRegisters(tcb));
      equal(mrs[abi.REG_TP], 0x1234_5678_9abc, 'tp');
      equalList(
        mrs.slice(0, abi.REG_TP),
        Array.from({ length: abi.REG_TP }, () => 0),
        'others',
      );
    },
  },
  {
    name: 'GAP_BADGES',
    class: 'GAP',
    description: 'a badge is given once; a derived capability keeps it (after SMC0002 to 0008)',
    *run(env) {
      for (const object of [yield* env.endpoint(), yield* env.notification()]) {
        const badged = yield* env.minted(object, 5);
        yield* refused(calls.mint(env.takeSlot(), badged, 6), abi.ILLEGAL_OPERATION);
        yield* refused(calls.mutate(env.takeSlot(), object, 6), abi.ILLEGAL_OPERATION);
        yield* refused(calls.mutate(env.takeSlot(), badged, 0), abi.ILLEGAL_OPERATION);
        const twin = yield* env.copied(badged);
        yield* ok(calls.revoke(badged));
        check(yield* env.isEmpty(twin), 'the copy of a badged capability is its child');
        const plain = yield* env.copied(object);
        yield* ok(calls.revoke(plain));
        check(!(yield* env.isEmpty(badged)), 'a plain copy has no children');
        yield* ok(calls.revoke(object));
        check(yield* env.isEmpty(badged), 'the original has');
      }
      yield* refused(calls.cancelBadgedSends(SLOT_TCB), abi.ILLEGAL_OPERATION);
    },
  },
  {
    name: 'GAP_ENDPOINT_DELETED',
    class: 'GAP',
    description: 'an endpoint goes away: its callers call again, into nothing',
    *run(env) {
      const ep = yield* env.endpoint();
      const caller = yield* env.run({
        priority: OUR_PRIORITY + 1,
        *body() {
          return (yield calls.call(ep)).label;
        },
      });
      yield* ok(calls.remove(ep));
      equal(yield* env.join(caller), abi.INVALID_CAPABILITY, 'label of the second call');
    },
  },
  {
    name: 'GAP_REPLY_REUSED',
    class: 'GAP',
    description: 'a caller whose reply object is given to another receive is not answered',
    *run(env) {
      const ep = yield* env.endpoint();
      let isAnswered = false;
      const caller = yield* env.run({
        priority: OUR_PRIORITY + 1,
        *body() {
          yield calls.call(ep);
          isAnswered = true;
        },
      });
      yield calls.recv(ep, SLOT_REPLY);
      equal((yield calls.nbRecv(ep, SLOT_REPLY)).badge, 0, 'nothing is there');
      yield calls.send(SLOT_REPLY);
      check(!isAnswered, 'the first caller has been dropped');
      yield* ok(calls.suspend(caller.tcb));
    },
  },
];
