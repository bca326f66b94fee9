/** The response queue of the block class: one producer, one consumer. See `ring.ts`. */

import type { Region } from '../../memory/region.ts';
import { partsOf } from '../../memory/sealed.ts';
import {
  BlkResponseLayout,
  RESPONSE_ENTRIES,
  RESPONSE_HEAD,
  RESPONSE_TAIL,
  responseQueueBytes,
} from './layout.ts';
import { RingConsumer, type RingLayout, RingProducer } from './ring.ts';

/** Where the parts of such a queue are. */
export const RESPONSE_RING: RingLayout = {
  head: RESPONSE_HEAD,
  tail: RESPONSE_TAIL,
  entries: RESPONSE_ENTRIES,
  entryBytes: BlkResponseLayout.SIZE,
  bytes: responseQueueBytes,
  entryName: 'responses',
};
const STATUS = BlkResponseLayout.status.offset / 4;
const COUNT = BlkResponseLayout.successCount.offset / 4;
const ID = BlkResponseLayout.id.offset / 4;

/** One response, as its consumer copies it out: a copy that the producer cannot change any more. */
export interface BlkResponse {
  /** `BLK_OK` or an error; see `layout.ts`. */
  status: number;
  /**
   * Blocks transferred, counted from the first; on an error the blocks before the one that failed.
   */
  successCount: number;
  /** That of the request. */
  id: number;
}

/** @returns a record to be filled by {@link BlkResponseConsumer.dequeue}, again and again */
export function emptyResponse(): BlkResponse {
  return { status: 0, successCount: 0, id: 0 };
}

/** The producer's end: the driver, or the virtualiser towards a client. */
export class BlkResponseProducer extends RingProducer {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #u32: Uint32Array = partsOf(this).ram.u32;

  constructor(region: Region, capacity: number) {
    super(region, capacity, RESPONSE_RING);
  }

  /** Adds a response; the consumer sees it after `publish`. There must be a free slot. */
  enqueue(status: number, successCount: number, id: number): void {
    const at = this.takeSlot();
    const u32 = this.#u32;
    u32[at + STATUS] = status;
    u32[at + COUNT] = successCount;
    u32[at + ID] = id;
  }
}

/** The consumer's end: a client, or the virtualiser towards the driver. */
export class BlkResponseConsumer extends RingConsumer {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #u32: Uint32Array = partsOf(this).ram.u32;

  constructor(region: Region, capacity: number) {
    super(region, capacity, RESPONSE_RING);
  }

  /** Copies the oldest response out, each field read once. There must be one: see `available`. */
  dequeue(into: BlkResponse): void {
    const at = this.takeSlot();
    const u32 = this.#u32;
    into.status = u32[at + STATUS] as number;
    into.successCount = (u32[at + COUNT] as number) & 0xffff;
    into.id = u32[at + ID] as number;
  }
}
