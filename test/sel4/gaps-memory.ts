/**
 * What sel4test does not test, third part: address spaces. Each refusal in the order of the checks.
 */

import * as abi from '../../kernel/abi.ts';
import * as calls from './driver/calls.ts';
import { check, equal, ok, refused } from './driver/check.ts';
import {
  DEPTH,
  SLOT_ASID_CONTROL,
  SLOT_ASID_POOL,
  SLOT_CNODE,
  SLOT_VSPACE,
} from './driver/slots.ts';
import type { Sel4Test } from './driver/test.ts';
import { faultOf } from './frames.ts';

const USER_TOP = 0x3f_ffff_f000;
const VADDR = 0x8000_0000;
/** Types of failed lookups as they are reported. */
const INVALID_ROOT = 1;
const MISSING_CAPABILITY = 2;
const DESTINATION = 0;

export const MEMORY_GAP_TESTS: readonly Sel4Test[] = [
  {
    name: 'GAP_PAGE_MAP_ERRORS',
    class: 'GAP',
    description: 'Page_Map: each refusal',
    *run(env) {
      const [vspace, frame] = [yield* env.vspace(), yield* env.allocate(abi.OBJECT_4K_PAGE)];
      const unassigned = yield* env.allocate(abi.OBJECT_PAGE_TABLE);
      const map = (vaddr: number, caps: number[]) =>
        calls.invoke(frame, abi.PAGE_MAP, [vaddr, 3, 0], caps);
      const short = calls.invoke(frame, abi.PAGE_MAP, [VADDR, 3], [vspace]);
      yield* refused(short, abi.TRUNCATED_MESSAGE);
      yield* refused(map(VADDR, []), abi.TRUNCATED_MESSAGE);
      yield* refused(map(USER_TOP + 1, [SLOT_CNODE]), abi.INVALID_CAPABILITY, [1]);
      yield* refused(map(USER_TOP + 1, [unassigned]), abi.INVALID_CAPABILITY, [1]);
      yield* refused(map(USER_TOP + 1, [vspace]), abi.INVALID_ARGUMENT, [0]);
      yield* refused(map(VADDR + 1, [vspace]), abi.ALIGNMENT_ERROR);
      for (const bitsLeft of [30, 21]) {
        const details = [DESTINATION, MISSING_CAPABILITY, bitsLeft];
        yield* refused(map(VADDR, [vspace]), abi.FAILED_LOOKUP, details);
        const table = yield* env.allocate(abi.OBJECT_PAGE_TABLE);
        yield* ok(calls.mapTable(table, vspace, VADDR));
        // A table is no address space.
        yield* refused(map(VADDR, [table]), abi.INVALID_CAPABILITY, [1]);
      }
      yield* ok(map(VADDR, [vspace]));
      yield* ok(map(VADDR, [vspace]));
      yield* refused(map(VADDR + 4096, [vspace]), abi.INVALID_ARGUMENT, [0]);
      yield* refused(map(VADDR, [SLOT_VSPACE]), abi.FAILED_LOOKUP);
      const other = yield* env.allocate(abi.OBJECT_4K_PAGE);
      yield* refused(calls.mapPage(other, vspace, VADDR), abi.DELETE_FIRST);
      yield* refused(calls.invoke(frame, abi.PAGE_TABLE_MAP), abi.ILLEGAL_OPERATION);
    },
  },
  {
    name: 'GAP_PAGE_TABLE_ERRORS',
    class: 'GAP',
    description: 'PageTable_Map and Unmap: each refusal',
    *run(env) {
      const vspace = yield* env.vspace();
      const [a, b, c] = [
        yield* env.allocate(abi.OBJECT_PAGE_TABLE),
        yield* env.allocate(abi.OBJECT_PAGE_TABLE),
        yield* env.allocate(abi.OBJECT_PAGE_TABLE),
      ];
      const short = calls.invoke(a, abi.PAGE_TABLE_MAP, [VADDR], [vspace]);
      yield* refused(short, abi.TRUNCATED_MESSAGE);
      yield* refused(calls.invoke(a, abi.PAGE_TABLE_MAP, [VADDR, 0]), abi.TRUNCATED_MESSAGE);
      yield* refused(calls.mapTable(a, SLOT_CNODE, USER_TOP), abi.INVALID_CAPABILITY, [1]);
      yield* refused(calls.mapTable(a, b, USER_TOP), abi.INVALID_CAPABILITY, [1]);
      yield* refused(calls.mapTable(a, vspace, USER_TOP), abi.INVALID_ARGUMENT, [0]);
      yield* refused(calls.copy(env.takeSlot(), a), abi.ILLEGAL_OPERATION);
      yield* ok(calls.mapTable(a, vspace, VADDR));
      yield* refused(calls.mapTable(a, vspace, VADDR), abi.INVALID_CAPABILITY, [0]);
      yield* ok(calls.mapTable(b, vspace, VADDR));
      yield* refused(calls.mapTable(c, vspace, VADDR), abi.DELETE_FIRST);

      const unmap = (table: number) => calls.invoke(table, abi.PAGE_TABLE_UNMAP);
      const twin = yield* env.copied(b);
      yield* refused(unmap(b), abi.REVOKE_FIRST);
      yield* ok(calls.remove(twin));
      yield* ok(unmap(b));
      yield* ok(calls.mapTable(c, vspace, VADDR));
      yield* refused(unmap(vspace), abi.REVOKE_FIRST);
    },
  },
  {
    name: 'GAP_ASID_ERRORS',
    class: 'GAP',
    description: 'ASIDControl_MakePool and ASIDPool_Assign: each refusal',
    *run(env) {
      const [untyped, larger] = [yield* env.untyped(12), yield* env.untyped(13)];
      const [parent, slot] = [yield* env.untyped(12), env.takeSlot()];
      yield* ok(calls.retype(parent, abi.OBJECT_ENDPOINT, 0, env.takeSlot()));
      const make = (mrs: number[], caps: number[]) =>
        calls.invoke(SLOT_ASID_CONTROL, abi.ASID_CONTROL_MAKE_POOL, mrs, caps);
      yield* refused(make([slot], [untyped, SLOT_CNODE]), abi.TRUNCATED_MESSAGE);
      yield* refused(make([slot, DEPTH], [untyped]), abi.TRUNCATED_MESSAGE);
      yield* refused(make([slot, 0], [larger, SLOT_CNODE]), abi.INVALID_CAPABILITY, [1]);
      yield* refused(make([slot, 0], [parent, SLOT_CNODE]), abi.REVOKE_FIRST);
      yield* refused(make([slot, 0], [untyped, SLOT_CNODE]), abi.RANGE_ERROR, [1, 64]);
      yield* refused(make([SLOT_CNODE, DEPTH], [untyped, SLOT_CNODE]), abi.DELETE_FIRST);
      yield* ok(make([slot, DEPTH], [untyped, SLOT_CNODE]));

      const assign = (pool: number, caps: number[]) =>
        calls.invoke(pool, abi.ASID_POOL_ASSIGN, [], caps);
      yield* refused(assign(slot, []), abi.TRUNCATED_MESSAGE);
      yield* refused(assign(slot, [SLOT_CNODE]), abi.INVALID_CAPABILITY, [1]);
      yield* refused(assign(slot, [SLOT_VSPACE]), abi.INVALID_CAPABILITY, [1]);
      const vspace = yield* env.allocate(abi.OBJECT_PAGE_TABLE);
      yield* ok(assign(slot, [vspace]));
      // The pool goes, and with it the address space's identifier.
      yield* ok(calls.remove(slot));
      const frame = yield* env.allocate(abi.OBJECT_4K_PAGE);
      const details = [DESTINATION, INVALID_ROOT];
      yield* refused(calls.mapPage(frame, vspace, VADDR), abi.FAILED_LOOKUP, details);
      yield* ok(assign(SLOT_ASID_POOL, [yield* env.allocate(abi.OBJECT_PAGE_TABLE)]));
    },
  },
  {
    name: 'GAP_EXECUTE_NEVER',
    class: 'GAP',
    description: 'a page mapped execute-never can be read but not executed',
    *run(env) {
      const [frame, vaddr] = [yield* env.allocate(abi.OBJECT_4K_PAGE), env.takeVaddr()];
      yield* env.map(frame, SLOT_VSPACE, vaddr, 3, 1);
      equal(yield* faultOf(env, calls.load(vaddr)), undefined, 'reading');
      const fault = yield* faultOf(env, calls.execute(vaddr));
      equal(fault?.label, abi.FAULT_VM, 'executing');
      equal(fault?.mrs[2], 1, 'it was an instruction');
      yield* ok(calls.mapPage(frame, SLOT_VSPACE, vaddr));
      equal(yield* faultOf(env, calls.execute(vaddr)), undefined, 'executing, when it may');
    },
  },
  {
    name: 'GAP_FRAME_RIGHTS',
    class: 'GAP',
    description: 'a page mapped read-only, or through a read-only capability, cannot be written',
    *run(env) {
      const frame = yield* env.allocate(abi.OBJECT_4K_PAGE);
      const readOnly = yield* env.copied(frame, abi.RIGHT_READ);
      for (const [cap, rights] of [
        [frame, abi.RIGHT_READ],
        [readOnly, 3],
      ] as const) {
        const vaddr = env.takeVaddr();
        yield* env.map(cap, SLOT_VSPACE, vaddr, rights);
        equal(yield* faultOf(env, calls.load(vaddr)), undefined, 'reading');
        const fault = yield* faultOf(env, calls.store(vaddr, 1));
        equal(fault?.label, abi.FAULT_VM, 'writing');
        equal(fault?.mrs[3], 7, 'code of a store access fault');
      }
    },
  },
  {
    name: 'GAP_UNMAP_AFTER_ROOT',
    class: 'GAP',
    description: 'a frame is unmapped after its address space is gone (VSPACE0001 for RISC-V)',
    *run(env) {
      const [vspace, frame] = [yield* env.vspace(), yield* env.allocate(abi.OBJECT_4K_PAGE)];
      yield* env.map(frame, vspace, VADDR);
      yield* ok(calls.remove(vspace));
      yield* ok(calls.invoke(frame, abi.PAGE_UNMAP));
      const vaddr = env.takeVaddr();
      yield* env.map(frame, SLOT_VSPACE, vaddr);
      yield calls.store(vaddr, 9);
      check((yield calls.load(vaddr)).value === 9, 'the frame is as good as new');
    },
  },
];
