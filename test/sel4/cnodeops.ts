/** cnodeops.c: the operations on capability slots and what they refuse. */

import * as abi from '../../kernel/abi.ts';
import type { ThreadStep } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { check, ok, refused } from './driver/check.ts';
import type { Environment } from './driver/environment.ts';
import { SLOT_CNODE, SLOT_SCHED_CONTEXT, SLOT_TCB } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

const WAS_SOURCE = 1;

function* full(env: Environment, slot: number): ThreadStep<void> {
  check(!(yield* env.isEmpty(slot)), `slot ${slot} holds a capability`);
}

function* empty(env: Environment, slot: number): ThreadStep<void> {
  check(yield* env.isEmpty(slot), `slot ${slot} is empty`);
}

/** The three cases of copy and mint: into an empty slot, onto a capability, from an empty slot. */
function* copyCases(
  env: Environment,
  request: (dest: number, source: number) => ReturnType<typeof calls.copy>,
): ThreadStep<void> {
  const dest = env.takeSlot();
  yield* ok(request(dest, SLOT_TCB));
  yield* full(env, dest);
  yield* full(env, SLOT_TCB);
  yield* refused(request(dest, SLOT_CNODE), abi.DELETE_FIRST);
  yield* refused(request(dest, env.takeSlot()), abi.DELETE_FIRST);
  const [a, b] = [env.takeSlot(), env.takeSlot()];
  yield* refused(request(a, b), abi.FAILED_LOOKUP, [WAS_SOURCE]);
  yield* empty(env, a);
}

/** The three cases of move and mutate. */
function* moveCases(
  env: Environment,
  request: (dest: number, source: number) => ReturnType<typeof calls.copy>,
): ThreadStep<void> {
  const source = yield* env.copied(SLOT_TCB);
  const dest = env.takeSlot();
  yield* ok(request(dest, source));
  yield* empty(env, source);
  yield* full(env, dest);
  yield* refused(request(env.takeSlot(), source), abi.FAILED_LOOKUP, [WAS_SOURCE]);
  const other = yield* env.copied(SLOT_TCB);
  yield* refused(request(dest, other), abi.DELETE_FIRST);
  yield* full(env, dest);
  yield* full(env, other);
}

export const CNODE_OPERATION_TESTS: readonly Sel4Test[] = [
  {
    name: 'CNODEOP0001',
    class: 'P',
    description: 'Copy: into an empty slot, onto a capability, from an empty slot',
    *run(env) {
      yield* copyCases(env, calls.copy);
      const twin = yield* env.copied(SLOT_TCB);
      // Both name the same thread: through the copy it may not read its own registers either.
      yield* refused(calls.readRegisters(twin), abi.ILLEGAL_OPERATION);
    },
  },
  {
    name: 'CNODEOP0002',
    class: 'P',
    description: 'Delete empties a slot; deleting an empty slot succeeds',
    *run(env) {
      const slot = yield* env.copied(SLOT_TCB);
      yield* ok(calls.remove(slot));
      yield* empty(env, slot);
      yield* ok(calls.remove(slot));
      yield* ok(calls.remove(env.takeSlot()));
    },
  },
  {
    name: 'CNODEOP0003',
    class: 'P',
    description: 'Mint without data: the same three cases',
    *run(env) {
      yield* copyCases(env, (dest, source) => calls.mint(dest, source, 0));
    },
  },
  {
    name: 'CNODEOP0004',
    class: 'P',
    description: 'Move empties the source and fills the destination',
    *run(env) {
      yield* moveCases(env, calls.move);
    },
  },
  {
    name: 'CNODEOP0005',
    class: 'P',
    description: 'Mutate of a thread capability without data: the same three cases',
    *run(env) {
      yield* moveCases(env, (dest, source) => calls.mutate(dest, source, 0));
    },
  },
  {
    name: 'CNODEOP0006',
    class: 'P',
    description: 'CancelBadgedSends on an unbadged endpoint is harmless; on an empty slot illegal',
    *run(env) {
      const ep = yield* env.endpoint();
      yield* ok(calls.cancelBadgedSends(ep));
      yield* full(env, ep);
      yield* ok(calls.remove(ep));
      yield* empty(env, ep);
      yield* refused(calls.cancelBadgedSends(ep), abi.ILLEGAL_OPERATION);
      yield* refused(calls.cancelBadgedSends(SLOT_TCB), abi.ILLEGAL_OPERATION);
    },
  },
  {
    name: 'CNODEOP0007',
    class: 'P',
    description: 'Revoke keeps the capability itself; of an empty slot it succeeds',
    *run(env) {
      const ep = yield* env.endpoint();
      const children = [yield* env.minted(ep, 1), yield* env.minted(ep, 2)];
      yield* ok(calls.revoke(ep));
      yield* full(env, ep);
      for (const child of children) yield* empty(env, child);
      yield* ok(calls.revoke(env.takeSlot()));
    },
  },
  {
    name: 'CNODEOP0008',
    class: 'P',
    description: 'Rotate: three slots, a swap, and what it refuses',
    *run(env) {
      const source = yield* env.copied(SLOT_TCB);
      const pivot = yield* env.copied(SLOT_SCHED_CONTEXT);
      const dest = env.takeSlot();
      yield* ok(calls.rotate(dest, pivot, source));
      yield* full(env, dest);
      yield* full(env, pivot);
      yield* empty(env, source);
      check(
        (yield calls.identify(pivot)).badge === (yield calls.identify(SLOT_TCB)).badge,
        'moved',
      );

      const other = yield* env.copied(SLOT_CNODE);
      yield* refused(calls.rotate(dest, pivot, other), abi.DELETE_FIRST);
      // Source and destination are the same: source and pivot change places.
      const before = (yield calls.identify(dest)).badge;
      yield* ok(calls.rotate(other, dest, other));
      check((yield calls.identify(other)).badge === before, 'the swap brought the pivot');
      yield* refused(calls.rotate(source, other, other), abi.ILLEGAL_OPERATION);
      const none = env.takeSlot(3);
      yield* refused(calls.rotate(none, none + 1, none + 2), abi.FAILED_LOOKUP, [WAS_SOURCE]);
    },
  },
];
