/** The transmit side of the virtio NIC (virtio 1.2 §5.1.6.2): chains to frames. */

import type { Ram } from '../../memory/ram.ts';
import { LazyLoop } from '../../memory/lazy-loop.ts';
import { DevicePart } from '../device.ts';
import {
  type EthernetWire,
  FRAME_BYTES_MIN,
  frameBytesMaxOf,
  TAGS_BYTES_MAX,
  WIRE_BYTES_MAX,
} from '../ethernet.ts';
import { checksumAdd, checksumFinish } from '../internet-checksum.ts';
import type { ChainLoop } from './chain-loops.ts';
import { type DeviceQueue, NO_CHAIN } from './device-queue.ts';
import { type NetCounters, NET_DROP_TEXT, type NetDrop } from './net-counters.ts';
import { LIST_HEADER_BYTES, LISTED_BYTES, netLoops } from './net-loops.ts';
import {
  NetHeader,
  VIRTIO_NET_HDR_F_NEEDS_CSUM,
  VIRTIO_NET_HDR_GSO_NONE,
} from './net-registers.ts';

// Folded constants: docs/hot-code.md.
const FULL_HEADER_BYTES = NetHeader.SIZE;
const BYTES_MIN = FRAME_BYTES_MIN;
const TYPE_AT = 12;
const NONE = NO_CHAIN;
/** Of a header's first word: flags, and type of segmentation; both are 0 for a plain frame. */
const FLAGS_AND_TYPE = 0xffff;

export interface NetTransmitterOptions {
  readonly queue: DeviceQueue;
  readonly ram: Ram;
  readonly wire: EthernetWire;
  readonly counters: NetCounters;
  /** Frames sent in one turn, at most. */
  readonly framesPerTurn: number;
  /** Of a frame without tags. */
  readonly frameBytesMax: number;
}

export class NetTransmitter extends DevicePart<NetTransmitterOptions> {
  /** VIRTIO_NET_F_CSUM was negotiated: the driver may ask for checksums. */
  completesChecksums = false;
  /** Bytes of the header, by what was negotiated. */
  headerBytes: number = FULL_HEADER_BYTES;
  readonly #queue: DeviceQueue = this.options.queue;
  readonly #ram: Ram = this.options.ram;
  readonly #i32: Int32Array = this.options.ram.i32;
  readonly #wire: EthernetWire = this.options.wire;
  readonly #counters: NetCounters = this.options.counters;
  readonly #framesPerTurn: number = this.options.framesPerTurn;
  readonly #bytesMax: number = this.options.frameBytesMax;
  readonly #loop: ChainLoop | undefined =
    this.options.ram.batches === 'wasm'
      ? new LazyLoop(this.options.ram, netLoops, 'send')
      : undefined;
  readonly #listAt: number =
    this.options.ram.takeStaging(LIST_HEADER_BYTES + this.options.framesPerTurn * LISTED_BYTES) +
    LIST_HEADER_BYTES;
  /**
   * A frame that does not lie in one piece, or must be changed, is put together here, behind its
   * header.
   */
  readonly #gatherAt: number = this.options.ram.takeStaging(FULL_HEADER_BYTES + WIRE_BYTES_MAX);

  /**
   * Sends what the driver has made available.
   * @returns 'more' when the turn ended before the queue did
   */
  readonly work = (): 'more' | 'done' => {
    const queue = this.#queue;
    const linkUp = this.#wire.linkUp();
    queue.disableNotify();
    for (let sent = linkUp ? this.#transmitListed() : 0; sent < this.#framesPerTurn; sent++) {
      if (linkUp && this.#transmitPlain()) continue;
      let head = queue.pop();
      // Asks to be notified, and looks again: what was made available in between must not wait for
      // ever.
      if (head === NO_CHAIN && queue.enableNotify()) head = queue.pop();
      if (head === NO_CHAIN) return 'done';
      if (linkUp) this.#transmit();
      else this.#drop('txLinkDown');
      queue.push(head, 0);
    }
    return 'more';
  };

  /** Sends frames as long as nothing special comes. @returns how many */
  #transmitListed(): number {
    const loop = this.#loop;
    if (loop === undefined || this.headerBytes !== FULL_HEADER_BYTES) return 0;
    const listAt = this.#listAt;
    const sent = this.#queue.runLoop(loop, this.#framesPerTurn, listAt, this.#bytesMax);
    if (sent === 0) return 0;
    const wire = this.#wire;
    const i32 = this.#i32;
    this.#counters.txFrames += sent;
    this.#counters.txBytes += i32[(listAt - LIST_HEADER_BYTES) >>> 2] as number;
    let index = 0;
    while (index < sent) {
      index += wire.transmitListed?.(listAt + LISTED_BYTES * index, sent - index) ?? 0;
      if (index === sent) break;
      const word = (listAt >>> 2) + (index << 1);
      wire.transmit(i32[word] as number, i32[(word + 1) | 0] as number);
      index += 1;
    }
    return sent;
  }

  /**
   * What nearly every chain is: a buffer with a plain header, and one with the frame.
   *
   * @returns false, without effect, for any other chain, which is for
   * {@link NetTransmitter.#transmit} to judge
   */
  readonly #transmitPlain = (): boolean => {
    const queue = this.#queue;
    const head = queue.popPair();
    if (head === NONE) return false;
    const { pair } = queue;
    const frameBytes = pair.secondBytes;
    if (
      pair.direction !== 0 ||
      (pair.firstAt & 3) !== 0 ||
      pair.firstBytes !== this.headerBytes ||
      frameBytes < BYTES_MIN ||
      frameBytes > this.#bytesMax ||
      ((this.#i32[pair.firstAt >> 2] as number) & FLAGS_AND_TYPE) !== 0
    ) {
      queue.unpop(head);
      return false;
    }
    this.#counters.txFrames += 1;
    this.#counters.txBytes += frameBytes;
    this.#wire.transmit(pair.secondAt, frameBytes);
    queue.push(head, 0);
    return true;
  };

  #transmit(): void {
    const queue = this.#queue;
    const frameBytes = queue.readableBytes - this.headerBytes;
    if (queue.chainState !== 'good') return this.#drop('txBadChain');
    if (frameBytes < 0) return this.#drop('txBadHeader');
    if (frameBytes < FRAME_BYTES_MIN) return this.#drop('txTooShort');
    if (frameBytes > this.#bytesMax + TAGS_BYTES_MAX) return this.#drop('txTooLong');
    let headerAt = queue.segmentAt(0);
    let frameAt = headerAt + this.headerBytes;
    if (queue.readable === 2 && queue.segmentLength(0) === this.headerBytes) {
      frameAt = queue.segmentAt(1);
    } else if (queue.readable > 1) {
      headerAt = this.#gather();
      frameAt = headerAt + this.headerBytes;
    }
    if (frameBytes > this.#bytesMax && frameBytes > this.#longest(frameAt)) {
      return this.#drop('txTooLong');
    }
    // Flags, type of segmentation and header length at once: all but the length are 0 in a plain
    // frame.
    const first = this.#ram.view.getUint32(headerAt, true);
    if ((first & FLAGS_AND_TYPE) !== 0) {
      frameAt = this.#completeChecksum(first, headerAt, frameAt, frameBytes);
      if (frameAt < 0) return this.#drop('txBadHeader');
    }
    this.#counters.txFrames += 1;
    this.#counters.txBytes += frameBytes;
    this.#wire.transmit(frameAt, frameBytes);
  }

  /** How long the frame may be, by its tags. */
  #longest(frameAt: number): number {
    return frameBytesMaxOf(this.#ram.u8, frameAt + TYPE_AT, this.#bytesMax);
  }

  /**
   * @returns where the frame lies with its checksum, -1 when the header asks for something this
   * device does not do
   */
  #completeChecksum(first: number, headerAt: number, frameAt: number, frameBytes: number): number {
    const view = this.#ram.view;
    const flags = first & 0xff;
    const start = NetHeader.csumStart.get(view, headerAt);
    const fieldAt = start + NetHeader.csumOffset.get(view, headerAt);
    if (((first >>> 8) & 0xff) !== VIRTIO_NET_HDR_GSO_NONE) return -1;
    // §5.1.6.2.2: other flags are to be ignored.
    if ((flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) === 0) return frameAt;
    if (!this.completesChecksums || fieldAt + 2 > frameBytes) return -1;
    const copyAt = this.#gatherAt + this.headerBytes;
    if (frameAt !== copyAt) this.#ram.copy(copyAt, frameAt, frameBytes);
    // The field holds the sum of the pseudo header already.
    const sum = checksumAdd(this.#ram.u8, copyAt + start, frameBytes - start, 0);
    view.setUint16(copyAt + fieldAt, checksumFinish(sum) || 0xffff, false);
    return copyAt;
  }

  /** Puts the readable part together. @returns where */
  #gather(): number {
    let to = this.#gatherAt;
    for (let i = 0; i < this.#queue.readable; i++) {
      const lengthBytes = this.#queue.segmentLength(i);
      this.#ram.copy(to, this.#queue.segmentAt(i), lengthBytes);
      to += lengthBytes;
    }
    return this.#gatherAt;
  }

  #drop(reason: NetDrop): void {
    this.#counters.drops[reason] += 1;
    const frameBytes = this.#queue.readableBytes - this.headerBytes;
    const shown = reason === 'txLinkDown' || reason === 'txBadHeader' || reason === 'txTooShort';
    // Only what can be put together is shown to captures.
    if (!shown || this.#queue.chainState !== 'good') return;
    if (frameBytes <= 0 || frameBytes > WIRE_BYTES_MAX) return;
    this.#wire.dropTransmit(this.#gather() + this.headerBytes, frameBytes, NET_DROP_TEXT[reason]);
  }
}
