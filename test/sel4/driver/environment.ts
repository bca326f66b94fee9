/**
 * What a test gets: its process's memory and slots, and ways to make objects and helper threads of
 * them. Everything here is done by system calls of the test process.
 */

import * as abi from '../../../kernel/abi.ts';
import type { ThreadBody, ThreadStep, Word } from '../../../kernel/system-call.ts';
import type { UserThread } from '../../../kernel/user.ts';
import * as calls from './calls.ts';
import { check, ok } from './check.ts';
import type { TestMachine } from './machine.ts';
import type { Programs } from './programs.ts';
import {
  DEPTH,
  PAGE_BYTES,
  PROCESS_VADDR,
  SLOT_ASID_POOL,
  SLOT_CNODE,
  SLOT_FIRST_FREE,
  SLOT_TCB,
  SLOT_TIMER_HANDLER,
  SLOT_UNTYPED,
  SLOT_VSPACE,
  TIME_SLICE_US,
} from './slots.ts';

const HELPER_CNODE_BITS = 5;
const SCHED_CONTEXT_BITS = 8;
/** Slots of a helper with spaces of its own. */
const FOREIGN_DONE = 3;
const FOREIGN_REPLY = 4;
const FOREIGN_FIRST_FREE = 8;

export type HelperBody = (self: Helper, thread: UserThread) => ThreadStep<Word | void>;

export interface HelperOptions {
  readonly priority: number;
  readonly maxPriority?: number;
  /** Gets itself, and its register file. */
  readonly body?: HelperBody;
  /** What a helper does that makes no system call of its own. */
  readonly act?: (self: Helper, thread: UserThread) => void;
  readonly budget?: calls.Budget;
  /** A helper with a CSpace and a VSpace of its own reaches only what `give` has given it. */
  readonly spaces?: 'shared' | 'own';
  /** Without a scheduling context the thread is passive: it runs on one that is lent to it. */
  readonly schedContext?: 'own' | 'none';
  /** An endpoint that gets the thread's faults; 0 for none. */
  readonly faultHandler?: Word;
}

export interface Helper {
  readonly tcb: number;
  /** 0 for a passive thread. */
  readonly sc: number;
  /** The helper's reply object, as a slot of the test process. */
  readonly reply: number;
  /** The same, as the helper itself names it. */
  readonly ownReply: number;
  readonly vspace: number;
  readonly cnode: number;
  readonly entry: number;
  readonly bufferVaddr: number;
  /** The helper sends the result of its body here. */
  readonly done: number;
  readonly spaces: 'shared' | 'own';
  nextSlot: number;
}

export class Environment {
  readonly machine: TestMachine;
  readonly #programs: Programs;
  #nextSlot = SLOT_FIRST_FREE;
  #nextVaddr = PROCESS_VADDR + PAGE_BYTES;
  #timerNotification = 0;

  constructor(machine: TestMachine, programs: Programs) {
    this.machine = machine;
    this.#programs = programs;
  }

  now(): number {
    return this.machine.now();
  }

  // --------------------------------------------------------------------------------------- objects

  /** @returns the first of `count` empty slots that follow each other */
  takeSlot(count = 1): number {
    this.#nextSlot += count;
    check(this.#nextSlot <= 4096, 'the test process has slots left');
    return this.#nextSlot - count;
  }

  *allocate(type: number, bits = 0): ThreadStep<number> {
    const slot = this.takeSlot();
    yield* ok(calls.retype(SLOT_UNTYPED, type, bits, slot));
    return slot;
  }

  *untyped(bits: number): ThreadStep<number> {
    return yield* this.allocate(abi.OBJECT_UNTYPED, bits);
  }

  *endpoint(): ThreadStep<number> {
    return yield* this.allocate(abi.OBJECT_ENDPOINT);
  }

  *notification(): ThreadStep<number> {
    return yield* this.allocate(abi.OBJECT_NOTIFICATION);
  }

  *reply(): ThreadStep<number> {
    return yield* this.allocate(abi.OBJECT_REPLY);
  }

  /** @returns the slot of a scheduling context, round robin unless told */
  *schedContext(budget?: calls.Budget): ThreadStep<number> {
    const sc = yield* this.allocate(abi.OBJECT_SCHED_CONTEXT, SCHED_CONTEXT_BITS);
    const slice = { budgetUs: TIME_SLICE_US, periodUs: TIME_SLICE_US };
    yield* ok(calls.configureSc(sc, budget ?? slice));
    return sc;
  }

  /** @returns the slot of a copy with this badge */
  *minted(source: Word, badge: Word, rights = abi.RIGHTS_ALL): ThreadStep<number> {
    const slot = this.takeSlot();
    yield* ok(calls.mint(slot, source, badge, rights));
    return slot;
  }

  *copied(source: Word, rights = abi.RIGHTS_ALL): ThreadStep<number> {
    const slot = this.takeSlot();
    yield* ok(calls.copy(slot, source, rights));
    return slot;
  }

  *isEmpty(slot: Word): ThreadStep<boolean> {
    const { badge } = yield calls.identify(slot);
    return badge === 0;
  }

  // ---------------------------------------------------------------------------------------- memory

  takeVaddr(sizeBytes = PAGE_BYTES): number {
    const vaddr = Math.ceil(this.#nextVaddr / sizeBytes) * sizeBytes;
    this.#nextVaddr = vaddr + sizeBytes;
    return vaddr;
  }

  /** @returns the slot of a new address space */
  *vspace(): ThreadStep<number> {
    const vspace = yield* this.allocate(abi.OBJECT_PAGE_TABLE);
    yield* ok(calls.invoke(SLOT_ASID_POOL, abi.ASID_POOL_ASSIGN, [], [vspace]));
    return vspace;
  }

  /** Maps a frame, and page tables as far as they are missing. */
  *map(frame: number, vspace: number, vaddr: number, rights = 3, attributes = 0): ThreadStep<void> {
    for (let level = 0; level < 3; level += 1) {
      const answer = yield calls.mapPage(frame, vspace, vaddr, rights, attributes);
      if (answer.label === abi.NO_ERROR) return;
      check(answer.label === abi.FAILED_LOOKUP, `the frame can be mapped: error ${answer.label}`);
      const table = yield* this.allocate(abi.OBJECT_PAGE_TABLE);
      yield* ok(calls.mapTable(table, vspace, vaddr));
    }
    check(false, 'two page tables are enough for a frame');
  }

  // --------------------------------------------------------------------------------------- threads

  /** Makes a thread; it does not run before `start`. */
  *thread(options: HelperOptions): ThreadStep<Helper> {
    const spaces = options.spaces ?? 'shared';
    const tcb = yield* this.allocate(abi.OBJECT_TCB);
    const sc = options.schedContext === 'none' ? 0 : yield* this.schedContext(options.budget);
    const done = yield* this.endpoint();
    const reply = yield* this.reply();
    const isOwn = spaces === 'own';
    const vspace = isOwn ? yield* this.vspace() : SLOT_VSPACE;
    const cnode = isOwn ? yield* this.#foreignCNode(done, reply) : SLOT_CNODE;
    const bufferVaddr = isOwn ? PROCESS_VADDR : this.takeVaddr();
    const frame = yield* this.allocate(abi.OBJECT_4K_PAGE);
    yield* this.map(frame, vspace, bufferVaddr);
    const guard = isOwn ? DEPTH - HELPER_CNODE_BITS : 0;
    const args = [guard, 0, bufferVaddr];
    yield* ok(calls.invoke(tcb, abi.TCB_CONFIGURE, args, [cnode, vspace, frame]));
    const priorities = [options.maxPriority ?? options.priority, options.priority];
    const caps = [SLOT_TCB, sc, options.faultHandler ?? 0];
    yield* ok(calls.invoke(tcb, abi.TCB_SET_SCHED_PARAMS, priorities, caps));
    yield* ok(calls.invoke(tcb, abi.TCB_SET_TLS_BASE, [bufferVaddr]));
    const ownReply = isOwn ? FOREIGN_REPLY : reply;
    const entry = this.#programs.add((thread) => bodyOf(helper, options, thread));
    const helper: Helper = {
      ...{ tcb, sc, reply, ownReply, vspace, cnode, entry, bufferVaddr, done, spaces },
      nextSlot: FOREIGN_FIRST_FREE,
    };
    return helper;
  }

  *#foreignCNode(done: number, reply: number): ThreadStep<number> {
    const cnode = yield* this.allocate(abi.OBJECT_CNODE, HELPER_CNODE_BITS);
    yield* ok(calls.mintInto(cnode, HELPER_CNODE_BITS, FOREIGN_DONE, done, 0));
    yield* ok(calls.mintInto(cnode, HELPER_CNODE_BITS, FOREIGN_REPLY, reply, 0));
    return cnode;
  }

  /** Lets a helper use a capability. @returns the cptr by which it names it */
  *give(helper: Helper, slot: number): ThreadStep<number> {
    if (helper.spaces === 'shared') return slot;
    helper.nextSlot += 1;
    const index = helper.nextSlot - 1;
    yield* ok(calls.mintInto(helper.cnode, HELPER_CNODE_BITS, index, slot, 0));
    return index;
  }

  /** Starts a helper at the beginning of its body. */
  *start(helper: Helper): ThreadStep<void> {
    yield* ok(calls.writeRegisters(helper.tcb, 1, [helper.entry]));
  }

  /** Makes a thread and starts it. */
  *run(options: HelperOptions): ThreadStep<Helper> {
    const helper = yield* this.thread(options);
    yield* this.start(helper);
    return helper;
  }

  /** Waits for a helper's end. @returns the result of its body, 0 without one */
  *join(helper: Helper): ThreadStep<Word> {
    const answer = yield calls.wait(helper.done);
    return answer.mrs[0] ?? 0;
  }

  /**
   * Starts a passive server: it says by NBSendRecv to `ready` that it is initialised, and loses its
   * context.
   */
  *passive(options: HelperOptions, ready: number): ThreadStep<Helper> {
    const helper = yield* this.run(options);
    yield calls.wait(ready);
    yield* ok(calls.scUnbind(helper.sc));
    return helper;
  }

  // ------------------------------------------------------------------------------------------ time

  /** Lets the timer ring every `periodNs` on a notification, which is returned. */
  *startTimer(periodNs: number): ThreadStep<number> {
    const notification = yield* this.#timer();
    this.machine.setTimer(this.now() + periodNs, periodNs);
    return notification;
  }

  stopTimer(): void {
    this.machine.setTimer(Infinity, 0);
  }

  *waitForTimer(): ThreadStep<void> {
    yield calls.wait(this.#timerNotification);
    yield* ok(calls.invoke(SLOT_TIMER_HANDLER, abi.IRQ_ACK_IRQ));
  }

  *sleep(durationNs: number): ThreadStep<void> {
    yield* this.#timer();
    this.machine.setTimer(this.now() + durationNs, 0);
    yield* this.waitForTimer();
  }

  *#timer(): ThreadStep<number> {
    if (this.#timerNotification !== 0) return this.#timerNotification;
    const slot = yield* this.notification();
    this.#timerNotification = slot;
    yield* ok(calls.invoke(SLOT_TIMER_HANDLER, abi.IRQ_SET_IRQ_HANDLER, [], [slot]));
    return slot;
  }
}

function* bodyOf(helper: Helper, options: HelperOptions, thread: UserThread): ThreadBody {
  options.act?.(helper, thread);
  const result = options.body === undefined ? 0 : yield* options.body(helper, thread);
  const done = helper.spaces === 'own' ? FOREIGN_DONE : helper.done;
  yield calls.send(done, [result ?? 0]);
}
