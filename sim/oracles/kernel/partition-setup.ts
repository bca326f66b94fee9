/**
 * Two partitions, built by the initial thread: each has memory, threads, an address space and a
 * CSpace of its own, laid out as random requests expect it. Two endpoints and two notifications lie
 * between them, one for each direction.
 */

import {
  ASID_POOL_ASSIGN,
  INIT_SLOT_ASID_CONTROL,
  INIT_SLOT_ASID_POOL,
  INIT_SLOT_CNODE,
  INIT_SLOT_IRQ_CONTROL,
  INIT_SLOT_TCB,
  IRQ_ISSUE_IRQ_HANDLER,
  IRQ_SET_IRQ_HANDLER,
  OBJECT_4K_PAGE,
  OBJECT_CNODE,
  OBJECT_ENDPOINT,
  OBJECT_NOTIFICATION,
  OBJECT_PAGE_TABLE,
  OBJECT_REPLY,
  OBJECT_SCHED_CONTEXT,
  OBJECT_TCB,
  OBJECT_UNTYPED,
  PAGE_MAP,
  PAGE_TABLE_MAP,
  RIGHT_GRANT,
  RIGHT_GRANT_REPLY,
  RIGHT_READ,
  RIGHT_WRITE,
  RIGHTS_ALL,
  SCHED_CONTROL_CONFIGURE_FLAGS,
  SYS_CALL,
  TCB_CONFIGURE,
  TCB_SET_SCHED_PARAMS,
  TCB_SET_TIMEOUT_ENDPOINT,
  TCB_WRITE_REGISTERS,
} from '../../../kernel/abi.ts';
import type { BootInfo } from '../../../kernel/boot-info.ts';
import type { ThreadStep } from '../../../kernel/system-call.ts';
import { FUZZ_SLOTS } from './fuzz-setup.ts';
import {
  largestUntyped,
  SETUP_DEPTH,
  SetupCalls,
  startRegisters,
} from '../../../kernel/oracle/setup-calls.ts';

export const PARTITIONS = 2;
export const PARTITION_THREADS = 2;
export const PARTITION_ENTRY = 0x2_0000;
export const IDLER_ENTRY = 0x3_0000;
/** log2 of the bytes from which a partition's objects are made. */
const MEMORY_BITS = 17;
const RADIX = 7;
const BUFFERS = 0x40_0000;
const PAGE = 4096;
const SCHED_BITS = 8;
/** Budget and period in us, and flags: round robin, sporadic. */
const TIMES = [
  [5_000, 5_000, 0],
  [100, 900, 1],
] as const;

/** What an endpoint between the partitions lets through: messages alone, or capabilities, too. */
export type Channel = 'messages' | 'grants';

export interface Partition {
  /** The memory that all its objects are made from. */
  readonly memory: number;
  readonly tcbs: readonly number[];
}

export interface Stage {
  readonly faults: number;
  readonly reply: number;
  readonly idler: number;
  readonly partitions: readonly Partition[];
}

export class PartitionBuilder {
  readonly #bootInfo: BootInfo;
  readonly #channel: Channel;
  readonly #system: number;
  readonly #calls: SetupCalls;

  constructor(bootInfo: BootInfo, channel: Channel) {
    this.#bootInfo = bootInfo;
    this.#channel = channel;
    this.#calls = new SetupCalls(bootInfo, 'a partition');
    this.#system = largestUntyped(bootInfo);
  }

  *build(): ThreadStep<Stage> {
    // The partitions' memory first, so that it is aligned without gaps.
    const memories: number[] = [];
    for (let p = 0; p < PARTITIONS; p += 1) {
      memories.push(yield* this.#calls.make(this.#system, OBJECT_UNTYPED, MEMORY_BITS));
    }
    const faults = yield* this.#calls.make(this.#system, OBJECT_ENDPOINT);
    const reply = yield* this.#calls.make(this.#system, OBJECT_REPLY);
    const channels: number[] = [];
    const signals: number[] = [];
    for (let p = 0; p < PARTITIONS; p += 1) {
      channels.push(yield* this.#calls.make(this.#system, OBJECT_ENDPOINT));
      signals.push(yield* this.#calls.make(this.#system, OBJECT_NOTIFICATION));
    }
    const partitions: Partition[] = [];
    const cnodes: number[] = [];
    for (let p = 0; p < PARTITIONS; p += 1) {
      const memory = memories[p] as number;
      const cnode = yield* this.#calls.make(memory, OBJECT_CNODE, RADIX);
      cnodes.push(cnode);
      partitions.push(yield* this.#makePartition(p, memory, cnode));
    }
    yield* this.#connect(cnodes, channels, signals);
    const idler = yield* this.#calls.make(this.#system, OBJECT_TCB);
    yield* this.#giveTime(idler, yield* this.#makeContext(this.#system, 0), 1, faults);
    return { faults, reply, idler, partitions };
  }

  *#makePartition(p: number, memory: number, cnode: number): ThreadStep<Partition> {
    const s = FUZZ_SLOTS;
    const vspace = yield* this.#makeVSpace(memory);
    yield* this.#mint(cnode, 2, cnode, RIGHTS_ALL, 64 - RADIX);
    yield* this.#copy(cnode, 3, vspace);
    yield* this.#copy(cnode, 5, INIT_SLOT_ASID_CONTROL);
    yield* this.#copy(cnode, 16, this.#bootInfo.schedControl.start);
    const endpoint = yield* this.#calls.make(memory, OBJECT_ENDPOINT);
    const notification = yield* this.#calls.make(memory, OBJECT_NOTIFICATION);
    yield* this.#copy(cnode, s.endpoint, endpoint);
    yield* this.#copy(cnode, s.notification, notification);
    yield* this.#calls.makeInside(cnode, memory, OBJECT_UNTYPED, 13, s.untyped);
    yield* this.#calls.makeInside(cnode, memory, OBJECT_UNTYPED, 12, s.untyped + 1);
    for (let i = 0; i < 3; i += 1) {
      yield* this.#calls.makeInside(cnode, memory, OBJECT_REPLY, 0, s.reply + i);
    }
    yield* this.#calls.makeInside(cnode, memory, OBJECT_CNODE, 4, s.cnode);
    yield* this.#calls.makeInside(cnode, memory, OBJECT_PAGE_TABLE, 0, s.pageTable);
    yield* this.#giveIrq(cnode, 1 + p, notification);
    const tcbs: number[] = [];
    for (let i = 0; i < PARTITION_THREADS; i += 1) {
      const tcb = yield* this.#calls.make(memory, OBJECT_TCB);
      const sc = yield* this.#makeContext(memory, i);
      const frame = yield* this.#calls.make(memory, OBJECT_4K_PAGE);
      const buffer = BUFFERS + i * PAGE;
      yield* this.#calls.call(frame, PAGE_MAP, [buffer, 3, 0], [vspace]);
      yield* this.#calls.call(tcb, TCB_CONFIGURE, [64 - RADIX, 0, buffer], [cnode, vspace, frame]);
      yield* this.#giveTime(tcb, sc, 100 + 20 * ((p + i) % 3), i === 0 ? endpoint : 0);
      if (i === 1) yield* this.#calls.call(tcb, TCB_SET_TIMEOUT_ENDPOINT, [], [endpoint]);
      yield* this.#copy(cnode, s.tcb + i, tcb);
      yield* this.#copy(cnode, s.schedContext + i, sc);
      yield* this.#move(cnode, s.frame + i, frame);
      tcbs.push(tcb);
    }
    yield* this.#copy(cnode, 1, tcbs[0] as number);
    return { memory, tcbs };
  }

  /** Channel p leads from partition p to the other. */
  *#connect(
    cnodes: readonly number[],
    channels: readonly number[],
    signals: readonly number[],
  ): ThreadStep<void> {
    const s = FUZZ_SLOTS;
    const grants = this.#channel === 'grants' ? RIGHT_GRANT | RIGHT_GRANT_REPLY : 0;
    for (let p = 0; p < PARTITIONS; p += 1) {
      const from = cnodes[p] as number;
      const to = cnodes[1 - p] as number;
      const sending = p === 0 ? s.endpoint + 1 : s.free + 1;
      const channel = channels[p] as number;
      const signal = signals[p] as number;
      yield* this.#mint(from, sending, channel, RIGHT_WRITE | grants, 11 + p);
      yield* this.#mint(to, sending, channel, RIGHT_READ | grants, 0);
      const signalling = p === 0 ? s.notification + 1 : s.free + 2;
      yield* this.#mint(from, signalling, signal, RIGHT_WRITE, 21 + p);
      yield* this.#mint(to, signalling, signal, RIGHT_READ, 0);
    }
  }

  *#makeVSpace(memory: number): ThreadStep<number> {
    const root = yield* this.#calls.make(memory, OBJECT_PAGE_TABLE);
    yield* this.#calls.call(INIT_SLOT_ASID_POOL, ASID_POOL_ASSIGN, [], [root]);
    for (let level = 0; level < 2; level += 1) {
      const table = yield* this.#calls.make(memory, OBJECT_PAGE_TABLE);
      yield* this.#calls.call(table, PAGE_TABLE_MAP, [BUFFERS, 0], [root]);
    }
    return root;
  }

  *#giveIrq(cnode: number, irq: number, notification: number): ThreadStep<void> {
    const handler = this.#calls.takeSlot();
    const place = [irq, handler, SETUP_DEPTH];
    yield* this.#calls.call(INIT_SLOT_IRQ_CONTROL, IRQ_ISSUE_IRQ_HANDLER, place, [INIT_SLOT_CNODE]);
    yield* this.#calls.call(handler, IRQ_SET_IRQ_HANDLER, [], [notification]);
    yield* this.#move(cnode, FUZZ_SLOTS.irqHandler, handler);
  }

  *#makeContext(memory: number, i: number): ThreadStep<number> {
    const sc = yield* this.#calls.make(memory, OBJECT_SCHED_CONTEXT, SCHED_BITS);
    const [budget, period, flags] = TIMES[i] as (typeof TIMES)[0];
    const sched = this.#bootInfo.schedControl.start;
    yield* this.#calls.call(
      sched,
      SCHED_CONTROL_CONFIGURE_FLAGS,
      [budget, period, 0, i, flags],
      [sc],
    );
    return sc;
  }

  *#giveTime(tcb: number, sc: number, priority: number, faults: number): ThreadStep<void> {
    const caps = [INIT_SLOT_TCB, sc, faults];
    yield* this.#calls.call(tcb, TCB_SET_SCHED_PARAMS, [200, priority], caps);
  }

  // ---------------------------------------------------------------------------------- single calls

  #copy(cnode: number, index: number, source: number): ThreadStep<void> {
    return this.#calls.copy({ cnode, depth: RADIX, index }, source);
  }

  #mint(
    cnode: number,
    index: number,
    source: number,
    rights: number,
    data: number,
  ): ThreadStep<void> {
    return this.#calls.mint({ cnode, depth: RADIX, index }, source, rights, data);
  }

  #move(cnode: number, index: number, source: number): ThreadStep<void> {
    return this.#calls.move({ cnode, depth: RADIX, index }, source);
  }
}

/** Begins a thread's program again, whatever it waits for; a refusal does not matter. */
export function* restart(tcb: number, entry: number, buffer: number): ThreadStep<void> {
  const mrs = startRegisters(entry, buffer);
  yield { kind: 'call', sys: SYS_CALL, cptr: tcb, label: TCB_WRITE_REGISTERS, mrs };
}

/** @returns the address of the IPC buffer of thread i of a partition */
export function bufferOf(i: number): number {
  return BUFFERS + i * PAGE;
}
