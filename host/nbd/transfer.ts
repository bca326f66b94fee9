/**
 * One request of a client on its way through the block class, cut into parts, so that no request
 * takes more memory than a part, however long it is.
 *
 *     READ          parts in order, one at a time when there are several: each goes out before the next is begun
 *     WRITE         a part whenever its payload is complete
 *     WRITE_ZEROES  the odd bytes at both ends as writes, what is between as ranges
 *     TRIM          ranges
 *     FLUSH         one part
 */

import { BLK_TRANSFER_BYTES } from '../../queues/blk/layout.ts';
import * as P from './protocol.ts';
import type { NbdRequest } from './session.ts';

/** Longest part that has data: what a request may take of memory at one time. */
export const PART_BYTES_MAX = 1 << 20;

/** Longest part without data: how long one client's turn may be. */
export const RANGE_BYTES_MAX = 16 << 20;

const BLOCK = BLK_TRANSFER_BYTES;
const EMPTY = Buffer.alloc(0);

/** What the block class is asked for at once. */
export interface Part {
  readonly type: number;
  readonly offset: number;
  readonly length: number;
  /** 'sync': what it changes is durable when it is over. */
  readonly durability: 'sync' | 'none';
  /** Of a WRITE: its bytes. Empty otherwise. */
  readonly payload: Buffer;
}

export class Transfer {
  readonly request: NbdRequest;
  /** Error of the NBD protocol that it ends with, 0 for none so far. */
  error = 0;
  /** Parts that have been begun and are not over. */
  underWay = 0;
  /** Of a WRITE: whether all of its payload has come. */
  payload: 'coming' | 'complete';
  answer: 'due' | 'given' = 'due';
  /** Of a READ: whether data of it have been sent. */
  data: 'none' | 'sent' = 'none';
  /** Whether a part has been cut. */
  hasBegun = false;
  /** Bytes from the request's offset on that parts have been cut of. */
  #cut = 0;
  /** FLUSH, and requests of no bytes, are one part though there is nothing to cut. */
  #empty: 'to do' | 'done';
  /** Filled parts of the payload. */
  readonly #payloads: Buffer[] = [];

  constructor(request: NbdRequest) {
    this.request = request;
    this.#empty = request.length === 0 || request.type === P.CMD_FLUSH ? 'to do' : 'done';
    const hasPayload = request.type === P.CMD_WRITE && request.length > 0;
    this.payload = hasPayload ? 'coming' : 'complete';
  }

  /**
   * Whether it is answered in several parts: nothing else may be said on its connection in between.
   */
  get isLongRead(): boolean {
    return this.request.type === P.CMD_READ && this.request.length > PART_BYTES_MAX;
  }

  /** Whether no part is left to be begun. After an error none is. */
  get isCut(): boolean {
    if (this.payload === 'coming') return false;
    if (this.error !== 0) return true;
    if (this.#empty === 'to do') return false;
    return this.request.type === P.CMD_FLUSH || this.#cut >= this.request.length;
  }

  get isOver(): boolean {
    return this.isCut && this.underWay === 0;
  }

  /** Bytes of the next part of a READ. */
  get nextReadBytes(): number {
    return Math.min(this.request.length - this.#cut, PART_BYTES_MAX);
  }

  /**
   * @param leftBytes of the payload
   * @returns bytes of its next part, which ends where a block does, or the payload
   */
  nextPayloadBytes(leftBytes: number): number {
    const at = this.request.offset + this.request.length - leftBytes;
    return Math.min(leftBytes, PART_BYTES_MAX - (at % BLOCK));
  }

  addPayload(bytes: Buffer): void {
    this.#payloads.push(bytes);
  }

  /** @returns the next part, or undefined when none is left, or its payload has not come */
  next(): Part | undefined {
    const { type, offset, length } = this.request;
    if (this.error !== 0) return undefined;
    if (this.#empty === 'to do') {
      this.#empty = 'done';
      return this.#part(type, 0, EMPTY);
    }
    const left = length - this.#cut;
    if (left <= 0 || type === P.CMD_FLUSH) return undefined;
    switch (type) {
      case P.CMD_READ:
        return this.#part(type, this.nextReadBytes, EMPTY);
      case P.CMD_WRITE: {
        const payload = this.#payloads.shift();
        return payload === undefined ? undefined : this.#part(type, payload.length, payload);
      }
      case P.CMD_WRITE_ZEROES:
        return this.#zeroes(offset + this.#cut, left);
      default:
        return this.#range(type, left);
    }
  }

  /** Payload that no part will take any more. @returns its bytes */
  dropPayloads(): number {
    return this.#payloads.splice(0).reduce((sum, bytes) => sum + bytes.length, 0);
  }

  /** The bytes up to the first whole block, then all whole blocks, then the rest. */
  #zeroes(at: number, left: number): Part {
    const odd = at % BLOCK;
    if (odd !== 0) return this.#zeroBytes(Math.min(left, BLOCK - odd));
    const whole = left - (left % BLOCK);
    return whole > 0 ? this.#range(P.CMD_WRITE_ZEROES, whole) : this.#zeroBytes(left);
  }

  /** Of a TRIM only whole blocks count: a part that ends amid a block would spare that block. */
  #range(type: number, length: number): Part {
    const odd = (this.request.offset + this.#cut) % BLOCK;
    return this.#part(type, Math.min(length, RANGE_BYTES_MAX - odd), EMPTY);
  }

  #zeroBytes(length: number): Part {
    return this.#part(P.CMD_WRITE, length, Buffer.alloc(length));
  }

  #part(type: number, length: number, payload: Buffer): Part {
    const offset = this.request.offset + this.#cut;
    this.#cut += length;
    this.underWay += 1;
    this.hasBegun = true;
    const isSync = (this.request.flags & P.CMD_FLAG_FUA) !== 0;
    return { type, offset, length, durability: isSync ? 'sync' : 'none', payload };
  }
}
