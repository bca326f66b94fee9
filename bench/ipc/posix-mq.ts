/**
 * POSIX message queues: one for requests and one for replies. What is longer than Linux's 8 KiB a
 * message goes in several.
 */

import {
  ATTR_MAXMSG,
  ATTR_MSGSIZE,
  MQ_OPEN,
  MQ_TIMEDRECEIVE,
  MQ_TIMEDSEND,
  MSGSIZE_MAX,
  O_CREAT,
  O_RDWR,
} from '../../ipc-models/posix-mq/abi.ts';
import { PosixMq } from '../../ipc-models/posix-mq/posix-mq.ts';
import type { ModelBody } from '../../ipc-models/generator-program.ts';
import type { ModelThread, Program } from '../../ipc-models/model-thread.ts';
import { ARGUMENTS_AT, checkResult, IN_AT, modelRig, OUT_AT, startModel } from './model-rig.ts';
import {
  checkSequence,
  type IpcRig,
  type Meter,
  type RigClock,
  STREAM_DEPTH,
  type Workload,
  WORKLOAD_BYTES,
} from './rig.ts';

const ATTRIBUTES_AT = ARGUMENTS_AT + 0x100;

export function posixMqRig(clock: RigClock, workload: Workload): IpcRig {
  const { kernel, meter, makeTask } = startModel(clock);
  void new PosixMq(kernel);
  // Both open both queues, in the same order: the descriptors are the same.
  const bytes = WORKLOAD_BYTES[workload];
  const sender = makeTask('client');
  const receiver = makeTask('server');
  const isStream = workload === 'stream';
  return modelRig({
    kernel,
    meter,
    workload,
    sender: {
      task: sender,
      setUp: openQueues,
      start: (thread) =>
        isStream ? new Producer(thread, bytes) : new Client(thread, meter, bytes),
    },
    receiver: {
      task: receiver,
      setUp: openQueues,
      start: (thread) => (isStream ? new Consumer(thread, meter) : new Server(thread, bytes)),
    },
  });
}

const REQUESTS = 0;
const REPLIES = 1;

function* openQueues(thread: ModelThread): ModelBody {
  const { space } = thread.task;
  space.store32(ATTRIBUTES_AT + ATTR_MAXMSG, STREAM_DEPTH);
  space.store32(ATTRIBUTES_AT + ATTR_MSGSIZE, MSGSIZE_MAX);
  for (const path of ['/requests\0', '/replies\0']) {
    space.write(
      ARGUMENTS_AT,
      Uint8Array.from(path, (letter) => letter.charCodeAt(0)),
    );
    yield [MQ_OPEN, ARGUMENTS_AT, O_RDWR | O_CREAT, 0o600, ATTRIBUTES_AT];
    checkResult(thread, 'mq_open');
  }
}

/** Messages that a payload takes; one of no bytes for none. */
function fragmentsOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / MSGSIZE_MAX));
}

class Client implements Program {
  readonly #thread: ModelThread;
  readonly #meter: Meter;
  readonly #bytes: number;
  /** Fragments to send; -1 while the reply is waited for. */
  #left = -1;
  #sequence = 0;

  constructor(thread: ModelThread, meter: Meter, bytes: number) {
    this.#thread = thread;
    this.#meter = meter;
    this.#bytes = bytes;
  }

  resume(): void {
    const thread = this.#thread;
    if (this.#sequence > 0) checkResult(thread, 'client');
    if (this.#left > 0) return this.#sendFragment();
    if (this.#left === 0) {
      this.#left = -1;
      return thread.trap(MQ_TIMEDRECEIVE, REPLIES, IN_AT, MSGSIZE_MAX);
    }
    if (this.#sequence > 0) this.#meter.count();
    this.#sequence += 1;
    thread.task.space.store32(OUT_AT, this.#sequence);
    this.#left = fragmentsOf(this.#bytes);
    this.#sendFragment();
  }

  #sendFragment(): void {
    const offset = (fragmentsOf(this.#bytes) - this.#left) * MSGSIZE_MAX;
    const length = Math.min(MSGSIZE_MAX, this.#bytes - offset);
    this.#left -= 1;
    this.#thread.trap(MQ_TIMEDSEND, REQUESTS, OUT_AT + offset, length);
  }
}

class Server implements Program {
  readonly #thread: ModelThread;
  readonly #bytes: number;
  readonly #fragments: number;
  /** Fragments that have come; the reply is under way when all have. */
  #come = -1;
  #sequence = 0;

  constructor(thread: ModelThread, bytes: number) {
    this.#thread = thread;
    this.#bytes = bytes;
    this.#fragments = fragmentsOf(bytes);
  }

  resume(): void {
    const thread = this.#thread;
    if (this.#come >= 0) checkResult(thread, 'server');
    this.#come += 1;
    if (this.#come === this.#fragments) {
      this.#sequence += 1;
      if (this.#bytes > 0) checkSequence(thread.task.space.load32(IN_AT), this.#sequence);
      return thread.trap(MQ_TIMEDSEND, REPLIES, OUT_AT, 0);
    }
    if (this.#come > this.#fragments) this.#come = 0;
    const at = IN_AT + this.#come * MSGSIZE_MAX;
    thread.trap(MQ_TIMEDRECEIVE, REQUESTS, at, MSGSIZE_MAX);
  }
}

class Producer implements Program {
  readonly #thread: ModelThread;
  readonly #bytes: number;
  #sequence = 0;

  constructor(thread: ModelThread, bytes: number) {
    this.#thread = thread;
    this.#bytes = bytes;
  }

  resume(): void {
    if (this.#sequence > 0) checkResult(this.#thread, 'producer');
    this.#sequence += 1;
    this.#thread.task.space.store32(OUT_AT, this.#sequence);
    this.#thread.trap(MQ_TIMEDSEND, REQUESTS, OUT_AT, this.#bytes);
  }
}

class Consumer implements Program {
  readonly #thread: ModelThread;
  readonly #meter: Meter;
  #sequence = -1;

  constructor(thread: ModelThread, meter: Meter) {
    this.#thread = thread;
    this.#meter = meter;
  }

  resume(): void {
    const thread = this.#thread;
    this.#sequence += 1;
    if (this.#sequence > 0) {
      checkResult(thread, 'consumer');
      checkSequence(thread.task.space.load32(IN_AT), this.#sequence);
      this.#meter.count();
    }
    thread.trap(MQ_TIMEDRECEIVE, REQUESTS, IN_AT, MSGSIZE_MAX);
  }
}
