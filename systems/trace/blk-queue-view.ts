/**
 * The block queues of a system, read from outside: entries by what they mean, whether they are
 * requests or responses.
 */

import type { Ram } from '../../memory/ram.ts';
import {
  BLK_TRANSFER_BYTES,
  BlkRequestLayout,
  BlkResponseLayout,
} from '../../queues/blk/layout.ts';
import type { RegionPlace } from './queue-probes.ts';
import type { QueueKind } from '../../queues/class.ts';
import type { QueueRecord } from '../../queues/classes.ts';

/** An entry of either queue. */
export interface BlkEntry {
  /** Free-running index: the slot is its low bits. */
  readonly index: number;
  readonly id: number;
  /** Of a request. */
  readonly code: number;
  readonly lengthBytes: number;
  /** An offset in the client's data region, or a physical address. */
  readonly offset: number;
  /** Of a response. */
  readonly status: number;
}

export class BlkQueueView {
  readonly region: string;
  readonly kind: 'request' | 'response';
  readonly capacity: number;
  readonly ram: Ram;
  readonly #kind: QueueKind;
  readonly #at: number;
  #tail: number;

  constructor(record: QueueRecord, place: RegionPlace) {
    this.region = record.region;
    this.kind = record.kind.name === 'blk request' ? 'request' : 'response';
    this.#kind = record.kind;
    this.capacity = record.capacity;
    this.ram = place.ram;
    this.#at = place.at;
    this.#tail = this.#counter(record.kind.tail);
  }

  /** @returns entries that have been put in since the last call; at most a whole round */
  takeProduced(): readonly BlkEntry[] {
    const tail = this.#counter(this.#kind.tail);
    const count = Math.min((tail - this.#tail) & 0xffff, this.capacity);
    this.#tail = tail;
    return Array.from({ length: count }, (_, i) => this.#entry((tail - count + i) & 0xffff));
  }

  /** Whether the consumer has taken out the entry of this index. */
  hasTaken(index: number): boolean {
    const behind = (this.#head - index) & 0xffff;
    return behind > 0 && behind <= this.capacity;
  }

  /** Entries in the queue before that of this index. */
  ahead(index: number): number {
    return (index - this.#head) & 0xffff;
  }

  get #head(): number {
    return this.#counter(this.#kind.head);
  }

  #counter(offset: number): number {
    return this.ram.view.getUint32(this.#at + offset, true) & 0xffff;
  }

  #entry(index: number): BlkEntry {
    const { view } = this.ram;
    const { headerBytes, entryBytes } = this.#kind;
    const at = this.#at + headerBytes + (index & (this.capacity - 1)) * entryBytes;
    if (this.kind === 'response') {
      const id = BlkResponseLayout.id.get(view, at);
      const status = BlkResponseLayout.status.get(view, at);
      return { index, id, status, code: -1, lengthBytes: 0, offset: 0 };
    }
    return {
      index,
      id: BlkRequestLayout.id.get(view, at),
      code: BlkRequestLayout.code.get(view, at),
      lengthBytes: BlkRequestLayout.count.get(view, at) * BLK_TRANSFER_BYTES,
      offset: BlkRequestLayout.offsetLow.get(view, at),
      status: 0,
    };
  }
}
