/**
 * seL4's call and reply-and-receive. A message has 120 words at most: what is longer goes in
 * several calls, and is not what this is made for. A stream is sends without replies.
 */

import {
  MESSAGE_LENGTH_MAX,
  messageInfo,
  OBJECT_ENDPOINT,
  OBJECT_REPLY,
  REG_A2,
  SYS_CALL,
  SYS_RECV,
  SYS_REPLY_RECV,
  SYS_SEND,
  SYS_WAIT,
} from '../../kernel/abi.ts';
import type { UserContext } from '../../kernel/user.ts';
import {
  checkSequence,
  type IpcRig,
  type Meter,
  type RigClock,
  type Workload,
  WORKLOAD_BYTES,
} from './rig.ts';
import { makeCall, type Sel4Call, type Sel4Side, sel4Rig, trapLast } from './sel4-rig.ts';

const WORD_BYTES = 8;
const CALL_BYTES_MAX = MESSAGE_LENGTH_MAX * WORD_BYTES;

export function sel4CallRig(clock: RigClock, workload: Workload): IpcRig {
  const slots = { endpoint: 0, reply: 0 };
  const isStream = workload === 'stream';
  const bytes = WORKLOAD_BYTES[workload];
  return sel4Rig({
    clock,
    workload,
    server: isStream ? 'active' : 'passive',
    prepare: (rig) => {
      slots.endpoint = rig.make(OBJECT_ENDPOINT);
      slots.reply = rig.make(OBJECT_REPLY);
    },
    sender: (side, meter) =>
      new Sender(side, isStream ? null : meter, { bytes, endpoint: slots.endpoint }),
    receiver: (side, meter) =>
      isStream ? new Consumer(side, meter, slots.endpoint) : new Server(side, { bytes, ...slots }),
  });
}

/** Calls, or sends only. */
class Sender implements UserContext {
  readonly #side: Sel4Side;
  /** Of a client, which counts its replies. */
  readonly #meter: Meter | null;
  readonly #bytes: number;
  readonly #call: Sel4Call;
  #left = 0;
  #sequence = 0;

  constructor(side: Sel4Side, meter: Meter | null, options: { bytes: number; endpoint: number }) {
    this.#side = side;
    this.#meter = meter;
    this.#bytes = options.bytes;
    const sys = meter === null ? SYS_SEND : SYS_CALL;
    this.#call = makeCall({ sys, cptr: options.endpoint });
  }

  resume(): void {
    if (this.#left <= 0) {
      if (this.#meter !== null && this.#sequence > 0) this.#meter.count();
      this.#left = this.#bytes;
    }
    const length = Math.min(this.#left, CALL_BYTES_MAX);
    // A message of no bytes is one call too.
    this.#left -= Math.max(1, length);
    this.#sequence += 1;
    const { thread, tally } = this.#side;
    if (length > 0) tally.copies += 1;
    tally.bytesCopied += length;
    tally.lookups += 1;
    this.#call.info = messageInfo(0, 0, length / WORD_BYTES);
    this.#call.word = this.#sequence;
    trapLast(thread, this.#call);
  }
}

class Server implements UserContext {
  readonly #side: Sel4Side;
  readonly #bytes: number;
  readonly #call: Sel4Call;
  #sequence = -1;

  constructor(side: Sel4Side, options: { bytes: number; endpoint: number; reply: number }) {
    this.#side = side;
    this.#bytes = options.bytes;
    this.#call = makeCall({ sys: SYS_RECV, cptr: options.endpoint, reply: options.reply });
  }

  resume(): void {
    const { thread, tally } = this.#side;
    this.#sequence += 1;
    if (this.#sequence > 0 && this.#bytes > 0) {
      checkSequence(thread.regs[REG_A2 << 1] as number, this.#sequence);
    }
    // The endpoint, and the reply object.
    tally.lookups += 2;
    trapLast(thread, this.#call);
    this.#call.sys = SYS_REPLY_RECV;
  }
}

class Consumer implements UserContext {
  readonly #side: Sel4Side;
  readonly #meter: Meter;
  readonly #call: Sel4Call;
  #sequence = -1;

  constructor(side: Sel4Side, meter: Meter, endpoint: number) {
    this.#side = side;
    this.#meter = meter;
    this.#call = makeCall({ sys: SYS_WAIT, cptr: endpoint });
  }

  resume(): void {
    const { thread, tally } = this.#side;
    this.#sequence += 1;
    if (this.#sequence > 0) {
      checkSequence(thread.regs[REG_A2 << 1] as number, this.#sequence);
      this.#meter.count();
    }
    tally.lookups += 1;
    trapLast(thread, this.#call);
  }
}
