/** L4: a call, and reply-and-wait. 64 bytes travel in message registers, more as a string item. */

import {
  acceptor,
  ANY_THREAD,
  BUFFER_REGISTERS_AT,
  L4_IPC,
  messageTag,
  NIL_THREAD,
  stringItem,
  TIMEOUT_NEVER,
  WORD_BYTES,
} from '../../ipc-models/l4/abi.ts';
import { L4 } from '../../ipc-models/l4/l4.ts';
import type { ModelBody } from '../../ipc-models/generator-program.ts';
import type { ModelThread, Program } from '../../ipc-models/model-thread.ts';
import { ARGUMENTS_AT, checkResult, IN_AT, modelRig, OUT_AT, startModel } from './model-rig.ts';
import {
  checkSequence,
  type IpcRig,
  type Meter,
  type RigClock,
  type Workload,
  WORKLOAD_BYTES,
} from './rig.ts';

const UTCB_AT = ARGUMENTS_AT;
/** The first message register behind the tag. */
const MR1_AT = UTCB_AT + WORD_BYTES;
const MR2_AT = MR1_AT + WORD_BYTES;
/** The largest message that goes in registers here. */
const REGISTER_BYTES = 64;

export function l4Rig(clock: RigClock, workload: Workload): IpcRig {
  const { kernel, meter, makeTask } = startModel(clock);
  const l4 = new L4(kernel);
  const bytes = WORKLOAD_BYTES[workload];
  const isStream = workload === 'stream';
  const ids = { server: NIL_THREAD };
  const register = (thread: ModelThread): ModelThread => {
    l4.register(thread, UTCB_AT);
    return thread;
  };
  return modelRig({
    kernel,
    meter,
    workload,
    sender: {
      task: makeTask('client'),
      setUp: nothing,
      start: (thread) =>
        new Sender(register(thread), isStream ? null : meter, { bytes, to: ids.server }),
    },
    receiver: {
      task: makeTask('server'),
      *setUp({ task }) {
        const { space } = task;
        space.store32(UTCB_AT + BUFFER_REGISTERS_AT, acceptor(0, 'strings'));
        space.store32(UTCB_AT + BUFFER_REGISTERS_AT + WORD_BYTES, stringItem(bytes));
        space.store32(UTCB_AT + BUFFER_REGISTERS_AT + 2 * WORD_BYTES, IN_AT);
        yield { workNs: 0 };
      },
      start: (thread) => {
        ids.server = thread.id;
        return new Receiver(register(thread), isStream ? meter : null, bytes);
      },
    },
  });
}

function* nothing(): ModelBody {
  yield { workNs: 0 };
}

/** Calls, or sends only. */
class Sender implements Program {
  readonly #thread: ModelThread;
  /** Of a client, which counts its replies. */
  readonly #meter: Meter | null;
  readonly #bytes: number;
  readonly #to: number;
  readonly #tag: number;
  #sequence = 0;

  constructor(thread: ModelThread, meter: Meter | null, options: { bytes: number; to: number }) {
    this.#thread = thread;
    this.#meter = meter;
    this.#bytes = options.bytes;
    this.#to = options.to;
    const isString = options.bytes > REGISTER_BYTES;
    this.#tag = isString ? messageTag(0, 2) : messageTag(options.bytes / WORD_BYTES, 0);
  }

  resume(): void {
    const thread = this.#thread;
    if (this.#sequence > 0) {
      checkResult(thread, 'IPC of the sender');
      if (this.#meter !== null) this.#meter.count();
    }
    this.#sequence += 1;
    const { space } = thread.task;
    space.store32(UTCB_AT, this.#tag);
    if (this.#bytes > REGISTER_BYTES) {
      space.store32(OUT_AT, this.#sequence);
      space.store32(MR1_AT, stringItem(this.#bytes));
      space.store32(MR2_AT, OUT_AT);
    } else {
      space.store32(MR1_AT, this.#sequence);
    }
    const from = this.#meter === null ? NIL_THREAD : this.#to;
    thread.trap(L4_IPC, this.#to, from, TIMEOUT_NEVER, TIMEOUT_NEVER);
  }
}

/** Replies and waits, or waits only. */
class Receiver implements Program {
  readonly #thread: ModelThread;
  /** Of a consumer, which counts its messages. */
  readonly #meter: Meter | null;
  readonly #bytes: number;
  #sequence = -1;

  constructor(thread: ModelThread, meter: Meter | null, bytes: number) {
    this.#thread = thread;
    this.#meter = meter;
    this.#bytes = bytes;
  }

  resume(): void {
    const thread = this.#thread;
    this.#sequence += 1;
    if (this.#sequence === 0) {
      return thread.trap(L4_IPC, NIL_THREAD, ANY_THREAD, TIMEOUT_NEVER, TIMEOUT_NEVER);
    }
    const sender = checkResult(thread, 'IPC of the receiver');
    const { space } = thread.task;
    if (this.#bytes > 0) {
      const at = this.#bytes > REGISTER_BYTES ? IN_AT : MR1_AT;
      checkSequence(space.load32(at), this.#sequence);
    }
    if (this.#meter !== null) this.#meter.count();
    else space.store32(UTCB_AT, messageTag(0, 0));
    const to = this.#meter === null ? sender : NIL_THREAD;
    thread.trap(L4_IPC, to, ANY_THREAD, TIMEOUT_NEVER, TIMEOUT_NEVER);
  }
}
