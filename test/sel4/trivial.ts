/** trivial.c: the allocator makes and frees objects without leaking. */

import { OBJECT_ENDPOINT } from '../../kernel/abi.ts';
import { remove, retype } from './driver/calls.ts';
import { ok } from './driver/check.ts';
import type { Environment } from './driver/environment.ts';
import type { Sel4Test } from './driver/test.ts';
import type { ThreadStep } from '../../kernel/system-call.ts';

const ROUNDS = 100;
const UNTYPED_BITS = 6;

/** The untyped holds four endpoints: a leak would show in the second round. */
function* allocateAndFree(env: Environment): ThreadStep<void> {
  const untyped = yield* env.untyped(UNTYPED_BITS);
  const first = env.takeSlot(4);
  for (let round = 0; round < ROUNDS; round += 1) {
    yield* ok(retype(untyped, OBJECT_ENDPOINT, 0, first, 4));
    for (let i = 0; i < 4; i += 1) yield* ok(remove(first + i));
  }
}

export const TRIVIAL_TESTS: readonly Sel4Test[] = [
  {
    name: 'TRIVIAL0001',
    class: 'P',
    description: 'endpoints are allocated and freed many times',
    run: allocateAndFree,
  },
  {
    name: 'TRIVIAL0002',
    class: 'P',
    description: 'the same again: nothing has leaked',
    *run(env) {
      yield* allocateAndFree(env);
      yield* allocateAndFree(env);
    },
  },
];
