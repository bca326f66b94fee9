/**
 * The initial state of every trace, built by system calls of the initial thread: thread W, its
 * CSpace of the CNodes L1, I, T and N, the untypeds U, V and D, and the helper threads of family 2.
 */

import {
  INIT_SLOT_ASID_CONTROL,
  INIT_SLOT_ASID_POOL,
  INIT_SLOT_CNODE,
  INIT_SLOT_DOMAIN,
  INIT_SLOT_IRQ_CONTROL,
  INIT_SLOT_TCB,
  INIT_SLOT_VSPACE,
  OBJECT_4K_PAGE,
  OBJECT_CNODE,
  OBJECT_ENDPOINT,
  OBJECT_PAGE_TABLE,
  OBJECT_REPLY,
  OBJECT_SCHED_CONTEXT,
  OBJECT_TCB,
  OBJECT_UNTYPED,
  PAGE_MAP,
  PAGE_TABLE_MAP,
  RIGHTS_ALL,
  SCHED_CONTROL_CONFIGURE_FLAGS,
  TCB_CONFIGURE,
  TCB_SET_SCHED_PARAMS,
} from '../abi.ts';
import { assert } from '../../memory/assert.ts';
import type { BootInfo } from '../boot-info.ts';
import { SETUP_DEPTH, SetupCalls } from './setup-calls.ts';
import type { ThreadStep } from '../system-call.ts';
import type { TraceHelper } from './trace.ts';

/** The pcs at which the programs of a replay start. */
export const W_ENTRY = 0x40_0000;
export const IDLER_ENTRY = 0x40_1000;
export const HELPER_ENTRY = 0x40_2000;
/** Badges of the faults that the monitor receives. */
export const W_BADGE = 1;
export const IDLER_BADGE = 2;
/** IPC buffers: of W, of the idler, of helper t. */
export const W_BUFFER = 0x40_0000;
export const HELPER_BUFFER = 0x40_2000;

const PAGE = 4096;
/** Pages of the user image on the traces' platform, besides the initial thread's own two. */
const IMAGE_PAGES = 177;
const FAR_PAGE = 0x2000_0000;
const SLICE_US = 10_000_000;
const SCHED_CONTEXT_BITS = 8;
/** CNode data: a guard of this many zero bits. */
const L1_GUARD_BITS = 48;

/** What the monitor holds: slots of its own CSpace. */
export interface Stage {
  readonly faults: number;
  readonly reply: number;
  readonly w: number;
  readonly idler: number;
  /** TCB of helper t. */
  readonly helpers: readonly number[];
}

/**
 * Builds with the memory and slots that the boot information offers; every refusal is a bug of the
 * kernel.
 */
export class StageBuilder {
  readonly #bootInfo: BootInfo;
  readonly #sched: number;
  readonly #calls: SetupCalls;
  #buffers: number[] = [];

  constructor(bootInfo: BootInfo) {
    this.#bootInfo = bootInfo;
    this.#calls = new SetupCalls(bootInfo, 'the initial state of a trace');
    this.#sched = bootInfo.schedControl.start;
  }

  *build(helpers: readonly TraceHelper[]): ThreadStep<Stage> {
    const l1 = yield* this.#make(OBJECT_CNODE, 4);
    const i = yield* this.#make(OBJECT_CNODE, 5);
    const t = yield* this.#make(OBJECT_CNODE, 6);
    const n = yield* this.#make(OBJECT_CNODE, 3);
    const faults = yield* this.#make(OBJECT_ENDPOINT, 0);
    const reply = yield* this.#make(OBJECT_REPLY, 0);
    yield* this.#mapImage();

    yield* this.#mint(l1, 4, 0, i, 7);
    yield* this.#copy(l1, 4, 1, t);
    yield* this.#mint(l1, 4, 2, n, 9);
    yield* this.#mint(l1, 4, 3, t, 6);
    yield* this.#mint(t, 6, 63, n, (5 << 6) | 3);

    const w = yield* this.#makeThread(l1, 0, faults, W_BADGE, 200, 220);
    yield* this.#fillI(i, l1, t, w.tcb, w.schedContext);
    const idler = yield* this.#makeThread(l1, 1, faults, IDLER_BADGE, 1, 1);
    const tcbs: number[] = [];
    for (const { tid, prio, mcp } of helpers) {
      const helper = yield* this.#makeThread(l1, 2 + tid, 0, 0, prio, mcp);
      tcbs[tid] = helper.tcb;
      yield* this.#copy(i, 5, 22 + tid, helper.tcb);
      yield* this.#copy(l1, 4, 8 + tid, helper.schedContext);
    }
    return { faults, reply, w: w.tcb, idler: idler.tcb, helpers: tcbs };
  }

  *#fillI(i: number, l1: number, t: number, tcb: number, sc: number): ThreadStep<void> {
    yield* this.#copy(i, 5, 1, tcb);
    yield* this.#mint(i, 5, 2, l1, L1_GUARD_BITS);
    yield* this.#copy(i, 5, 3, INIT_SLOT_VSPACE);
    yield* this.#move(i, 5, 4, INIT_SLOT_IRQ_CONTROL);
    yield* this.#copy(i, 5, 5, INIT_SLOT_ASID_CONTROL);
    yield* this.#copy(i, 5, 6, INIT_SLOT_ASID_POOL);
    yield* this.#copy(i, 5, 11, INIT_SLOT_DOMAIN);
    yield* this.#copy(i, 5, 14, sc);
    yield* this.#copy(i, 5, 16, this.#sched);
    yield* this.#move(i, 5, 17, yield* this.#makeUntyped(20, 'no'));
    yield* this.#copy(i, 5, 18, t);
    yield* this.#move(i, 5, 19, yield* this.#makeUntyped(21, 'no'));
    yield* this.#move(i, 5, 20, yield* this.#makeUntyped(16, 'yes'));
    yield* this.#copy(i, 5, 21, i);
  }

  *#makeThread(
    l1: number,
    buffer: number,
    faults: number,
    badge: number,
    priority: number,
    maxPriority: number,
  ): ThreadStep<{ tcb: number; schedContext: number }> {
    const tcb = yield* this.#make(OBJECT_TCB, 0);
    const schedContext = yield* this.#make(OBJECT_SCHED_CONTEXT, SCHED_CONTEXT_BITS);
    const budget = [SLICE_US, SLICE_US, 0, 0, 0];
    yield* this.#calls.call(this.#sched, SCHED_CONTROL_CONFIGURE_FLAGS, budget, [schedContext]);
    const frame = this.#buffers[buffer] as number;
    const address = W_BUFFER + buffer * PAGE;
    const spaces = [l1, INIT_SLOT_VSPACE, frame];
    yield* this.#calls.call(tcb, TCB_CONFIGURE, [L1_GUARD_BITS, 0, address], spaces);
    let handler = 0;
    if (faults !== 0) {
      handler = this.#calls.takeSlot();
      yield* this.#mint(INIT_SLOT_CNODE, SETUP_DEPTH, handler, faults, badge);
    }
    const authority = [INIT_SLOT_TCB, schedContext, handler];
    yield* this.#calls.call(tcb, TCB_SET_SCHED_PARAMS, [maxPriority, priority], authority);
    return { tcb, schedContext };
  }

  /** The mappings below 1 GiB that the traces' platform has. */
  *#mapImage(): ThreadStep<void> {
    for (let page = 0; page < IMAGE_PAGES; page += 1) {
      const frame = yield* this.#make(OBJECT_4K_PAGE, 0);
      this.#buffers.push(frame);
      yield* this.#calls.call(frame, PAGE_MAP, [W_BUFFER + page * PAGE, 3, 0], [INIT_SLOT_VSPACE]);
    }
    const table = yield* this.#make(OBJECT_PAGE_TABLE, 0);
    yield* this.#calls.call(table, PAGE_TABLE_MAP, [FAR_PAGE, 0], [INIT_SLOT_VSPACE]);
    const far = yield* this.#make(OBJECT_4K_PAGE, 0);
    yield* this.#calls.call(far, PAGE_MAP, [FAR_PAGE, 3, 0], [INIT_SLOT_VSPACE]);
  }

  #make(type: number, bits: number): ThreadStep<number> {
    return this.#calls.make(this.#untyped(22, 'no'), type, bits);
  }

  /** U and V are carved from untypeds of their own size, so that they are all that is in them. */
  #makeUntyped(bits: number, isDevice: 'yes' | 'no'): ThreadStep<number> {
    const parent = this.#untyped(isDevice === 'yes' ? bits + 1 : bits, isDevice);
    return this.#calls.make(parent, OBJECT_UNTYPED, bits);
  }

  #untyped(sizeBits: number, isDevice: 'yes' | 'no'): number {
    const found = this.#bootInfo.untypedList.find(
      (untyped) => untyped.sizeBits === sizeBits && untyped.isDevice === isDevice,
    );
    assert(found !== undefined, 'the machine of a replay has the untypeds that it needs');
    return found.slot;
  }

  #copy(cnode: number, depth: number, index: number, source: number): ThreadStep<void> {
    return this.#calls.copy({ cnode, depth, index }, source);
  }

  #mint(
    cnode: number,
    depth: number,
    index: number,
    source: number,
    data: number,
  ): ThreadStep<void> {
    return this.#calls.mint({ cnode, depth, index }, source, RIGHTS_ALL, data);
  }

  #move(cnode: number, depth: number, index: number, source: number): ThreadStep<void> {
    return this.#calls.move({ cnode, depth, index }, source);
  }
}
