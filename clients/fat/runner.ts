/**
 * Runs block tasks on a connection of the block class: one wish at a time, each a request; the
 * response resumes the task.
 */

import type { Region } from '../../memory/region.ts';
import type { ProtectionDomain } from '../../microkit/pd.ts';
import { type BlkEnd, closeBlkEnd, openBlkEnd } from '../../queues/blk/blk-end.ts';
import type { BlkClientConfig } from '../../queues/blk/config.ts';
import {
  BLK_ERR_IO,
  BLK_ERR_NO_DEVICE,
  BLK_FLUSH,
  BLK_OK,
  BLK_READ,
  BLK_TRANSFER_BYTES,
  BLK_WRITE,
} from '../../queues/blk/layout.ts';
import { BlkRequestProducer } from '../../queues/blk/request-queue.ts';
import { BlkResponseConsumer, emptyResponse } from '../../queues/blk/response-queue.ts';
import { type BlockTask, type BlockWish, FatError } from './block-io.ts';

const NOTHING = new Uint8Array(0);

/** How a task has ended. */
export type Outcome<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly error: FatError };

export class BlockRunner {
  readonly #pd: Pick<ProtectionDomain, 'region' | 'notify'>;
  readonly #channel: number;
  readonly #requests: BlkRequestProducer;
  readonly #responses: BlkResponseConsumer;
  readonly #end: BlkEnd;
  readonly #data: Region;
  readonly #response = emptyResponse();
  /** Resumes the task with the status of its request. */
  #resume: ((status: number) => void) | undefined;

  constructor(pd: Pick<ProtectionDomain, 'region' | 'notify'>, config: BlkClientConfig) {
    const { virt, data } = config;
    this.#pd = pd;
    this.#channel = virt.channel;
    this.#requests = new BlkRequestProducer(pd.region(virt.requestQueue), virt.capacity);
    this.#responses = new BlkResponseConsumer(pd.region(virt.responseQueue), virt.capacity);
    this.#end = { connection: virt, requests: this.#requests, responses: this.#responses };
    this.#data = pd.region(data.region);
  }

  /** Whether no task may be started: one is under way, or the virtualiser is down. */
  get isBusy(): boolean {
    return this.#resume !== undefined || this.#requests.isClosed;
  }

  /** The virtualiser is down. What it had been asked for ends with {@link open}. */
  close(): void {
    closeBlkEnd(this.#pd, this.#end);
  }

  /** The virtualiser runs again: a request that was under way has failed, as far as we can know. */
  open(): void {
    openBlkEnd(this.#end);
    this.#answered(BLK_ERR_IO);
  }

  /** Starts a task; none may be running. `ended` is called once, perhaps before this returns. */
  run<Result>(task: BlockTask<Result>, ended: (outcome: Outcome<Result>) => void): void {
    this.#advance(() => task.next(NOTHING), task, ended);
  }

  /** The virtualiser has notified. */
  notified(): void {
    const response = this.#response;
    for (let left = this.#responses.available(); left > 0; left -= 1) {
      this.#responses.dequeue(response);
      this.#responses.release();
      this.#answered(response.status);
    }
  }

  #answered(status: number): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.(status);
  }

  #advance<Result>(
    step: () => IteratorResult<BlockWish, Result>,
    task: BlockTask<Result>,
    ended: (outcome: Outcome<Result>) => void,
  ): void {
    let next: IteratorResult<BlockWish, Result>;
    try {
      next = step();
    } catch (error) {
      if (!(error instanceof FatError)) throw error;
      return ended({ kind: 'failed', error });
    }
    if (next.done === true) return ended({ kind: 'done', result: next.value });
    const wish = next.value;
    this.#resume = (status) => {
      this.#advance(() => this.#answer(task, wish, status), task, ended);
    };
    this.#send(wish);
  }

  /** Resumes the task with what it wished for, or throws into it that it cannot be had. */
  #answer<Result>(
    task: BlockTask<Result>,
    wish: BlockWish,
    status: number,
  ): IteratorResult<BlockWish, Result> {
    if (status !== BLK_OK) {
      const why = status === BLK_ERR_NO_DEVICE ? 'no device' : `I/O error (${wish.kind})`;
      return task.throw(new FatError(why));
    }
    if (wish.kind !== 'read') return task.next(NOTHING);
    const bytes = new Uint8Array(wish.count * BLK_TRANSFER_BYTES);
    this.#data.read(0, bytes);
    return task.next(bytes);
  }

  #send(wish: BlockWish): void {
    switch (wish.kind) {
      case 'read':
        this.#requests.enqueue(BLK_READ, 0, wish.block, wish.count, 0);
        break;
      case 'write':
        this.#data.write(0, wish.bytes);
        this.#requests.enqueue(BLK_WRITE, 0, wish.block, wish.bytes.length / BLK_TRANSFER_BYTES, 0);
        break;
      case 'flush':
        this.#requests.enqueue(BLK_FLUSH, 0, 0, 0, 0);
        break;
    }
    this.#requests.publish();
    this.#pd.notify(this.#channel);
  }
}
