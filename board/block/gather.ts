/** Gathers the parts of operations that were split: each whole is over when all its parts are. */

import { assert } from '../../memory/assert.ts';
import type { BlockStatus } from '../block-wire.ts';
import { BLOCK_OK, BLOCK_PENDING } from '../block-wire.ts';

export class Gather {
  readonly #tags: number[] = [];
  readonly #pending: number[] = [];
  readonly #status: number[] = [];
  readonly #free: number[] = [];

  /** Begins a whole. @returns its slot, which is the tag of its parts */
  open(tag: number): number {
    const slot = this.#free.pop() ?? this.#tags.length;
    this.#tags[slot] = tag;
    this.#pending[slot] = 0;
    this.#status[slot] = BLOCK_OK;
    return slot;
  }

  /** Notes how a part has started. */
  started(slot: number, status: BlockStatus): void {
    if (status === BLOCK_PENDING) this.#pending[slot] = this.#pendingOf(slot) + 1;
    else this.#merge(slot, status);
  }

  /**
   * All parts have been started.
   * @returns the whole's status; unless it is pending, the slot is free again
   */
  close(slot: number): BlockStatus {
    return this.#pendingOf(slot) > 0 ? BLOCK_PENDING : this.#finish(slot);
  }

  /**
   * A pending part is over.
   * @returns `BLOCK_PENDING` while others are not; otherwise the whole's status, slot freed
   */
  completed(slot: number, status: BlockStatus): BlockStatus {
    assert(this.#pendingOf(slot) > 0, 'a part completes once');
    this.#pending[slot] = this.#pendingOf(slot) - 1;
    this.#merge(slot, status);
    return this.#pendingOf(slot) > 0 ? BLOCK_PENDING : this.#finish(slot);
  }

  /** The tag that {@link open} was given. */
  tag(slot: number): number {
    return this.#tags[slot] as number;
  }

  /** Forgets every whole that is open. */
  abandon(): void {
    this.#free.length = 0;
    for (let slot = this.#tags.length - 1; slot >= 0; slot -= 1) {
      this.#pending[slot] = 0;
      this.#free.push(slot);
    }
  }

  #pendingOf(slot: number): number {
    return this.#pending[slot] as number;
  }

  #merge(slot: number, status: BlockStatus): void {
    if (status !== BLOCK_OK && this.#status[slot] === BLOCK_OK) this.#status[slot] = status;
  }

  #finish(slot: number): BlockStatus {
    this.#free.push(slot);
    return this.#status[slot] as BlockStatus;
  }
}
