/** QNX: MsgSend, MsgReceive and MsgReply. A stream is messages that are replied to at once. */

import {
  CHANNEL_CREATE,
  CONNECT_ATTACH,
  IOV_LENGTH,
  MSG_RECEIVE,
  MSG_REPLY,
  MSG_SEND,
} from '../../ipc-models/qnx/abi.ts';
import { Qnx } from '../../ipc-models/qnx/qnx.ts';
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

/** Of the first channel of a process, and of its first connection. */
const CHID = 1;
const COID = 0;
const IOV_AT = ARGUMENTS_AT;

export function qnxRig(clock: RigClock, workload: Workload): IpcRig {
  const { kernel, meter, makeTask } = startModel(clock);
  void new Qnx(kernel);
  const bytes = WORKLOAD_BYTES[workload];
  const sender = makeTask('client');
  const receiver = makeTask('server');
  return modelRig({
    kernel,
    meter,
    workload,
    sender: {
      task: sender,
      *setUp(thread) {
        writeIov(thread, OUT_AT, bytes);
        yield [CONNECT_ATTACH, 0, receiver.pid, CHID];
        checkResult(thread, 'ConnectAttach');
      },
      start: (thread) => new Client(thread, meter, bytes),
    },
    receiver: {
      task: receiver,
      *setUp(thread) {
        writeIov(thread, IN_AT, Math.max(64, bytes));
        yield [CHANNEL_CREATE, 0];
        checkResult(thread, 'ChannelCreate');
      },
      start: (thread) => new Server(thread, bytes),
    },
  });
}

function writeIov(thread: ModelThread, base: number, length: number): void {
  thread.task.space.store32(IOV_AT, base);
  thread.task.space.store32(IOV_AT + IOV_LENGTH, length);
}

class Client implements Program {
  readonly #thread: ModelThread;
  readonly #meter: Meter;
  readonly #parts: number;
  #sequence = 0;

  constructor(thread: ModelThread, meter: Meter, bytes: number) {
    this.#thread = thread;
    this.#meter = meter;
    this.#parts = bytes === 0 ? 0 : 1;
  }

  resume(): void {
    const thread = this.#thread;
    if (this.#sequence > 0) {
      checkResult(thread, 'MsgSend');
      this.#meter.count();
    }
    this.#sequence += 1;
    thread.task.space.store32(OUT_AT, this.#sequence);
    thread.trap(MSG_SEND, COID, IOV_AT, this.#parts, 0, 0);
  }
}

class Server implements Program {
  readonly #thread: ModelThread;
  readonly #bytes: number;
  #next: 'receive' | 'reply' = 'receive';
  #sequence = 0;

  constructor(thread: ModelThread, bytes: number) {
    this.#thread = thread;
    this.#bytes = bytes;
  }

  resume(): void {
    const thread = this.#thread;
    if (this.#next === 'receive') {
      this.#next = 'reply';
      return thread.trap(MSG_RECEIVE, CHID, IOV_AT, 1, 0);
    }
    const rcvid = checkResult(thread, 'MsgReceive');
    this.#sequence += 1;
    if (this.#bytes > 0) checkSequence(thread.task.space.load32(IN_AT), this.#sequence);
    this.#next = 'receive';
    thread.trap(MSG_REPLY, rcvid, 0, 0, 0);
  }
}
