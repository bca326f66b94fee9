/**
 * One port of the switch: its queues, and what becomes of the buffers that it has sent. A buffer is
 * somewhere else until every port that was given it has returned it: each has a reference count,
 * and who holds it is remembered, so that only a port that holds a buffer can return it.
 */

import type { ReadonlyRegion, Region } from '../../../memory/region.ts';
import { BufferReader } from '../../../queues/net/buffer-view.ts';
import type { NetVswitchPort } from '../../../queues/net/config.ts';
import { type NetEnd, openNetEnd } from '../../../queues/net/net-end.ts';
import { NET_BUFFER_BYTES, NetConsumer, NetProducer } from '../../../queues/net/queue.ts';
import { bufferAtOffset, offsetOfBuffer } from '../data.ts';

export interface PortParts {
  readonly number: number;
  readonly config: NetVswitchPort;
  readonly ports: number;
  readonly region: (name: string) => Region;
  readonly readonlyRegion: (name: string) => ReadonlyRegion;
  /** Reference counts of all ports, and where this port's begin. */
  readonly refs: Region;
  readonly refsFrom: number;
}

export class Port {
  readonly number: number;
  readonly rxChannel: number;
  readonly txChannel: number;
  /** Frames from the port. */
  readonly sent: NetConsumer;
  readonly sentFree: NetProducer;
  /** Frames to the port. */
  readonly given: NetProducer;
  readonly givenFree: NetConsumer;
  readonly txEnd: NetEnd;
  readonly rxEnd: NetEnd;
  readonly buffers: number;
  /** By port: whether it may be reached from this one. */
  readonly reach: readonly boolean[];
  readonly frame: BufferReader;
  /** Buffers of this port that are somewhere else. */
  out = 0;
  /** For each port, 1 for each of this port's buffers that it holds. */
  readonly #holds: readonly Uint8Array[];
  /**
   * Buffers that were somewhere else when who had sent them was started again: it counts them among
   * its own already.
   */
  readonly #orphans = new Set<number>();
  readonly #refs: Region;
  readonly #refsFrom: number;

  constructor(parts: PortParts) {
    const { config, region } = parts;
    const { rx, tx, txData } = config;
    this.number = parts.number;
    this.rxChannel = rx.channel;
    this.txChannel = tx.channel;
    this.sent = new NetConsumer(region(tx.activeQueue), tx.capacity);
    this.sentFree = new NetProducer(region(tx.freeQueue), tx.capacity);
    this.given = new NetProducer(region(rx.activeQueue), rx.capacity);
    this.givenFree = new NetConsumer(region(rx.freeQueue), rx.capacity);
    this.txEnd = { connection: tx, out: this.sentFree, in: this.sent };
    this.rxEnd = { connection: rx, out: this.given, in: this.givenFree };
    this.buffers = txData.buffers;
    this.reach = Array.from({ length: parts.ports }, (_, other) => config.reach.includes(other));
    this.frame = new BufferReader(parts.readonlyRegion(txData.region), txData.buffers);
    this.#holds = Array.from({ length: parts.ports }, () => new Uint8Array(txData.buffers));
    this.#refs = parts.refs;
    this.#refsFrom = parts.refsFrom;
    this.#refs.fill(parts.refsFrom, 0, txData.buffers);
  }

  /** @returns the buffer of this port that begins at an offset, or `NO_BUFFER` */
  indexOf(low: number, high: number): number {
    return bufferAtOffset(low, high, this.buffers * NET_BUFFER_BYTES);
  }

  isOut(index: number): boolean {
    return this.#refs.read8(this.#refsFrom + index) !== 0;
  }

  /** Gives this port's buffer to another. @returns whether there was room for it */
  giveTo(other: Port, index: number, len: number): boolean {
    if (!other.given.enqueue(offsetOfBuffer(index), 0, len, this.number)) return false;
    const holds = this.#holds[other.number] as Uint8Array;
    holds[index] = 1;
    const refs = this.#refs.read8(this.#refsFrom + index);
    if (refs === 0) this.out += 1;
    this.#refs.write8(this.#refsFrom + index, refs + 1);
    return true;
  }

  /** Another port returns this port's buffer. @returns what came of it */
  takeBack(other: Port, index: number): 'not held' | 'held by others' | 'back' | 'lost' {
    const holds = this.#holds[other.number] as Uint8Array;
    if (holds[index] === 0) return 'not held';
    holds[index] = 0;
    const refs = this.#refs.read8(this.#refsFrom + index) - 1;
    this.#refs.write8(this.#refsFrom + index, refs);
    if (refs > 0) return 'held by others';
    this.out -= 1;
    // One that is down begins with all of its buffers; of an orphan, it has begun with it.
    if (this.#orphans.delete(index) || this.sentFree.isClosed) return 'back';
    return this.sentFree.enqueue(offsetOfBuffer(index), 0, 0, 0) ? 'back' : 'lost';
  }

  /** Whoever sends here is down, and some of its buffers are not back yet. */
  get isWaitedFor(): boolean {
    return this.out > 0 && this.sentFree.isClosed;
  }

  /** Whoever sends here runs again. */
  openSent(): void {
    openNetEnd(this.txEnd);
    if (this.out === 0) return;
    for (let index = 0; index < this.buffers; index += 1) {
      if (this.isOut(index)) this.#orphans.add(index);
    }
  }

  /** An orphan that is sent goes back to its owner like any other. */
  adopt(index: number): void {
    this.#orphans.delete(index);
  }

  /** Another port, which is down, returns whatever it holds of this one. @returns how many */
  takeAllBack(other: Port): number {
    const holds = this.#holds[other.number] as Uint8Array;
    let taken = 0;
    for (const [index, held] of holds.entries()) {
      if (held === 0) continue;
      this.takeBack(other, index);
      taken += 1;
    }
    return taken;
  }

  get lies(): number {
    return this.sent.lies + this.sentFree.lies + this.given.lies + this.givenFree.lies;
  }
}
