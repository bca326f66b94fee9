/** vspace.c: address spaces and the pools of their identifiers. */

import * as abi from '../../kernel/abi.ts';
import type { ThreadStep } from '../../kernel/system-call.ts';
import * as calls from './driver/calls.ts';
import { equal, ok, refused } from './driver/check.ts';
import type { Environment, Helper } from './driver/environment.ts';
import { DEPTH, OUR_PRIORITY, SLOT_ASID_CONTROL, SLOT_CNODE } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

/** Of 128 pools the initial thread has the first. */
const POOLS = 127;
const ASIDS_PER_POOL = 512;
const POOL_BITS = 12;
const PAGE_VADDR = 0x1000_0000;

function makePool(untyped: number, slot: number) {
  const caps = [untyped, SLOT_CNODE];
  return calls.invoke(SLOT_ASID_CONTROL, abi.ASID_CONTROL_MAKE_POOL, [slot, DEPTH], caps);
}

function assign(pool: number, vspace: number) {
  return calls.invoke(pool, abi.ASID_POOL_ASSIGN, [], [vspace]);
}

function* newPool(env: Environment): ThreadStep<number> {
  const slot = env.takeSlot();
  yield* ok(makePool(yield* env.untyped(POOL_BITS), slot));
  return slot;
}

function* allPools(env: Environment): ThreadStep<number[]> {
  const pools: number[] = [];
  for (let i = 0; i < POOLS; i += 1) pools.push(yield* newPool(env));
  return pools;
}

export const VSPACE_TESTS: readonly Sel4Test[] = [
  {
    name: 'VSPACE0000',
    class: 'M',
    description: 'a thread in another CSpace and VSpace runs and returns 42',
    *run(env) {
      const helper = yield* env.run({
        priority: OUR_PRIORITY - 1,
        spaces: 'own',
        *body(self) {
          yield calls.store(self.bufferVaddr + 2048, 42);
          return (yield calls.load(self.bufferVaddr + 2048)).value;
        },
      });
      equal(yield* env.join(helper), 42, 'result');
    },
  },
  {
    name: 'VSPACE0002',
    class: 'P',
    description: 'a pool is made; an address space is assigned to it once only',
    *run(env) {
      const pool = yield* newPool(env);
      const assigned = yield* env.vspace();
      yield* refused(assign(pool, assigned), abi.INVALID_CAPABILITY, [1]);
      const fresh = yield* env.allocate(abi.OBJECT_PAGE_TABLE);
      yield* ok(assign(pool, fresh));
      yield* refused(assign(pool, fresh), abi.INVALID_CAPABILITY, [1]);
    },
  },
  {
    name: 'VSPACE0003',
    class: 'P',
    description: 'all 127 pools that are left can be made',
    *run(env) {
      equal((yield* allPools(env)).length, POOLS, 'pools');
    },
  },
  {
    name: 'VSPACE0004',
    class: 'P',
    description: 'there is no pool more than that',
    *run(env) {
      yield* allPools(env);
      const untyped = yield* env.untyped(POOL_BITS);
      yield* refused(makePool(untyped, env.takeSlot()), abi.DELETE_FIRST);
    },
  },
  {
    name: 'VSPACE0005',
    class: 'P',
    description: 'a pool takes 512 address spaces, no more',
    *run(env) {
      const pool = yield* newPool(env);
      for (let i = 0; i < ASIDS_PER_POOL; i += 1) {
        yield* ok(assign(pool, yield* env.allocate(abi.OBJECT_PAGE_TABLE)));
      }
      const oneMore = yield* env.allocate(abi.OBJECT_PAGE_TABLE);
      yield* refused(assign(pool, oneMore), abi.DELETE_FIRST);
    },
  },
  {
    name: 'VSPACE0006',
    class: 'M',
    description: 'a thread in an address space of each pool touches its own page',
    *run(env) {
      const helpers: Helper[] = [];
      for (const [i, pool] of (yield* allPools(env)).entries()) {
        const vspace = yield* env.allocate(abi.OBJECT_PAGE_TABLE);
        yield* ok(assign(pool, vspace));
        yield* env.map(yield* env.allocate(abi.OBJECT_4K_PAGE), vspace, PAGE_VADDR);
        const helper = yield* env.thread({
          priority: OUR_PRIORITY - 1,
          *body() {
            equal((yield calls.load(PAGE_VADDR)).value, 0, 'the page is new');
            yield calls.store(PAGE_VADDR, i + 1);
            yield calls.yieldCpu();
            return (yield calls.load(PAGE_VADDR)).value;
          },
        });
        const spaces = [0, SLOT_CNODE, vspace];
        yield* ok(calls.invoke(helper.tcb, abi.TCB_SET_SPACE, [0, 0], spaces));
        helpers.push(helper);
      }
      for (const helper of helpers) yield* env.start(helper);
      for (const [i, helper] of helpers.entries()) {
        equal(yield* env.join(helper), i + 1, `page of process ${i}`);
      }
    },
  },
];
