/**
 * The receive side of the virtio NIC (virtio 1.2 §5.1.6.4): frames to chains, one or, with
 * MRG_RXBUF, several.
 */

import { AssertionFailure } from '../../memory/assert.ts';
import { BATCH_LEAST, type Ram } from '../../memory/ram.ts';
import { LazyLoop } from '../../memory/lazy-loop.ts';
import { DevicePart } from '../device.ts';
import { type EthernetWire, FRAME_BYTES_MIN, frameBytesMaxOf } from '../ethernet.ts';
import type { ChainLoop } from './chain-loops.ts';
import { type DeviceQueue, NO_CHAIN } from './device-queue.ts';
import { type NetCounters, NET_DROP_TEXT, type NetDrop } from './net-counters.ts';
import type { NetFilter } from './net-filter.ts';
import { LIST_HEADER_BYTES, LISTED_BYTES, netLoops } from './net-loops.ts';
import { NetHeader, VIRTIO_NET_HDR_F_DATA_VALID } from './net-registers.ts';

// Folded constants: docs/hot-code.md.
const FULL_HEADER_BYTES = NetHeader.SIZE;
const BYTES_MIN = FRAME_BYTES_MIN;
const NONE = NO_CHAIN;
const VALID = VIRTIO_NET_HDR_F_DATA_VALID;
const ADDRESS_BYTES = 6;
const TYPE_AT = 12;
/** Two VLAN tags. */
const TAGS_BYTES = 8;

export interface NetReceiverOptions {
  readonly queue: DeviceQueue;
  readonly ram: Ram;
  readonly wire: EthernetWire;
  readonly counters: NetCounters;
  readonly filter: NetFilter;
  readonly framesPerTurn: number;
  /** Of a frame without tags. */
  readonly frameBytesMax: number;
  /** A frame for which there is no chain: lost, as on hardware, or left on the wire, as in QEMU. */
  readonly whenNoBuffer: 'drop' | 'hold';
}

export class NetReceiver extends DevicePart<NetReceiverOptions> {
  /** VIRTIO_NET_F_MRG_RXBUF was negotiated: a frame may take several chains. */
  mergesBuffers = false;
  /** Bytes of the header, by what was negotiated. */
  headerBytes: number = FULL_HEADER_BYTES;
  /**
   * Checksums are declared valid: VIRTIO_NET_F_GUEST_CSUM was negotiated, and the board is told to
   * trust the wire.
   */
  set declaresValid(isDeclared: boolean) {
    this.#flags = isDeclared ? VALID : 0;
  }

  /** Flags of every header. */
  #flags = 0;
  readonly #queue: DeviceQueue = this.options.queue;
  readonly #ram: Ram = this.options.ram;
  readonly #i32: Int32Array = this.options.ram.i32;
  readonly #wire: EthernetWire = this.options.wire;
  readonly #counters: NetCounters = this.options.counters;
  readonly #filter: NetFilter = this.options.filter;
  readonly #framesPerTurn: number = this.options.framesPerTurn;
  readonly #bytesMax: number = this.options.frameBytesMax;
  readonly #whenNoBuffer: 'drop' | 'hold' = this.options.whenNoBuffer;
  readonly #addressAt: number = this.options.ram.takeStaging(ADDRESS_BYTES);
  readonly #tagsAt: number = this.options.ram.takeStaging(TAGS_BYTES);
  readonly #loop: ChainLoop | undefined =
    this.options.ram.batches === 'wasm' && this.options.wire.listWaiting !== undefined
      ? new LazyLoop(this.options.ram, netLoops, 'receive')
      : undefined;
  readonly #listAt: number =
    this.options.ram.takeStaging(LIST_HEADER_BYTES + this.options.framesPerTurn * LISTED_BYTES) +
    LIST_HEADER_BYTES;
  // The chains that a merged frame has taken so far, and how much was written to each.
  readonly #heads: Uint16Array = new Uint16Array(this.options.queue.sizeMax);
  readonly #written: Uint16Array = new Uint16Array(this.options.queue.sizeMax);

  /**
   * Receives what waits on the wire.
   * @returns 'more' when the turn ended before the wire was empty
   */
  readonly work = (): 'more' | 'done' => {
    const wire = this.#wire;
    const linkUp = wire.linkUp();
    const bytesMax = this.#bytesMax;
    this.#queue.disableNotify();
    for (
      let received = linkUp ? this.#receiveListed() : 0;
      received < this.#framesPerTurn;
      received++
    ) {
      const lengthBytes = wire.nextLength();
      if (lengthBytes === 0) return 'done';
      if (!linkUp) this.#drop('rxLinkDown');
      else if (lengthBytes < BYTES_MIN) this.#drop('rxTooShort');
      else if (lengthBytes > bytesMax && lengthBytes > this.#longest()) this.#drop('rxTooLong');
      else if (!this.#filter.acceptsAll && !this.#isForUs()) this.#drop('rxFiltered');
      else if (this.#receivePlain(lengthBytes)) continue;
      else if (this.#receive(lengthBytes) === 'held') return 'done';
    }
    return 'more';
  };

  /** Receives what the wire can list, as long as nothing special comes. @returns how many frames */
  #receiveListed(): number {
    const wire = this.#wire;
    const loop = this.#loop;
    if (loop === undefined || wire.listWaiting === undefined) return 0;
    if (!this.#filter.acceptsAll || this.headerBytes !== FULL_HEADER_BYTES) return 0;
    const listed = wire.listWaiting(this.#listAt, this.#framesPerTurn, this.#bytesMax);
    if (listed < BATCH_LEAST) return 0;
    const received = this.#queue.runLoop(loop, listed, this.#listAt, this.#flags);
    if (received === 0) return 0;
    wire.takeListed?.(received);
    this.#counters.rxFrames += received;
    this.#counters.rxBytes += this.#i32[(this.#listAt - LIST_HEADER_BYTES) >>> 2] as number;
    return received;
  }

  /** How long the frame may be, by its tags. */
  #longest(): number {
    this.#wire.copyNext(TYPE_AT, this.#tagsAt, TAGS_BYTES);
    return frameBytesMaxOf(this.#ram.u8, this.#tagsAt, this.#bytesMax);
  }

  #isForUs(): boolean {
    this.#wire.copyNext(0, this.#addressAt, ADDRESS_BYTES);
    return this.#filter.accepts(this.#ram.u8, this.#addressAt);
  }

  /**
   * What nearly every frame finds: a chain with a buffer for the header, a full one, and one that
   * holds the frame.
   *
   * @returns false, without effect, for any other frame or chain, which is for
   * {@link NetReceiver.#receive} to judge
   */
  readonly #receivePlain = (lengthBytes: number): boolean => {
    if (this.headerBytes !== FULL_HEADER_BYTES) return false;
    const queue = this.#queue;
    const head = queue.popPair();
    if (head === NONE) return false;
    const { pair } = queue;
    if (
      pair.direction === 0 ||
      pair.firstBytes !== FULL_HEADER_BYTES ||
      (pair.firstAt & 3) !== 0 ||
      pair.secondBytes < lengthBytes
    ) {
      queue.unpop(head);
      return false;
    }
    const word = pair.firstAt >> 2;
    const i32 = this.#i32;
    i32[word] = this.#flagsOfNext();
    i32[(word + 1) | 0] = 0;
    i32[(word + 2) | 0] = 1 << 16; // num_buffers
    this.#wire.copyNext(0, pair.secondAt, lengthBytes);
    queue.push(head, FULL_HEADER_BYTES + lengthBytes);
    this.#finish(lengthBytes);
    return true;
  };

  #receive(lengthBytes: number): 'over' | 'held' {
    const queue = this.#queue;
    const head = this.#popWritable();
    if (head === NO_CHAIN) return this.#noBuffer();
    if (queue.writableBytes < this.headerBytes + lengthBytes) return this.#merge(head, lengthBytes);
    this.#write(lengthBytes);
    queue.push(head, this.headerBytes + lengthBytes);
    this.#finish(lengthBytes);
    return 'over';
  }

  /**
   * Takes the next chain that can hold a header. Chains that cannot go back to the driver with
   * nothing written.
   */
  #popWritable(): number {
    for (;;) {
      const head = this.#queue.pop();
      if (head === NO_CHAIN) return NO_CHAIN;
      if (this.#queue.chainState === 'good' && this.#queue.writableBytes >= this.headerBytes) {
        return head;
      }
      this.#counters.rxBadChains += 1;
      this.#queue.push(head, 0);
    }
  }

  /** A frame larger than its first chain, which is popped. */
  #merge(firstHead: number, lengthBytes: number): 'over' | 'held' {
    const queue = this.#queue;
    if (!this.mergesBuffers) {
      queue.unpop(firstHead);
      this.#drop('rxBufferTooSmall');
      return 'over';
    }
    this.#writeHeader();
    const numBuffersAt = [
      this.#locate(NetHeader.numBuffers.offset),
      this.#locate(NetHeader.numBuffers.offset + 1),
    ] as const;
    let done = this.#fill(this.headerBytes, 0, lengthBytes);
    let chains = 1;
    this.#heads[0] = firstHead;
    this.#written[0] = this.headerBytes + done;
    while (done < lengthBytes) {
      const head = this.#popWritable();
      if (head === NO_CHAIN) {
        while (chains > 0) queue.unpop(this.#heads[--chains] as number);
        return this.#noBuffer();
      }
      const more = this.#fill(0, done, lengthBytes - done);
      this.#heads[chains] = head;
      this.#written[chains] = more;
      chains += 1;
      done += more;
    }
    this.#ram.u8[numBuffersAt[0]] = chains & 0xff;
    this.#ram.u8[numBuffersAt[1]] = chains >>> 8;
    for (let i = 0; i < chains; i++) {
      queue.push(this.#heads[i] as number, this.#written[i] as number);
    }
    this.#finish(lengthBytes);
    return 'over';
  }

  /** Writes header and frame to the popped chain, which is long enough. */
  #write(lengthBytes: number): void {
    this.#writeHeader();
    const queue = this.#queue;
    const { headerBytes } = this;
    const first = queue.readable;
    const firstBytes = queue.segmentLength(first);
    // The two layouts that drivers use: header and frame in one buffer, or in one each.
    if (firstBytes >= headerBytes + lengthBytes) {
      this.#wire.copyNext(0, queue.segmentAt(first) + headerBytes, lengthBytes);
    } else if (firstBytes === headerBytes && queue.segmentLength(first + 1) >= lengthBytes) {
      this.#wire.copyNext(0, queue.segmentAt(first + 1), lengthBytes);
    } else {
      this.#fill(headerBytes, 0, lengthBytes);
    }
  }

  /** What the header says of the oldest frame that waits. */
  #flagsOfNext(): number {
    return this.#wire.nextIsChanged === true ? this.#flags & ~VALID : this.#flags;
  }

  #finish(lengthBytes: number): void {
    this.#wire.takeNext();
    this.#counters.rxFrames += 1;
    this.#counters.rxBytes += lengthBytes;
  }

  #noBuffer(): 'over' | 'held' {
    if (this.#whenNoBuffer === 'hold' && this.#queue.brokenRule === 0) {
      // When a chain has come in between, the frame is tried again in this turn.
      return this.#queue.enableNotify() ? 'over' : 'held';
    }
    this.#drop('rxNoBuffer');
    return 'over';
  }

  /** Writes the header of a plain frame in one buffer to the start of the popped chain. */
  #writeHeader(): void {
    const first = this.#queue.readable;
    const flags = this.#flagsOfNext();
    const { headerBytes } = this;
    const { view } = this.#ram;
    if (this.#queue.segmentLength(first) >= headerBytes) {
      const at = this.#queue.segmentAt(first);
      view.setUint32(at, flags, true);
      view.setUint32(at + 4, 0, true);
      view.setUint16(at + 8, 0, true);
      if (headerBytes === FULL_HEADER_BYTES) view.setUint16(at + 10, 1, true); // num_buffers
      return;
    }
    for (let i = 0; i < headerBytes; i++) {
      this.#ram.u8[this.#locate(i)] = i === 0 ? flags : i === NetHeader.numBuffers.offset ? 1 : 0;
    }
  }

  /** @returns where byte `index` of the popped chain's writable part lies */
  #locate(index: number): number {
    const queue = this.#queue;
    let left = index;
    for (let i = queue.readable; i < queue.segments; i++) {
      if (left < queue.segmentLength(i)) return queue.segmentAt(i) + left;
      left -= queue.segmentLength(i);
    }
    throw new AssertionFailure('the chain is long enough');
  }

  /**
   * Copies the waiting frame from byte `from` on to the popped chain's writable part behind its
   * first `skip` bytes.
   *
   * @returns the bytes copied: `lengthBytes`, or as many as the chain holds
   */
  #fill(skip: number, from: number, lengthBytes: number): number {
    const queue = this.#queue;
    let left = skip;
    let done = 0;
    for (let i = queue.readable; i < queue.segments && done < lengthBytes; i++) {
      const room = queue.segmentLength(i) - left;
      if (room <= 0) {
        left = -room;
        continue;
      }
      const part = room < lengthBytes - done ? room : lengthBytes - done;
      this.#wire.copyNext(from + done, queue.segmentAt(i) + left, part);
      done += part;
      left = 0;
    }
    return done;
  }

  #drop(reason: NetDrop): void {
    this.#counters.drops[reason] += 1;
    this.#wire.dropNext(NET_DROP_TEXT[reason]);
  }
}
