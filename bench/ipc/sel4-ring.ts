/**
 * What sDDF does: buffers lie in memory that both sides see, queues of descriptors say which are
 * filled and which are free, and notifications wake the other side. The payload is written and read
 * where it lies.
 */

import { OBJECT_NOTIFICATION, SYS_NB_SEND_RECV, SYS_WAIT } from '../../kernel/abi.ts';
import type { UserContext } from '../../kernel/user.ts';
import { Region } from '../../memory/region.ts';
import { NetConsumer, netQueueBytes, NetProducer } from '../../queues/net/queue.ts';
import {
  checkSequence,
  type IpcRig,
  type Meter,
  type RigClock,
  STREAM_DEPTH,
  type Workload,
  WORKLOAD_BYTES,
} from './rig.ts';
import {
  DATA_AT,
  makeCall,
  QUEUES_AT,
  type Sel4Call,
  type Sel4Side,
  sel4Rig,
  trapLast,
} from './sel4-rig.ts';

/** Buffers of the stream lie this far apart. */
const BUFFER_BYTES = 2048;
const DATA_OFFSET = DATA_AT - QUEUES_AT;
const QUEUE_BYTES = (netQueueBytes(STREAM_DEPTH) + 63) & ~63;

export function sel4RingRig(clock: RigClock, workload: Workload): IpcRig {
  const slots = { toSender: 0, toReceiver: 0 };
  const isStream = workload === 'stream';
  const bytes = WORKLOAD_BYTES[workload];
  return sel4Rig({
    clock,
    workload,
    server: 'active',
    prepare: (rig) => {
      slots.toSender = rig.make(OBJECT_NOTIFICATION);
      slots.toReceiver = rig.make(OBJECT_NOTIFICATION);
    },
    sender: (side, meter) => {
      const end = new Sender(side, { bytes, own: slots.toSender, peer: slots.toReceiver });
      return isStream ? new Producer(end) : new Client(end, meter);
    },
    receiver: (side, meter) => {
      const ends = { bytes, own: slots.toReceiver, peer: slots.toSender };
      return new Receiver(side, isStream ? meter : null, ends);
    },
  });
}

interface Ends {
  readonly bytes: number;
  /** Notifications: the one that this side waits for, and the other's. */
  readonly own: number;
  readonly peer: number;
}

function queueRegion(side: Sel4Side, index: number): Region {
  const offset = index * QUEUE_BYTES;
  const { ram, sharedAt } = side;
  return new Region({
    ram,
    at: sharedAt + offset,
    sizeBytes: QUEUE_BYTES,
    vaddr: QUEUES_AT + offset,
  });
}

const ACTIVE = 0;
const FREE = 1;

/** One system call: tells the other side, and waits to be told. Both names are looked up. */
function signalAndWait({ thread, tally }: Sel4Side, call: Sel4Call): void {
  tally.lookups += 2;
  trapLast(thread, call);
}

function callOf({ own, peer }: Ends): Sel4Call {
  return makeCall({ sys: SYS_NB_SEND_RECV, cptr: own, dest: peer });
}

/** The side that fills buffers. */
class Sender {
  readonly active: NetProducer;
  readonly free: NetConsumer;
  readonly #side: Sel4Side;
  readonly #bytes: number;
  readonly #call: Sel4Call;
  #sequence = 0;

  constructor(side: Sel4Side, ends: Ends) {
    this.#side = side;
    this.#bytes = ends.bytes;
    this.#call = callOf(ends);
    this.active = new NetProducer(queueRegion(side, ACTIVE), STREAM_DEPTH);
    this.free = new NetConsumer(queueRegion(side, FREE), STREAM_DEPTH);
  }

  /**
   * A buffer of 64 KiB is too long for the length of a network descriptor: it travels in the high
   * half of the offset.
   */
  fill(offset: number): void {
    this.#sequence += 1;
    const { ram, sharedAt } = this.#side;
    ram.u32[(sharedAt + DATA_OFFSET + offset) >> 2] = this.#sequence;
    this.active.enqueue(offset, this.#bytes, 0, 0);
  }

  send(): void {
    this.active.publish();
    signalAndWait(this.#side, this.#call);
  }
}

class Client implements UserContext {
  readonly #end: Sender;
  readonly #meter: Meter;
  #hasSent = false;

  constructor(end: Sender, meter: Meter) {
    this.#end = end;
    this.#meter = meter;
  }

  resume(): void {
    const { free } = this.#end;
    if (this.#hasSent) {
      if (!free.dequeue()) throw new Error('the client was woken without a reply');
      free.publish();
      this.#meter.count();
    }
    this.#hasSent = true;
    this.#end.fill(0);
    this.#end.send();
  }
}

class Producer implements UserContext {
  readonly #end: Sender;
  #isFirst = true;

  constructor(end: Sender) {
    this.#end = end;
  }

  resume(): void {
    const { free } = this.#end;
    if (this.#isFirst) {
      for (let i = 0; i < STREAM_DEPTH; i += 1) this.#end.fill(i * BUFFER_BYTES);
    }
    this.#isFirst = false;
    while (free.dequeue()) this.#end.fill(free.low);
    free.publish();
    this.#end.send();
  }
}

/** The side that takes filled buffers, and gives them back empty. */
class Receiver implements UserContext {
  readonly #side: Sel4Side;
  /** Of the consumer of a stream, which counts. */
  readonly #meter: Meter | null;
  /** At first there is nobody to signal: one signal too many would always be on its way. */
  #call: Sel4Call;
  readonly #next: Sel4Call;
  readonly #active: NetConsumer;
  readonly #free: NetProducer;
  #sequence = 0;

  constructor(side: Sel4Side, meter: Meter | null, ends: Ends) {
    this.#side = side;
    this.#meter = meter;
    this.#call = makeCall({ sys: SYS_WAIT, cptr: ends.own });
    this.#next = callOf(ends);
    this.#active = new NetConsumer(queueRegion(side, ACTIVE), STREAM_DEPTH);
    this.#free = new NetProducer(queueRegion(side, FREE), STREAM_DEPTH);
  }

  resume(): void {
    const { ram, sharedAt } = this.#side;
    while (this.#active.dequeue()) {
      this.#sequence += 1;
      const { low, high } = this.#active;
      checkSequence(ram.u32[(sharedAt + DATA_OFFSET + low) >> 2] as number, this.#sequence);
      this.#free.enqueue(low, high, 0, 0);
      if (this.#meter !== null) this.#meter.count();
    }
    this.#active.publish();
    this.#free.publish();
    signalAndWait(this.#side, this.#call);
    this.#call = this.#next;
  }
}
