/**
 * What the mechanisms of inter-process communication have in common here: workloads, a count of
 * messages, counters.
 */

/**
 * `null` to `64 KiB`: a request of so many bytes, and an empty reply. `stream`: 64 bytes one way,
 * to a slow consumer.
 */
export const WORKLOADS = ['null', '64 B', '4 KiB', '64 KiB', 'stream'] as const;
export type Workload = (typeof WORKLOADS)[number];

export const WORKLOAD_BYTES: Readonly<Record<Workload, number>> = {
  null: 0,
  '64 B': 64,
  '4 KiB': 4096,
  '64 KiB': 65_536,
  stream: 64,
};

/**
 * Messages that may wait in a stream, wherever the mechanism has room for any: the queue is always
 * full.
 */
export const STREAM_DEPTH = 8;

/** Totals since the start. */
export interface IpcCounts {
  /** Times that the payload of a message was moved. */
  readonly copies: number;
  readonly bytesCopied: number;
  /** Memory that the kernel has taken for itself, given back or not. */
  readonly kernelBytes: number;
  readonly kernelEntries: number;
  readonly switches: number;
  /**
   * Names (capability pointers, descriptors, port names, thread ids …) that were translated into
   * objects.
   */
  readonly lookups: number;
  /** Page table entries written. */
  readonly pageMappings: number;
}

/** Counts messages, and tells when a certain one is done. */
export class Meter {
  messages = 0;
  #mark = Infinity;
  #onMark: () => void = () => undefined;

  /** The client has its reply, or the consumer of a stream its message. */
  count(): void {
    this.messages += 1;
    if (this.messages === this.#mark) this.#onMark();
  }

  callAt(messages: number, onMark: () => void): void {
    this.#mark = messages;
    this.#onMark = onMark;
  }
}

/** One mechanism under one workload: a kernel with two threads that do nothing else. */
export interface IpcRig {
  readonly meter: Meter;
  /** Runs until a time of the rig's own clock. */
  run(untilNs: number): void;
  now(): number;
  counts(): IpcCounts;
  /** Most kernel memory that was in use at one time. */
  peakBytes(): number;
}

export type RigClock = 'virtual' | 'host';
export type MakeRig = (clock: RigClock, workload: Workload) => IpcRig;

/** @throws Error when a message is not the one that was due: the mechanism has lost or mixed one */
export function checkSequence(found: number, due: number): void {
  if (found !== due) throw new Error(`message ${found} has come, but ${due} was due`);
}

/** The priorities of a server and its client: the server outranks it. */
export const SERVER_PRIORITY = 110;
export const CLIENT_PRIORITY = 100;
/** Of a stream's ends: the producer always goes first, so that the consumer is the slow one. */
export const PRODUCER_PRIORITY = 110;
export const CONSUMER_PRIORITY = 100;

/** The priorities of the two sides. */
export function prioritiesOf(workload: Workload): { sender: number; receiver: number } {
  return workload === 'stream'
    ? { sender: PRODUCER_PRIORITY, receiver: CONSUMER_PRIORITY }
    : { sender: CLIENT_PRIORITY, receiver: SERVER_PRIORITY };
}
