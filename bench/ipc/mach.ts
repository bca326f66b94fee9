/**
 * Mach: a call with a send-once right for the reply. 64 bytes and 4 KiB travel inline, 64 KiB out
 * of line, shared until one side writes; the server takes it out of its address space before it
 * replies.
 */

import {
  BITS_COMPLEX,
  COPY_SEND,
  HEADER_BITS,
  HEADER_BYTES,
  HEADER_LOCAL,
  HEADER_REMOTE,
  MACH_MSG,
  MACH_MSG_SUCCESS,
  MACH_MSG_VIRTUAL_COPY,
  MACH_PORT_ALLOCATE,
  MACH_PORT_RIGHT_RECEIVE,
  MACH_PORT_SET_QLIMIT,
  MACH_RCV_MSG,
  MACH_SEND_MSG,
  MAKE_SEND_ONCE,
  MOVE_SEND_ONCE,
  OOL_DESCRIPTOR,
  OOL_DESCRIPTOR_BYTES,
  VM_DEALLOCATE,
} from '../../ipc-models/mach/abi.ts';
import { Mach } from '../../ipc-models/mach/mach.ts';
import type { ModelThread, Program } from '../../ipc-models/model-thread.ts';
import { IN_AT, modelRig, OUT_AT, startModel } from './model-rig.ts';
import {
  checkSequence,
  type IpcRig,
  type Meter,
  type RigClock,
  STREAM_DEPTH,
  type Workload,
  WORKLOAD_BYTES,
} from './rig.ts';

const RECEIVE_LIMIT = 0x1_1000;
const INLINE_BYTES_MAX = 4096;
const PAYLOAD_AT = OUT_AT + HEADER_BYTES;
/** Memory that is sent out of line begins a page behind the header. */
const FAR_PAYLOAD_AT = OUT_AT + 0x1000;
const OOL_MESSAGE_BYTES = HEADER_BYTES + 4 + OOL_DESCRIPTOR_BYTES;

interface Names {
  /** The client's send right. */
  service: number;
  /** The server's receive right, and the client's for replies. */
  own: number;
  reply: number;
}

export function machRig(clock: RigClock, workload: Workload): IpcRig {
  const { kernel, meter, makeTask } = startModel(clock);
  const mach = new Mach(kernel);
  const bytes = WORKLOAD_BYTES[workload];
  const isStream = workload === 'stream';
  const names: Names = { service: 0, own: 0, reply: 0 };
  const sender = makeTask('client');
  const receiver = makeTask('server');
  return modelRig({
    kernel,
    meter,
    workload,
    sender: {
      task: sender,
      *setUp(thread) {
        names.service = mach.insertSendRight(receiver, names.own, sender);
        yield [MACH_PORT_ALLOCATE, MACH_PORT_RIGHT_RECEIVE];
        names.reply = thread.secondResult;
      },
      start: (thread) => new Sender(thread, { bytes, names, meter: isStream ? null : meter }),
    },
    receiver: {
      task: receiver,
      *setUp(thread) {
        yield [MACH_PORT_ALLOCATE, MACH_PORT_RIGHT_RECEIVE];
        names.own = thread.secondResult;
        yield [MACH_PORT_SET_QLIMIT, names.own, STREAM_DEPTH];
        checkSuccess(thread);
      },
      start: (thread) => new Receiver(thread, { bytes, names, meter: isStream ? meter : null }),
    },
  });
}

interface Part {
  readonly bytes: number;
  readonly names: Names;
  /** Of the side that counts: a client, or the consumer of a stream. */
  readonly meter: Meter | null;
}

/** Calls, or sends only. */
class Sender implements Program {
  readonly #thread: ModelThread;
  readonly #part: Part;
  #sequence = 0;

  constructor(thread: ModelThread, part: Part) {
    this.#thread = thread;
    this.#part = part;
  }

  resume(): void {
    const thread = this.#thread;
    const { bytes, names, meter } = this.#part;
    if (this.#sequence > 0) {
      checkSuccess(thread);
      if (meter !== null) meter.count();
    }
    this.#sequence += 1;
    const isFar = bytes > INLINE_BYTES_MAX;
    const { space } = thread.task;
    const local = meter === null ? 0 : MAKE_SEND_ONCE << 8;
    space.store32(OUT_AT + HEADER_BITS, (COPY_SEND | local | (isFar ? BITS_COMPLEX : 0)) >>> 0);
    space.store32(OUT_AT + HEADER_REMOTE, names.service);
    space.store32(OUT_AT + HEADER_LOCAL, meter === null ? 0 : names.reply);
    space.store32(isFar ? FAR_PAYLOAD_AT : PAYLOAD_AT, this.#sequence);
    if (isFar) this.#describe();
    const size = isFar ? OOL_MESSAGE_BYTES : HEADER_BYTES + bytes;
    const option = meter === null ? MACH_SEND_MSG : MACH_SEND_MSG | MACH_RCV_MSG;
    thread.trap(MACH_MSG, OUT_AT, option, size, RECEIVE_LIMIT, names.reply);
  }

  #describe(): void {
    const { space } = this.#thread.task;
    space.store32(PAYLOAD_AT, 1);
    space.store32(PAYLOAD_AT + 4, FAR_PAYLOAD_AT);
    space.store32(PAYLOAD_AT + 8, 0);
    space.store32(PAYLOAD_AT + 12, (MACH_MSG_VIRTUAL_COPY << 8) | (OOL_DESCRIPTOR << 24));
    space.store32(PAYLOAD_AT + 16, this.#part.bytes);
  }
}

/** Replies and receives, or receives only. */
class Receiver implements Program {
  readonly #thread: ModelThread;
  readonly #part: Part;
  #sequence = 0;
  #next: 'receive' | 'take' | 'reply' = 'receive';

  constructor(thread: ModelThread, part: Part) {
    this.#thread = thread;
    this.#part = part;
  }

  resume(): void {
    const thread = this.#thread;
    if (this.#next === 'receive') {
      this.#next = 'take';
      return thread.trap(MACH_MSG, IN_AT, MACH_RCV_MSG, 0, RECEIVE_LIMIT, this.#part.names.own);
    }
    checkSuccess(thread);
    if (this.#next === 'reply') return this.#reply();
    this.#take();
  }

  #take(): void {
    const thread = this.#thread;
    const { bytes, meter } = this.#part;
    const { space } = thread.task;
    const isFar = bytes > INLINE_BYTES_MAX;
    const at = isFar ? space.load32(IN_AT + HEADER_BYTES + 4) : IN_AT + HEADER_BYTES;
    this.#sequence += 1;
    if (bytes > 0) checkSequence(space.load32(at), this.#sequence);
    if (isFar) {
      this.#next = 'reply';
      return thread.trap(VM_DEALLOCATE, at, bytes);
    }
    if (meter === null) return this.#reply();
    meter.count();
    thread.trap(MACH_MSG, IN_AT, MACH_RCV_MSG, 0, RECEIVE_LIMIT, this.#part.names.own);
  }

  /** And receives the next request in the same system call. */
  #reply(): void {
    const thread = this.#thread;
    this.#next = 'take';
    // The reply right has come as the remote port of the request, and is moved back.
    thread.task.space.store32(IN_AT + HEADER_BITS, MOVE_SEND_ONCE);
    thread.task.space.store32(IN_AT + HEADER_LOCAL, 0);
    const option = MACH_SEND_MSG | MACH_RCV_MSG;
    thread.trap(MACH_MSG, IN_AT, option, HEADER_BYTES, RECEIVE_LIMIT, this.#part.names.own);
  }
}

/** Mach's errors are positive. */
function checkSuccess(thread: ModelThread): void {
  if (thread.result !== MACH_MSG_SUCCESS) {
    throw new Error(`Mach: result 0x${thread.result.toString(16)} of call ${thread.callNumber}`);
  }
}
