/**
 * What the host has itself, to set beside the models: a message port to a worker thread, and
 * `ringbuf.js` between two threads. These are real threads: a wake-up costs what the operating
 * system takes for it. What is copied is not counted.
 */

import { Worker } from 'node:worker_threads';
import { hostNow } from '../../host/host-time.ts';
import { STREAM_DEPTH, type Workload, WORKLOAD_BYTES } from './rig.ts';

export const HOST_MECHANISMS = ['MessagePort', 'ringbuf.js'] as const;
export type HostMechanism = (typeof HOST_MECHANISMS)[number];

/** Two threads that exchange messages. */
export interface HostPair {
  /** @returns nanoseconds for each message, over about this long */
  measure(sampleNs: number): Promise<number>;
  close(): Promise<void>;
}

/** @returns a pair; undefined when the package is not installed */
export async function makeHostPair(
  mechanism: HostMechanism,
  workload: Workload,
): Promise<HostPair | undefined> {
  // Of a stream eight messages may be under way, and all of them are answered at once.
  const window = workload === 'stream' ? STREAM_DEPTH : 1;
  const message = new Uint8Array(WORKLOAD_BYTES[workload]);
  if (mechanism === 'MessagePort') return new PortPair(message, window);
  try {
    return await RingPair.make(await import('ringbuf.js'), message, window);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
      return undefined;
    }
    throw error;
  }
}

function startWorker(data: object): Worker {
  return new Worker(new URL('host-worker.mjs', import.meta.url), { workerData: data });
}

/** Repeats a round of messages until the time is over. */
async function measureRounds(
  sampleNs: number,
  window: number,
  round: () => void | Promise<void>,
): Promise<number> {
  const startedAt = hostNow();
  let rounds = 0;
  let passedNs = 0;
  while (passedNs < sampleNs) {
    await round();
    rounds += 1;
    passedNs = hostNow() - startedAt;
  }
  return passedNs / (rounds * window);
}

// ------------------------------------------------------------------------------------ message port

class PortPair implements HostPair {
  readonly #worker: Worker;
  readonly #message: Uint8Array;
  readonly #window: number;
  #onAnswer: () => void = () => undefined;
  #onFailure: (error: unknown) => void = () => undefined;

  constructor(message: Uint8Array, window: number) {
    this.#message = message;
    this.#window = window;
    this.#worker = startWorker({ mechanism: 'MessagePort', bytes: message.length, window });
    this.#worker.on('message', () => this.#onAnswer());
    this.#worker.on('error', (error) => this.#onFailure(error));
  }

  measure(sampleNs: number): Promise<number> {
    return measureRounds(sampleNs, this.#window, () => this.#round());
  }

  #round(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onAnswer = resolve;
      this.#onFailure = reject;
      for (let i = 0; i < this.#window; i += 1) {
        this.#worker.postMessage(this.#message.length === 0 ? null : this.#message);
      }
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

// -------------------------------------------------------------------------------------- ringbuf.js

const LAYOUT = {
  REQUESTS_SENT: 0,
  REPLIES_SENT: 1,
  STOP: 2,
  /** Looks before a side sleeps, and for how long at most. */
  LOOKS: 2000,
  SLEEP_MS: 100,
} as const;
const REPLY_RING_BYTES = 64;
const SLEEPS_MAX = 100;

type RingModule = typeof import('ringbuf.js');
type Ring = InstanceType<RingModule['RingBuffer']>;

class RingPair implements HostPair {
  readonly #worker: Worker;
  readonly #requests: Ring;
  readonly #replies: Ring;
  readonly #control: Int32Array;
  /** It takes one byte to say nothing. */
  readonly #message: Uint8Array;
  readonly #answer = new Uint8Array(1);
  readonly #window: number;

  static async make(module: RingModule, message: Uint8Array, window: number): Promise<RingPair> {
    const { RingBuffer } = module;
    const capacity = Math.max(1, message.length) * window;
    const shared = {
      requests: RingBuffer.getStorageForCapacity(capacity, Uint8Array),
      replies: RingBuffer.getStorageForCapacity(REPLY_RING_BYTES, Uint8Array),
      words: new SharedArrayBuffer(16),
      layout: LAYOUT,
    };
    const worker = startWorker({ mechanism: 'ringbuf.js', bytes: message.length, window, shared });
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    const requests = new RingBuffer(shared.requests, Uint8Array);
    const replies = new RingBuffer(shared.replies, Uint8Array);
    const rings = { requests, replies, control: new Int32Array(shared.words) };
    return new RingPair(worker, rings, { message, window });
  }

  private constructor(
    worker: Worker,
    rings: { requests: Ring; replies: Ring; control: Int32Array },
    work: { message: Uint8Array; window: number },
  ) {
    this.#worker = worker;
    this.#requests = rings.requests;
    this.#replies = rings.replies;
    this.#control = rings.control;
    this.#message = work.message.length === 0 ? new Uint8Array(1) : work.message;
    this.#window = work.window;
  }

  measure(sampleNs: number): Promise<number> {
    return measureRounds(sampleNs, this.#window, () => this.#round());
  }

  #round(): void {
    for (let i = 0; i < this.#window; i += 1) {
      this.#requests.push(this.#message, this.#message.length);
      Atomics.add(this.#control, LAYOUT.REQUESTS_SENT, 1);
      Atomics.notify(this.#control, LAYOUT.REQUESTS_SENT);
    }
    for (let sleeps = 0; sleeps < SLEEPS_MAX; sleeps += 1) {
      if (this.#takeAnswer()) return;
    }
    throw new Error('ringbuf.js: the other thread does not answer');
  }

  #takeAnswer(): boolean {
    for (let look = 0; look < LAYOUT.LOOKS; look += 1) {
      if (this.#replies.pop(this.#answer, 1) === 1) return true;
    }
    const seen = Atomics.load(this.#control, LAYOUT.REPLIES_SENT);
    if (this.#replies.empty()) {
      Atomics.wait(this.#control, LAYOUT.REPLIES_SENT, seen, LAYOUT.SLEEP_MS);
    }
    return false;
  }

  async close(): Promise<void> {
    Atomics.store(this.#control, LAYOUT.STOP, 1);
    Atomics.notify(this.#control, LAYOUT.REQUESTS_SENT);
    await this.#worker.terminate();
  }
}
