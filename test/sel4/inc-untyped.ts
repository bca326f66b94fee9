/** inc_untyped.c: retype fills untypeds from bottom to top, and refuses what does not fit. */

import * as abi from '../../kernel/abi.ts';
import * as calls from './driver/calls.ts';
import { ok, refused } from './driver/check.ts';
import { DEPTH, SLOT_CNODE } from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';

const FAN_OUT_MAX = 256;
const CNODE_BITS = 2;
const CNODE_SLOTS = 4;

/** Retypes page tables of an untyped into a small CNode. */
function tables(untyped: number, cnode: number, offset: number | bigint, count: number | bigint) {
  const mrs = [abi.OBJECT_PAGE_TABLE, 0, 0, 0, offset, count];
  return calls.invoke(untyped, abi.UNTYPED_RETYPE, mrs, [cnode]);
}

function deleteIn(cnode: number, index: number) {
  return calls.invoke(cnode, abi.CNODE_DELETE, [index, CNODE_BITS]);
}

export const UNTYPED_TESTS: readonly Sel4Test[] = [
  {
    name: 'RETYPE0000',
    class: 'P',
    description: 'number of objects and window of slots are checked',
    *run(env) {
      const untyped = yield* env.untyped(18);
      const cnode = yield* env.allocate(abi.OBJECT_CNODE, CNODE_BITS);
      yield* refused(tables(untyped, cnode, 0, 0), abi.RANGE_ERROR, [1, FAN_OUT_MAX]);
      yield* refused(tables(untyped, cnode, 0, CNODE_SLOTS + 1), abi.RANGE_ERROR, [1, CNODE_SLOTS]);
      yield* refused(tables(untyped, cnode, 2, CNODE_SLOTS - 1), abi.RANGE_ERROR, [1, 2]);
      for (let i = 0; i < CNODE_SLOTS; i += 1) yield* ok(tables(untyped, cnode, i, 1));
      yield* refused(tables(untyped, cnode, CNODE_SLOTS, 1), abi.RANGE_ERROR, [0, CNODE_SLOTS - 1]);
      for (let i = 0; i < CNODE_SLOTS; i += 1) {
        yield* refused(tables(untyped, cnode, i, 1), abi.DELETE_FIRST);
      }
      for (let i = 0; i < CNODE_SLOTS; i += 1) yield* ok(deleteIn(cnode, i));
      for (let i = 0; i < CNODE_SLOTS; i += 1) {
        const room = CNODE_SLOTS - i;
        yield* refused(tables(untyped, cnode, i, 2 ** 31), abi.RANGE_ERROR, [1, FAN_OUT_MAX]);
        yield* refused(tables(untyped, cnode, i, room + 1), abi.RANGE_ERROR, [1, room]);
      }
      yield* ok(tables(untyped, cnode, 0, 3));
      for (let i = 0; i < 3; i += 1) {
        yield* refused(tables(untyped, cnode, i, 1), abi.DELETE_FIRST);
      }
      yield* ok(tables(untyped, cnode, 3, 1));
    },
  },
  {
    name: 'RETYPE0001',
    class: 'P',
    description: 'a CNode larger than the untyped is refused at every size; the exact size fits',
    *run(env) {
      const bits = 12;
      const untyped = yield* env.untyped(bits);
      const slot = env.takeSlot();
      const radix = bits - 5;
      for (let larger = radix + 1; larger <= radix + 40; larger += 1) {
        const request = calls.retype(untyped, abi.OBJECT_CNODE, larger, slot);
        if (larger + 5 <= 38) yield* refused(request, abi.NOT_ENOUGH_MEMORY, [2 ** bits]);
        else yield* refused(request, abi.RANGE_ERROR, [0, 38]);
      }
      for (const absurd of [63, 64, 65, 2 ** 32, 2 ** 53 - 1]) {
        yield* refused(calls.retype(untyped, abi.OBJECT_CNODE, absurd, slot), abi.RANGE_ERROR);
      }
      yield* ok(calls.retype(untyped, abi.OBJECT_CNODE, radix, slot));
    },
  },
  {
    name: 'RETYPE0002',
    class: 'P',
    description: 'sixteen pages fit in 64 KiB, the seventeenth does not',
    *run(env) {
      const untyped = yield* env.untyped(16);
      const cnode = yield* env.allocate(abi.OBJECT_CNODE, 5);
      const pages = (offset: number, count: number) => {
        const mrs = [abi.OBJECT_4K_PAGE, 0, 0, 0, offset, count];
        return calls.invoke(untyped, abi.UNTYPED_RETYPE, mrs, [cnode]);
      };
      yield* refused(pages(0, 2 ** 20), abi.RANGE_ERROR, [1, FAN_OUT_MAX]);
      yield* ok(pages(0, 16));
      yield* refused(pages(0, 16), abi.DELETE_FIRST);
      yield* refused(pages(16, 1), abi.NOT_ENOUGH_MEMORY, [0]);
      const path = [abi.OBJECT_4K_PAGE, 0, cnode, DEPTH, 20, 1];
      const far = calls.invoke(untyped, abi.UNTYPED_RETYPE, path, [SLOT_CNODE]);
      yield* refused(far, abi.NOT_ENOUGH_MEMORY, [0]);
    },
  },
];
