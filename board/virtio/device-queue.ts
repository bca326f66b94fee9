/**
 * The device's side of a split virtqueue (virtio 1.2 §2.7), with indirect descriptors and
 * EVENT_IDX.
 *
 * The driver is not trusted. Every field is read once into a local, checked, then used; a rule that
 * is broken beyond repair latches the queue as broken, and nothing is read from it again before a
 * reset. The rule numbers are those of `rules.md`.
 *
 *     const head = queue.pop();              // a chain, its segments copied out and checked
 *     …read or write queue.segmentAt(i)…
 *     queue.push(head, writtenBytes);
 *     if (queue.publish()) raise an interrupt // once per batch
 *
 * Nothing here allocates after {@link DeviceQueue.start}.
 */

import { assert } from '../../memory/assert.ts';
import { BATCH_LEAST } from '../../memory/ram.ts';
import { DevicePart, type DmaWindow } from '../device.ts';
import type { ChainLoop } from './chain-loops.ts';
import { ChainPair } from './chain-pair.ts';
import type { DeviceQueueOptions, QueueOwner } from './device-queue-options.ts';
import type { RingRanges } from './ring-ranges.ts';
import {
  availRingBytes,
  type ChainState,
  DESC_BYTES,
  DESC_WORDS,
  type NegotiatedForQueues,
  type QueueLayout,
  usedRingBytes,
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_USED_F_NO_NOTIFY,
} from './split-ring.ts';

/** {@link DeviceQueue.pop}: there is no chain, or the queue is stopped or broken. */
export const NO_CHAIN = -1;
// Folded constants: docs/hot-code.md.
const NONE = NO_CHAIN;
const WORDS = DESC_WORDS;
/** QueueReady. */
const STOPPED = 0;
const RUNNING = 1;

const CHAINS = 'virtio 1.2 §2.7.5';

export class DeviceQueue extends DevicePart<DeviceQueueOptions> {
  readonly index: number = this.options.index;
  readonly sizeMax: number = this.options.sizeMax;
  /**
   * Segments of the chain that `pop` returned; the first `readable` are device-readable, the others
   * writable.
   */
  segments = 0;
  readable = 0;
  readableBytes = 0;
  writableBytes = 0;
  chainState: ChainState = 'good';
  /** The rule of `rules.md` that broke the queue, 0 while it is whole. */
  brokenRule = 0;
  readonly #dma: DmaWindow = this.options.dma;
  readonly #rings: RingRanges = this.options.rings;
  readonly #owner: QueueOwner = this.options.owner;
  readonly #startIndex: number = this.options.startIndex ?? 0;
  readonly #u16: Uint16Array = this.options.ram.u16;
  readonly #u32: Uint32Array = this.options.ram.u32;
  readonly #view: DataView = this.options.ram.view;
  /** One descriptor of an indirect table that is not aligned to 4 bytes. */
  readonly #unaligned = new Uint32Array(DESC_WORDS);
  readonly #segmentAt: Int32Array = new Int32Array(this.options.sizeMax);
  readonly #segmentLength: Int32Array = new Int32Array(this.options.sizeMax);
  readonly #inFlight: Uint8Array = new Uint8Array(this.options.sizeMax);
  /** What {@link popPair} took. */
  readonly pair = new ChainPair(this.options);
  /** A compared number: `docs/hot-code.md`. */
  #running = STOPPED;
  /** Chains that were popped and not pushed or put back. */
  #inFlightCount = 0;
  #size = 0;
  #mask = 0;
  #descAt = 0;
  #indirect = false;
  /** 1 when chains may be pairs. A compared number. */
  #pairs = 0;
  #eventIdx = false;
  // Positions as indices into the 16-bit and 32-bit views.
  #availFlags16 = 0;
  #usedEvent16 = 0;
  #usedFlags16 = 0;
  #availEvent16 = 0;
  #usedRing32 = 0;
  // All four are 16-bit counters that wrap.
  #nextAvail = 0;
  #observedAvail = 0;
  #nextUsed = 0;
  #publishedUsed = 0;

  constructor(options: DeviceQueueOptions) {
    super(options);
    assert(options.sizeMax > 0 && options.sizeMax <= 32768, 'a virtqueue has 1 to 32768 entries');
  }

  /** QueueReady: 1. */
  get running(): boolean {
    return this.#running === RUNNING;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes the rings into use. */
  start(layout: QueueLayout): void {
    assert(layout.size > 0 && layout.size <= this.sizeMax, 'the transport checked the queue size');
    this.#size = layout.size;
    this.#mask = layout.size - 1;
    this.#descAt = layout.descAt;
    this.negotiated(layout);
    this.#availFlags16 = layout.availAt >>> 1;
    this.#usedEvent16 = (layout.availAt >>> 1) + 2 + layout.size;
    this.#usedFlags16 = layout.usedAt >>> 1;
    this.#availEvent16 = (layout.usedAt >>> 1) + 2 + 4 * layout.size;
    this.#usedRing32 = (layout.usedAt >>> 2) + 1;
    this.#rings.set(this.index, 0, layout.descAt, DESC_BYTES * layout.size);
    this.#rings.set(this.index, 1, layout.availAt, availRingBytes(layout.size));
    this.#rings.set(this.index, 2, layout.usedAt, usedRingBytes(layout.size));
    this.#nextAvail = this.#observedAvail = this.#startIndex;
    this.#nextUsed = this.#publishedUsed = this.#startIndex;
    this.#inFlight.fill(0);
    this.#inFlightCount = 0;
    this.brokenRule = 0;
    this.#running = RUNNING;
  }

  /** Features are agreed upon, which may be after {@link DeviceQueue.start}. */
  negotiated({ indirect, eventIdx }: NegotiatedForQueues): void {
    this.#indirect = indirect === 'negotiated';
    this.#pairs = this.#indirect && this.#size > 1 ? 1 : 0;
    this.#eventIdx = eventIdx === 'negotiated';
  }

  /** Leaves the rings alone from now on: QueueReady 0, or a reset. */
  stop(): void {
    this.#running = STOPPED;
    this.brokenRule = 0;
    this.segments = 0;
    this.#observedAvail = this.#nextAvail;
    this.#rings.clear(this.index);
  }

  /** Offset in RAM of a segment of the popped chain; -1 when it must not be touched. */
  segmentAt(segment: number): number {
    return this.#segmentAt[segment] as number;
  }

  /** Bytes of a segment of the popped chain; valid unless the segment is unreachable. */
  segmentLength(segment: number): number {
    return this.#segmentLength[segment] as number;
  }

  /** @returns whether `pop` would find something to look at */
  hasChain(): boolean {
    return this.#nextAvail !== this.#observedAvail || this.#observe();
  }

  /**
   * Takes the next available chain and copies its descriptors out.
   *
   * @returns the head, to be given to {@link push}, or {@link NO_CHAIN}
   */
  pop(): number {
    if (this.#nextAvail === this.#observedAvail && !this.#observe()) return NO_CHAIN;
    const slot = this.#nextAvail & this.#mask;
    const head = this.#u16[this.#availFlags16 + 2 + slot] as number;
    if (head >= this.#size) return this.fail(2, '§2.7.13', 'head is not below the queue size');
    if (this.#inFlight[head] !== 0) {
      return this.fail(7, '§2.7.13', 'head is made available while it is in flight');
    }
    if (!this.#walk(head)) return NO_CHAIN;
    this.#inFlight[head] = 1;
    this.#inFlightCount += 1;
    this.#nextAvail = (this.#nextAvail + 1) & 0xffff;
    return head;
  }

  /**
   * Takes the next available chain if it is a pair as {@link ChainPair} knows it, into {@link pair}
   * alone.
   *
   * @returns the head, or {@link NO_CHAIN}: there is none, or one of another form, which
   * {@link pop} will take or judge
   */
  popPair(): number {
    if (this.#nextAvail === this.#observedAvail && !this.#observe()) return NONE;
    const slot = this.#nextAvail & this.#mask;
    const head = this.#u16[(this.#availFlags16 + 2 + slot) | 0] as number;
    if (this.#pairs === 0 || head >= this.#size || this.#inFlight[head] !== 0) return NONE;
    if (!this.pair.read((this.#descAt >>> 2) + head * WORDS)) return NONE;
    this.#inFlight[head] = 1;
    this.#inFlightCount += 1;
    this.#nextAvail = (this.#nextAvail + 1) & 0xffff;
    return head;
  }

  /** Makes the last popped chain available again; several in the reverse of their order. */
  unpop(head: number): void {
    if (this.#running === STOPPED || this.brokenRule !== 0) return;
    assert(this.#inFlight[head] === 1, 'a chain that is put back was taken');
    this.#inFlight[head] = 0;
    this.#inFlightCount -= 1;
    this.#nextAvail = (this.#nextAvail - 1) & 0xffff;
  }

  /**
   * Adds a used element; the driver sees it after {@link publish}. Does nothing when the queue was
   * stopped meanwhile.
   *
   * @param writtenBytes bytes written to the chain
   */
  push(head: number, writtenBytes: number): void {
    if (this.#running === STOPPED) return;
    assert(this.#inFlight[head] === 1, 'a chain is used once');
    this.#inFlight[head] = 0;
    this.#inFlightCount -= 1;
    const at32 = (this.#usedRing32 + ((this.#nextUsed & this.#mask) << 1)) | 0;
    this.#u32[at32] = head;
    this.#u32[(at32 + 1) | 0] = writtenBytes;
    this.#nextUsed = (this.#nextUsed + 1) & 0xffff;
  }

  /**
   * Runs a loop over the chains that are available, all of which it uses at once.
   *
   * @param loop see `chain-loops.ts`
   * @param most chains at most
   * @param ownAt what the device keeps for the loop
   * @returns how many chains it has used; 0, too, where such a loop may not run
   */
  runLoop(loop: ChainLoop, most: number, ownAt: number, last: number): number {
    const { span } = this.#dma;
    // What is in flight may not be made available again, which the loop does not look for.
    if (span === undefined || this.#pairs === 0 || this.#inFlightCount > 0) return 0;
    if (this.#nextAvail === this.#observedAvail && !this.#observe()) return 0;
    const pending = (this.#observedAvail - this.#nextAvail) & 0xffff;
    if (pending < BATCH_LEAST) return 0;
    const used = loop.run(
      this.#descAt,
      (this.#availFlags16 + 2) << 1,
      this.#usedRing32 << 2,
      this.#mask,
      this.#nextAvail,
      this.#nextUsed,
      pending < most ? pending : most,
      ownAt,
      span.base,
      span.start,
      span.end,
      this.#rings.lowest,
      this.#rings.highest,
      last,
    );
    this.#nextAvail = (this.#nextAvail + used) & 0xffff;
    this.#nextUsed = (this.#nextUsed + used) & 0xffff;
    return used;
  }

  /**
   * Publishes the used elements pushed since the last time, with one store of the index.
   *
   * @returns whether the driver wants an interrupt for them (§2.7.7)
   */
  publish(): boolean {
    const old = this.#publishedUsed;
    const now = this.#nextUsed;
    if (now === old || this.#running === STOPPED) return false;
    // Orders the used elements before the index that covers them.
    this.#u16[this.#usedFlags16 + 1] = now;
    this.#publishedUsed = now;
    // Orders the index before the driver's wish, which it re-checks after a change.
    if (!this.#eventIdx) {
      const flags = this.#u16[this.#availFlags16] as number;
      return (flags & VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;
    }
    const event = this.#u16[this.#usedEvent16] as number;
    return ((now - event - 1) & 0xffff) < ((now - old) & 0xffff);
  }

  /**
   * Asks the driver to notify of the next available chain.
   * @returns whether there is one already: look again
   */
  enableNotify(): boolean {
    if (this.#running === STOPPED || this.brokenRule !== 0) return false;
    if (this.#eventIdx) this.#u16[this.#availEvent16] = this.#nextAvail;
    else this.#u16[this.#usedFlags16] = 0;
    // Orders the wish before the look: a chain made available in between would otherwise wait for
    // ever.
    return this.hasChain();
  }

  /** Tells the driver not to bother; it may notify all the same. */
  disableNotify(): void {
    // With EVENT_IDX the last wish stays behind, which has the same effect (§2.7.10).
    if (this.#running === RUNNING && !this.#eventIdx)
      this.#u16[this.#usedFlags16] = VIRTQ_USED_F_NO_NOTIFY;
  }

  /**
   * Latches the queue as broken.
   *
   * @param rule a rule of `rules.md`
   * @param section of virtio 1.2
   */
  fail(rule: number, section: string, what: string): typeof NO_CHAIN {
    this.brokenRule = rule;
    this.segments = 0;
    // Nothing more is seen of the rings: hasChain and pop look at these two first.
    this.#observedAvail = this.#nextAvail;
    this.#owner.queueBroken(this, rule, `virtio 1.2 ${section}`, what);
    return NO_CHAIN;
  }

  /** Reads the driver's index. @returns whether it has made a chain available */
  #observe(): boolean {
    if (this.#running === STOPPED || this.brokenRule !== 0) return false;
    const index = this.#u16[this.#availFlags16 + 1] as number;
    const pending = (index - this.#nextAvail) & 0xffff;
    if (pending > this.#size) {
      this.fail(1, '§2.7.13.3', 'available index runs ahead by more than the queue size, or back');
      return false;
    }
    this.#observedAvail = index;
    return pending !== 0;
  }

  /** Takes over what the pair reader has read. */
  #takePair(): true {
    const { firstAt, firstBytes, secondAt, secondBytes, direction } = this.pair;
    const bytes = firstBytes + secondBytes;
    this.#segmentAt[0] = firstAt;
    this.#segmentAt[1] = secondAt;
    this.#segmentLength[0] = firstBytes;
    this.#segmentLength[1] = secondBytes;
    this.chainState = 'good';
    this.segments = 2;
    this.readable = direction === 0 ? 2 : 0;
    this.readableBytes = direction === 0 ? bytes : 0;
    this.writableBytes = bytes - this.readableBytes;
    return true;
  }

  /**
   * Copies a chain's descriptors out, each once, and checks them. The innermost loop of every
   * device, hence the locals.
   *
   * @returns false when the queue is now broken
   */
  #walk(head: number): boolean {
    const size = this.#size;
    let words = this.#u32;
    let tableAt = this.#descAt;
    let entries = size;
    let depth = 0;
    let at32 = (tableAt >>> 2) + head * DESC_WORDS;
    if (this.#pairs === 1 && this.pair.read(at32)) return this.#takePair();
    let segments = 0;
    let readable = 0;
    let readableBytes = 0;
    let writableBytes = 0;
    this.chainState = 'good';
    for (;;) {
      const low = (words[at32] as number) | 0;
      const high = (words[at32 + 1] as number) | 0;
      const lengthBytes = words[at32 + 2] as number;
      const flagsAndNext = words[at32 + 3] as number;
      let index = 0;
      if ((flagsAndNext & VIRTQ_DESC_F_INDIRECT) !== 0) {
        tableAt = this.#indirectTable(low, high, lengthBytes, flagsAndNext, depth);
        if (tableAt < 0) return false;
        entries = lengthBytes / DESC_BYTES;
        depth += 1;
      } else {
        if (segments === size) return this.#broken(3, 'chain is a cycle or longer than the queue');
        let at = this.#dma.translate(low, high, lengthBytes);
        if (at < 0 || this.#rings.overlap(at, lengthBytes)) at = this.#refuseSegment();
        if (lengthBytes === 0) this.#owner.queueLint(this, CHAINS, 'a buffer of length 0');
        this.#segmentAt[segments] = at;
        this.#segmentLength[segments] = lengthBytes;
        if ((flagsAndNext & VIRTQ_DESC_F_WRITE) !== 0) {
          writableBytes += lengthBytes;
        } else {
          if (segments !== readable) this.chainState = 'misordered';
          else readable += 1;
          readableBytes += lengthBytes;
        }
        segments += 1;
        if (readableBytes + writableBytes > 0xffff_ffff) {
          return this.#broken(3, 'chain is longer than 2^32 bytes');
        }
        if ((flagsAndNext & VIRTQ_DESC_F_NEXT) === 0) break;
        index = flagsAndNext >>> 16;
        if (index >= entries) return this.#broken(2, 'next is not below the size of its table');
      }
      at32 = (tableAt >>> 2) + index * DESC_WORDS;
      if ((tableAt & 3) !== 0) {
        // Only an indirect table can lie so.
        this.#readUnaligned(tableAt + index * DESC_BYTES);
        words = this.#unaligned;
        at32 = 0;
      } else {
        words = this.#u32;
      }
    }
    this.segments = segments;
    this.readable = readable;
    this.readableBytes = readableBytes;
    this.writableBytes = writableBytes;
    return true;
  }

  #broken(rule: number, what: string): false {
    this.fail(rule, '§2.7.5', what);
    return false;
  }

  #readUnaligned(at: number): void {
    for (let i = 0; i < DESC_WORDS; i++) {
      this.#unaligned[i] = this.#view.getUint32(at + 4 * i, true);
    }
  }

  /** @returns the offset of the table in RAM, -1 when the queue is now broken */
  #indirectTable(
    low: number,
    high: number,
    lengthBytes: number,
    flags: number,
    depth: number,
  ): number {
    let wrong = '';
    if (!this.#indirect) wrong = 'INDIRECT without VIRTIO_F_INDIRECT_DESC';
    else if (depth > 0) wrong = 'an indirect table within an indirect table';
    else if ((flags & VIRTQ_DESC_F_NEXT) !== 0) wrong = 'INDIRECT together with NEXT';
    else if (lengthBytes === 0) wrong = 'an indirect table of length 0';
    else if (lengthBytes % DESC_BYTES !== 0) wrong = 'an indirect table of broken length';
    if (wrong === '') {
      const at = this.#dma.translate(low, high, lengthBytes);
      if (at >= 0) return at;
      wrong = 'an indirect table outside the DMA window';
    }
    return this.fail(4, '§2.7.5.3', wrong);
  }

  /** @returns what stands for the position of a segment that must not be touched */
  #refuseSegment(): number {
    if (this.chainState === 'good') this.chainState = 'unreachable';
    this.#owner.queueLint(this, CHAINS, 'a buffer outside the DMA window or over a ring');
    return -1;
  }
}
