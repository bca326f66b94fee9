/**
 * What else there is in the system while something is measured: thousands of idle objects, or
 * threads that are ready to run and never do, at one priority or at many. It is made and taken away
 * by system calls of the measuring thread.
 */

import {
  CNODE_REVOKE,
  INIT_SLOT_CNODE,
  INIT_SLOT_TCB,
  INIT_SLOT_VSPACE,
  OBJECT_ENDPOINT,
  OBJECT_SCHED_CONTEXT,
  OBJECT_TCB,
  OBJECT_UNTYPED,
  SCHED_CONTROL_CONFIGURE_FLAGS,
  TCB_CONFIGURE,
  TCB_RESUME,
  TCB_SET_SCHED_PARAMS,
} from '../../kernel/abi.ts';
import { RIG_PRIORITY, type RigThread } from '../kernel-rig.ts';

/** One of the three. */
export interface Crowd {
  /** Endpoints that nobody uses. */
  readonly objects?: number;
  /** Ready threads of one priority below the measuring thread's. */
  readonly threads?: number;
  /** Ready threads, one of each priority below the measuring thread's. */
  readonly priorities?: number;
}

/** Slots of the root CNode: it has to be this large. */
export const CROWD_ROOT_BITS = 15;
const FIRST_THREAD_SLOT = 4096;
const OBJECT_NODE_RADIX = 16;
const ENDPOINT_BITS = 4;
const THREAD_MEMORY_BITS = 24;
const SCHED_CONTEXT_BITS = 8;
const FAN_OUT_MAX = 256;
const SLICE_US = 1_000_000;

export class CrowdMaker {
  readonly #rig: RigThread;
  readonly #objectNode: number;
  readonly #objectMemory: number;
  readonly #threadMemory: number;

  constructor(rig: RigThread) {
    this.#rig = rig;
    // The largest first: sizes are alignments.
    this.#threadMemory = rig.make(OBJECT_UNTYPED, THREAD_MEMORY_BITS);
    this.#objectNode = rig.makeCNode(OBJECT_NODE_RADIX);
    this.#objectMemory = rig.make(OBJECT_UNTYPED, OBJECT_NODE_RADIX + ENDPOINT_BITS);
  }

  make({ objects = 0, threads = 0, priorities = 0 }: Crowd): void {
    if (objects > 0) {
      this.#retype(this.#objectMemory, OBJECT_ENDPOINT, 0, this.#objectNode, 0, objects);
    }
    if (threads > 0) this.#makeThreads(threads, () => RIG_PRIORITY - 1);
    if (priorities > 0) this.#makeThreads(priorities, (index) => RIG_PRIORITY - 1 - index);
  }

  /** Takes everything away. */
  remove(): void {
    for (const memory of [this.#objectMemory, this.#threadMemory]) {
      this.#rig.must(INIT_SLOT_CNODE, CNODE_REVOKE, [memory, this.#rig.depth]);
    }
  }

  #makeThreads(count: number, priorityOf: (index: number) => number): void {
    const rig = this.#rig;
    const memory = this.#threadMemory;
    const tcbs = FIRST_THREAD_SLOT;
    const contexts = tcbs + count;
    this.#retype(memory, OBJECT_TCB, 0, INIT_SLOT_CNODE, tcbs, count);
    const bits = SCHED_CONTEXT_BITS;
    this.#retype(memory, OBJECT_SCHED_CONTEXT, bits, INIT_SLOT_CNODE, contexts, count);
    const control = rig.bootInfo.schedControl.start;
    const spaces = [INIT_SLOT_CNODE, INIT_SLOT_VSPACE, 0];
    for (let i = 0; i < count; i += 1) {
      const context = contexts + i;
      const priority = priorityOf(i);
      rig.must(control, SCHED_CONTROL_CONFIGURE_FLAGS, [SLICE_US, SLICE_US, 0, 0, 0], [context]);
      rig.must(tcbs + i, TCB_CONFIGURE, [0, 0, 0], spaces);
      rig.must(tcbs + i, TCB_SET_SCHED_PARAMS, [priority, priority], [INIT_SLOT_TCB, context, 0]);
      rig.must(tcbs + i, TCB_RESUME, []);
    }
  }

  #retype(
    memory: number,
    type: number,
    bits: number,
    node: number,
    first: number,
    count: number,
  ): void {
    for (let done = 0; done < count; done += FAN_OUT_MAX) {
      const now = Math.min(FAN_OUT_MAX, count - done);
      this.#rig.retype(memory, type, bits, node, first + done, now);
    }
  }
}
