/**
 * The driver's side of a split virtqueue (virtio 1.2 §2.7), for requests of one header and one
 * buffer.
 *
 * Everything that does not change from request to request is written once, when the queue is made:
 * each *chain* is a header descriptor linked to a buffer descriptor, with headers in memory of
 * their own, and per request only the buffer's address and length are stored. With
 * VIRTIO_F_INDIRECT_DESC a chain is a table of two descriptors outside the ring, so that the ring
 * holds as many requests as it has entries, instead of half as many.
 *
 * The device is not trusted. What is outstanding is remembered in private memory; the descriptor
 * table is never read back. An impossible used ring is answered with one of the `LIE_…` values,
 * after which the driver resets the device and makes a new queue. Ownership: a buffer is the
 * device's from {@link Virtqueue.post} until {@link Virtqueue.take} or {@link Virtqueue.reclaim}
 * answers it, exactly once.
 */

import * as misuse from '../../memory/misuse.ts';
import type { Ram } from '../../memory/ram.ts';
import { open, type Region } from '../../memory/region.ts';
import { partsOf, Sealed } from '../../memory/sealed.ts';
import { smallInteger } from '../../memory/small-integer.ts';
import * as wrapping from '../../memory/wrapping.ts';
import * as books from './books.ts';
import {
  HEADER_STRIDE,
  layChain,
  VIRTQ_USED_F_NO_NOTIFY,
  VirtqAvail,
  VirtqDesc,
  virtqueueLayout,
  VirtqUsed,
} from './split-ring.ts';

/**
 * Words from one header to the next, and from one buffer descriptor to the next: 2 to these powers.
 */
const HEADER_SHIFT = 2;
const HEADER_WORDS = 1 << HEADER_SHIFT;
const HEADER_HALF_MASK = (HEADER_STRIDE >>> 1) - 1;
const BUFFER_SHIFT = 3;

// Folded constants, of functions, too: docs/hot-code.md.
const demand: typeof misuse.demand = misuse.demand;
const { distance16 } = wrapping;
const { SHADOW_SHIFT, SHADOW_HIGH, SHADOW_LEN, SHADOW_OUTSTANDING, PLAIN, HEADED } = books;

/** `take()`: nothing to take. */
export const NONE = -1;
/** `take()`: the used index is further ahead than requests are outstanding. */
export const LIE_USED_INDEX = -2;
/**
 * `take()`: an id that is not the head of an outstanding chain: out of range, not a head, or given
 * back already.
 */
export const LIE_USED_ID = -3;
/**
 * `take()`: more bytes written than the chain has. The chain is taken; its buffer is in the
 * `taken…` fields.
 */
export const LIE_USED_LENGTH = -4;

/** Where the driver's side of a virtqueue lies, and what has been negotiated for it. */
export interface VirtqueueOptions {
  /** Memory that driver and device share. */
  readonly region: Region;
  /** Byte in the region where the rings begin; a multiple of 16. */
  readonly ringsOffset: number;
  /** Byte in the region where headers and tables begin; a multiple of 16. */
  readonly chainsOffset: number;
  /** Physical address of the region, below 2^53. */
  readonly paddr: number;
  /** Entries of the ring: a power of two up to 32,768. */
  readonly entries: number;
  readonly headerBytes: number;
  /** Who writes headers and buffers. */
  readonly writer: 'driver' | 'device';
  /** VIRTIO_F_INDIRECT_DESC has been negotiated. */
  readonly indirect: 'yes' | 'no';
  /** VIRTIO_F_EVENT_IDX has been negotiated. */
  readonly eventIndex: 'yes' | 'no';
}

/** Where a queue's parts lie: offsets in RAM. */
interface Placement extends books.Books {
  readonly options: VirtqueueOptions;
  readonly ram: Ram;
  /** Added to an offset in RAM, gives a physical address. */
  readonly toPaddr: number;
  readonly entries: number;
  readonly chains: number;
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  readonly headers: number;
  readonly tables: number;
  /**
   * The buffer descriptor of chain 0; chain i has descriptors 2i and 2i+1, of the ring or of the
   * tables.
   */
  readonly buffers: number;
  /** Chain to head: a direct chain's head is its even descriptor. */
  readonly headShift: number;
}

function place(options: VirtqueueOptions): Placement {
  wrapping.demandCapacity(options.entries, 16);
  const { ringsOffset, chainsOffset, headerBytes } = options;
  demand(ringsOffset % 16 === 0, `rings at offset ${ringsOffset} are not aligned to 16 bytes`);
  demand(chainsOffset % 16 === 0, `chains at offset ${chainsOffset} are not aligned to 16 bytes`);
  demand(
    headerBytes <= HEADER_STRIDE,
    `a header of ${headerBytes} bytes is above ${HEADER_STRIDE}`,
  );
  const entries = smallInteger(options.entries);
  const layout = virtqueueLayout(entries);
  const { ram, at } = open(options.region);
  const desc = at + part(options, options.ringsOffset, layout.ringsBytes);
  const headers = at + part(options, options.chainsOffset, layout.chainsBytes);
  ram.fill(desc, 0, layout.ringsBytes);
  ram.fill(headers, 0, layout.chainsBytes);
  const isIndirect = options.indirect === 'yes';
  const chains = isIndirect ? entries : entries >>> 1;
  const tables = headers + entries * HEADER_STRIDE;
  return {
    ...books.makeBooks(ram, chains),
    options,
    ram,
    toPaddr: options.paddr - at,
    entries,
    chains,
    desc,
    avail: desc + layout.avail,
    used: desc + layout.used,
    headers,
    tables,
    buffers: (isIndirect ? tables : desc) + VirtqDesc.SIZE,
    headShift: isIndirect ? 0 : 1,
  };
}

/**
 * The driver's handle of one virtqueue: posts buffers, and takes each back once.
 *
 * @throws Misuse from the constructor when the region does not hold the queue; from {@link post}
 * without {@link room}
 */
export class Virtqueue extends Sealed<Placement> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly entries: number = partsOf(this).entries;
  /** Most requests that can be outstanding: a power of two. */
  readonly chains: number = partsOf(this).chains;
  /** Physical addresses of the three parts, for the device's registers. */
  readonly descPaddr: number = partsOf(this).desc + partsOf(this).toPaddr;
  readonly availPaddr: number = partsOf(this).avail + partsOf(this).toPaddr;
  readonly usedPaddr: number = partsOf(this).used + partsOf(this).toPaddr;
  /** What {@link take} or {@link reclaim} took last: the buffer's address as it was posted. */
  takenLow = 0;
  takenHigh = 0;
  /** Bytes that the device says it has written, header included, and never more than it could. */
  takenBytes = 0;

  readonly #u16: Uint16Array = partsOf(this).ram.u16;
  readonly #i32: Int32Array = partsOf(this).ram.i32;
  readonly #store16: (at: number, value: number) => void = partsOf(this).ram.store16;
  readonly #headerBytes: number = partsOf(this).options.headerBytes;
  readonly #writer: 'driver' | 'device' = partsOf(this).options.writer;
  readonly #indirect = partsOf(this).options.indirect === 'yes';
  readonly #eventIndex = partsOf(this).options.eventIndex === 'yes';
  readonly #mask: number = this.entries - 1;
  /** Whatever chain a program asks for, it stays inside the queue. */
  readonly #chainMask: number = this.chains - 1;
  readonly #headShift: number = partsOf(this).headShift;
  // Indices of the parts in #i32 (words) and #u16 (halfwords).
  readonly #availIdx: number = (partsOf(this).avail + VirtqAvail.idx.offset) >>> 1;
  readonly #availRing: number = (partsOf(this).avail + VirtqAvail.SIZE) >>> 1;
  readonly #usedEvent: number = this.#availRing + this.entries;
  readonly #usedIdx: number = (partsOf(this).used + VirtqUsed.idx.offset) >>> 1;
  readonly #usedRing: number = (partsOf(this).used + VirtqUsed.SIZE) >>> 2;
  readonly #availEvent: number = (this.#usedRing + 2 * this.entries) * 2;
  readonly #headerWord: number = partsOf(this).headers >>> 2;
  readonly #bufferWord: number = partsOf(this).buffers >>> 2;
  readonly #free: Uint16Array = partsOf(this).free;
  readonly #shadow: Int32Array = partsOf(this).shadow;
  #freeCount = this.chains;
  #nextAvail = 0;
  #publishedAvail = 0;
  #nextUsed = 0;
  /** Used entries known to be there, from the last look at the device's index. */
  #left = 0;

  constructor(options: VirtqueueOptions) {
    const placement = place(options);
    super(placement);
    const { ram, toPaddr } = placement;
    for (let chain = 0; chain < this.chains; chain += 1) {
      layChain(ram.view, options, placement, toPaddr, chain);
    }
  }

  /** Requests that can be posted now. */
  get room(): number {
    return this.#freeCount;
  }

  /** Requests that the device has. */
  get outstanding(): number {
    return this.chains - this.#freeCount;
  }

  /**
   * How many finished requests have been taken, in 16 bits: stands still while the device finishes
   * nothing.
   */
  get takenCount(): number {
    return this.#nextUsed;
  }

  /**
   * Gives the device a buffer, to be published with the batch. The caller has seen that there is
   * room.
   *
   * @param low low half of the buffer's physical address, a signed 32-bit number
   */
  post(low: number, high: number, len: number): void {
    demand(this.#freeCount > 0, 'no chain is free');
    const left = (this.#freeCount - 1) | 0;
    this.#freeCount = left;
    const chain = (this.#free[left] as number) & this.#chainMask;
    const at = this.#bufferWord + (chain << BUFFER_SHIFT);
    const i32 = this.#i32;
    const shadow = this.#shadow;
    const known = chain << SHADOW_SHIFT;
    i32[at] = low;
    shadow[known] = low;
    // Mostly they are those of the chain's last request, and the descriptor has them already.
    if (shadow[known | SHADOW_HIGH] !== high) {
      i32[at + 1] = high;
      shadow[known | SHADOW_HIGH] = high;
    }
    if (shadow[known | SHADOW_LEN] !== len) {
      i32[at + 2] = len;
      shadow[known | SHADOW_LEN] = len;
    }
    shadow[known | SHADOW_OUTSTANDING] = PLAIN;
    this.#u16[this.#availRing + (this.#nextAvail & this.#mask)] = chain << this.#headShift;
    this.#nextAvail = (this.#nextAvail + 1) & 0xffff;
  }

  /**
   * As {@link post}, behind a header that is not all zeros. It is again when the request is over.
   *
   * @param header halfwords, as many as a header has
   */
  postHeaded(low: number, high: number, len: number, header: Uint16Array): void {
    demand(this.#freeCount > 0, 'no chain is free');
    demand(header.length * 2 <= HEADER_STRIDE, 'a header is longer than there is room for it');
    const chain = (this.#free[this.#freeCount - 1] as number) & this.#chainMask;
    this.#u16.set(header, (this.#headerWord + (chain << HEADER_SHIFT)) << 1);
    this.post(low, high, len);
    this.#shadow[(chain << SHADOW_SHIFT) | SHADOW_OUTSTANDING] = HEADED;
  }

  /** Number of the slot of the available ring that is filled next, in 16 bits. */
  get cursor(): number {
    return this.#nextAvail;
  }

  /** Ends a batch: a loop has posted `count` requests (`net/loops/to-device.ts`). */
  advance(count: number): void {
    demand(count <= this.#freeCount, 'a batch has more requests than there are free chains');
    this.#freeCount -= count;
    this.#nextAvail = (this.#nextAvail + count) & 0xffff;
  }

  /**
   * Makes everything posted since the last time available, with one ordered store.
   *
   * @returns whether the device asks to be notified of it (§2.7.10)
   */
  publish(): boolean {
    const before = this.#publishedAvail;
    const now = this.#nextAvail;
    if (now === before) return false;
    this.#publishedAvail = now;
    this.#store16(this.#availIdx << 1, now);
    // After the store above: the device stores its event index and then looks at the available
    // index.
    if (this.#eventIndex) {
      const event = this.#u16[this.#availEvent] as number;
      return distance16(now, event + 1) < distance16(now, before);
    }
    return ((this.#u16[this.#usedIdx - 1] as number) & VIRTQ_USED_F_NO_NOTIFY) === 0;
  }

  /**
   * Takes the next finished request, into the `taken…` fields.
   *
   * @returns its chain, {@link NONE}, or one of the `LIE_…` values
   */
  take(): number {
    if (this.#left === 0) {
      const pending = distance16(this.#u16[this.#usedIdx] as number, this.#nextUsed);
      if (pending === 0) return NONE;
      if (pending > this.chains - this.#freeCount) return LIE_USED_INDEX;
      this.#left = pending;
    }
    const at = this.#usedRing + ((this.#nextUsed & this.#mask) << 1);
    const id = this.#i32[at] as number;
    const bytes = this.#i32[at + 1] as number;
    const chain = this.#indirect ? id : id >> 1;
    // A direct chain's head is its even descriptor. A negative number is one above 2^31.
    const isHead = this.#indirect || (id & 1) === 0;
    if (chain >>> 0 >= this.chains || !isHead) return LIE_USED_ID;
    const shadow = this.#shadow;
    const known = chain << SHADOW_SHIFT;
    if (shadow[known | SHADOW_OUTSTANDING] === 0) return LIE_USED_ID;
    this.#nextUsed = (this.#nextUsed + 1) & 0xffff;
    this.#left -= 1;
    this.#release(chain);
    const len = shadow[known | SHADOW_LEN] as number;
    const most = this.#writer === 'device' ? this.#headerBytes + len : 0;
    if (bytes < 0 || bytes > most) {
      this.takenBytes = most;
      return LIE_USED_LENGTH;
    }
    this.takenBytes = bytes;
    return chain;
  }

  /**
   * @returns how many finished requests are known to be there; 0 as well when the device's index is
   * a lie
   */
  finished(): number {
    if (this.#left > 0) return this.#left;
    const pending = distance16(this.#u16[this.#usedIdx] as number, this.#nextUsed);
    if (pending <= this.chains - this.#freeCount) this.#left = pending;
    return this.#left;
  }

  /** Ends a batch: a loop has taken the `count` next finished requests. */
  advanceFinished(count: number): void {
    demand(count <= this.#left, 'a batch takes more than there was');
    this.#nextUsed = (this.#nextUsed + count) & 0xffff;
    this.#left -= count;
    this.#freeCount += count;
  }

  /**
   * Asks the device for an interrupt at the next used buffer (§2.7.7.1). Look again afterwards: see
   * `signal.ts`. Without VIRTIO_F_EVENT_IDX it always interrupts.
   */
  requestInterrupt(): void {
    if (this.#eventIndex) this.#store16(this.#usedEvent << 1, this.#nextUsed);
  }

  /** @returns whether the device's index says that there is something to take */
  hasUsed(): boolean {
    return this.#left > 0 || this.#u16[this.#usedIdx] !== this.#nextUsed;
  }

  /** @returns halfword `index` of the header of a chain */
  header16(chain: number, index: number): number {
    const word = this.#headerWord + ((chain & this.#chainMask) << HEADER_SHIFT);
    return this.#u16[(word << 1) + (index & HEADER_HALF_MASK)] as number;
  }

  /**
   * Takes back one buffer that the device still has, into the `taken…` fields. Only after the
   * device has been reset.
   *
   * @returns false when none is left
   */
  reclaim(): boolean {
    for (let chain = 0; chain < this.chains; chain += 1) {
      if (this.#shadow[(chain << SHADOW_SHIFT) | SHADOW_OUTSTANDING] === 0) continue;
      this.#release(chain);
      this.#left = 0;
      this.takenBytes = 0;
      return true;
    }
    return false;
  }

  #release(chain: number): void {
    const shadow = this.#shadow;
    const known = chain << SHADOW_SHIFT;
    if (shadow[known | SHADOW_OUTSTANDING] === HEADED) {
      const at = this.#headerWord + (chain << HEADER_SHIFT);
      this.#i32.fill(0, at, at + HEADER_WORDS);
    }
    shadow[known | SHADOW_OUTSTANDING] = 0;
    this.#free[this.#freeCount] = chain;
    this.#freeCount += 1;
    this.takenLow = shadow[known] as number;
    this.takenHigh = shadow[known | SHADOW_HIGH] as number;
  }
}

/** @returns the offset, once it is sure that the region holds the part */
function part(options: VirtqueueOptions, offset: number, lengthBytes: number): number {
  const { sizeBytes } = options.region;
  const isHeld = offset >= 0 && lengthBytes <= sizeBytes - offset;
  demand(isHeld, `a region of ${sizeBytes} bytes does not hold ${lengthBytes} at offset ${offset}`);
  return offset;
}
