/**
 * The driver's side of a split virtqueue (virtio 1.2 §2.7) for block requests: header, data, status
 * byte.
 *
 * Each chain has its header, a range (for DISCARD and WRITE_ZEROES), its status byte and its
 * descriptors at fixed places; per request only what may differ is stored. With
 * VIRTIO_F_INDIRECT_DESC the descriptors are a table outside the ring, and the ring holds as many
 * requests as it has entries.
 *
 * The device is not trusted: what is outstanding is remembered in private memory, the descriptors
 * are never read back, and a status byte that was not written reads as {@link STATUS_UNWRITTEN}. A
 * chain is the device's from `post…` until {@link BlkVirtqueue.take} or
 * {@link BlkVirtqueue.reclaim} answers it, exactly once.
 */

import { demand } from '../../memory/misuse.ts';
import type { Ram } from '../../memory/ram.ts';
import { demandRoom, open, type Region } from '../../memory/region.ts';
import { partsOf, Sealed } from '../../memory/sealed.ts';
import { smallInteger } from '../../memory/small-integer.ts';
import { struct } from '../../memory/struct.ts';
import { demandCapacity, distance16 } from '../../memory/wrapping.ts';
import { makeTable, type Table } from '../loops/table.ts';
import {
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_USED_F_NO_NOTIFY,
  VirtqAvail,
  VirtqDesc,
  VirtqUsed,
  virtqueueLayout,
} from '../virtio/split-ring.ts';
import { LIE_USED_ID, LIE_USED_INDEX, LIE_USED_LENGTH, NONE } from '../virtio/virtqueue.ts';

/** virtio 1.2 §5.2.6, before the data. */
const Header = struct(16, { type: 'u32', reserved: 'u32', sectorLow: 'u32', sectorHigh: 'u32' });
/** §5.2.6, the payload of DISCARD and WRITE_ZEROES. */
const Range = struct(16, { sectorLow: 'u32', sectorHigh: 'u32', sectors: 'u32', flags: 'u32' });

/** What the driver puts into the status byte before it posts a request. */
export const STATUS_UNWRITTEN = 0xff;

const RANGE_AT = Header.SIZE;
export const STATUS_AT = Header.SIZE + Range.SIZE;
/** Bytes of header, range and status of one chain. */
export const CHAIN_STRIDE = 48;
/** What a driver remembers of a chain, in words: they stand in memory that no device reaches. */
export const BOOK = {
  /** 1: the device has it. */
  outstanding: 0,
  writableBytes: 1,
  /** Where in the chain the status byte's descriptor is. */
  lastPosition: 2,
} as const;
/** Words from one chain to the next: 2 to this power. */
export const BOOK_SHIFT = 2;
const DESC_WORDS = VirtqDesc.SIZE / 4;
const TWO_32 = 0x1_0000_0000;
const PER_TWO_32 = 2 ** -32;

/** Where the request queue of a disk lies, and what has been negotiated for it. */
export interface BlkVirtqueueOptions {
  /** Memory that driver and device share. */
  readonly region: Region;
  /** Physical address of the region, below 2^53. */
  readonly paddr: number;
  /** Entries of the ring: a power of two up to 32,768. */
  readonly entries: number;
  /** Most data segments of a request. */
  readonly segments: number;
  /** Largest data segment, in bytes. */
  readonly segmentBytes: number;
  /** VIRTIO_F_INDIRECT_DESC has been negotiated. */
  readonly indirect: 'yes' | 'no';
  /** VIRTIO_F_EVENT_IDX has been negotiated. */
  readonly eventIndex: 'yes' | 'no';
}

interface Layout {
  readonly avail: number;
  readonly used: number;
  readonly chains: number;
  readonly tables: number;
  readonly sizeBytes: number;
}

function layOut(options: Pick<BlkVirtqueueOptions, 'entries' | 'segments'>): Layout {
  const { entries } = options;
  const { avail, used, ringsBytes: chains } = virtqueueLayout(entries);
  const tables = chains + entries * CHAIN_STRIDE;
  const tableBytes = (options.segments + 2) * VirtqDesc.SIZE;
  return { avail, used, chains, tables, sizeBytes: tables + entries * tableBytes };
}

/** @returns bytes of shared memory that such a queue needs */
export function blkVirtqueueBytes(options: { entries: number; segments: number }): number {
  return layOut(options).sizeBytes;
}

/** Where a queue's parts lie: offsets in RAM. */
interface Placement {
  readonly options: BlkVirtqueueOptions;
  readonly ram: Ram;
  readonly chains: number;
  readonly ringAt: number;
  readonly availAt: number;
  readonly usedAt: number;
  readonly chainsAt: number;
  readonly availPaddr: number;
  readonly usedPaddr: number;
  readonly chainsLow: number;
  readonly regionHigh: number;
  /** Byte in the region where tables begin. */
  readonly tablesOffset: number;
  /** Of chain 0's descriptors, and from one chain's to the next's. */
  readonly descriptorsAt: number;
  readonly descriptorsStride: number;
  readonly free: Table;
  readonly books: Table;
}

function place(options: BlkVirtqueueOptions): Placement {
  const { entries, segments, indirect, paddr } = options;
  demandCapacity(entries, 16);
  demand(segments >= 1, `a request of ${segments} data segments`);
  const layout = layOut(options);
  demandRoom(options.region, layout.sizeBytes, `a queue of ${entries} descriptors`);
  const isIndirect = indirect === 'yes';
  const perChain = segments + 2;
  const chains = smallInteger(isIndirect ? entries : Math.floor(entries / perChain));
  demand(chains > 0, `a ring of ${entries} descriptors holds no request of ${segments} segments`);
  demand((paddr % TWO_32) + layout.sizeBytes <= TWO_32, 'a queue lies across 4 GiB');
  const { ram, at } = open(options.region);
  ram.fill(at, 0, layout.sizeBytes);
  return {
    options,
    ram,
    chains,
    ringAt: at,
    availAt: at + layout.avail,
    usedAt: at + layout.used,
    chainsAt: at + layout.chains,
    availPaddr: paddr + layout.avail,
    usedPaddr: paddr + layout.used,
    chainsLow: (paddr + layout.chains) | 0,
    regionHigh: Math.floor(paddr / TWO_32),
    tablesOffset: layout.tables,
    descriptorsAt: at + (isIndirect ? layout.tables : 0),
    descriptorsStride: perChain * VirtqDesc.SIZE,
    free: makeTable(ram, chains),
    books: makeTable(ram, chains << BOOK_SHIFT),
  };
}

/**
 * The driver's handle of one virtqueue for block requests.
 *
 * @throws Misuse from the constructor when the region does not hold the queue; from a `post…`
 * without a free chain
 */
export class BlkVirtqueue extends Sealed<Placement> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  /** Most requests that can be outstanding; chains are numbered from 0. */
  readonly chains: number = partsOf(this).chains;
  /** Most bytes of one request. */
  readonly bytesMax: number = partsOf(this).options.segments * partsOf(this).options.segmentBytes;
  /** Physical addresses of the three parts, for the device's registers. */
  readonly descPaddr: number = partsOf(this).options.paddr;
  readonly availPaddr: number = partsOf(this).availPaddr;
  readonly usedPaddr: number = partsOf(this).usedPaddr;
  /** Bytes that the device says it has written to the chain that was taken last. */
  takenBytes = 0;

  readonly #u8: Uint8Array = partsOf(this).ram.u8;
  readonly #u16: Uint16Array = partsOf(this).ram.u16;
  readonly #u32: Uint32Array = partsOf(this).ram.u32;
  readonly #store16: (at: number, value: number) => void = partsOf(this).ram.store16;
  readonly #segmentBytes: number = partsOf(this).options.segmentBytes;
  readonly #indirect: boolean = partsOf(this).options.indirect === 'yes';
  readonly #eventIndex: boolean = partsOf(this).options.eventIndex === 'yes';
  readonly #mask: number = partsOf(this).options.entries - 1;
  readonly #ringAt: number = partsOf(this).ringAt;
  readonly #chainsAt: number = partsOf(this).chainsAt;
  /**
   * Low half of the physical address of chain 0's memory, signed; the region lies below one
   * multiple of 4 GiB.
   */
  readonly #chainsLow: number = partsOf(this).chainsLow;
  readonly #regionHigh: number = partsOf(this).regionHigh;
  readonly #descriptorsAt: number = partsOf(this).descriptorsAt;
  readonly #descriptorsStride: number = partsOf(this).descriptorsStride;
  readonly #perChain: number = partsOf(this).options.segments + 2;
  // Positions in the 16-bit and 32-bit views.
  readonly #availIdx16: number = (partsOf(this).availAt + VirtqAvail.idx.offset) >>> 1;
  readonly #availRing16: number = (partsOf(this).availAt + VirtqAvail.SIZE) >>> 1;
  readonly #usedEvent16: number = this.#availRing16 + partsOf(this).options.entries;
  readonly #usedIdx16: number = (partsOf(this).usedAt + VirtqUsed.idx.offset) >>> 1;
  readonly #usedRing32: number = (partsOf(this).usedAt + VirtqUsed.SIZE) >>> 2;
  readonly #availEvent16: number = (this.#usedRing32 + 2 * partsOf(this).options.entries) * 2;
  /** Chains that are not outstanding: a stack. */
  readonly #free: Int32Array = partsOf(this).free.words;
  #freeCount = partsOf(this).chains;
  readonly #books: Int32Array = partsOf(this).books.words;
  #nextAvail = 0;
  #publishedAvail = 0;
  #nextUsed = 0;
  #left = 0;

  constructor(options: BlkVirtqueueOptions) {
    super(place({ ...options }));
    const { paddr, indirect } = options;
    const { tablesOffset } = partsOf(this);
    for (let chain = 0; chain < this.chains; chain += 1) {
      this.#free[chain] = this.chains - 1 - chain;
      if (indirect === 'yes') {
        const table = (paddr + tablesOffset + chain * this.#descriptorsStride) | 0;
        const ringAt = this.#ringAt + chain * VirtqDesc.SIZE;
        this.#describe(ringAt, table, this.#regionHigh, 0, VIRTQ_DESC_F_INDIRECT);
      }
      this.#placeOwn(chain, 0, 0, Header.SIZE, VIRTQ_DESC_F_NEXT);
    }
  }

  /** Requests that can be posted now. */
  get room(): number {
    return this.#freeCount;
  }

  get outstanding(): number {
    return this.chains - this.#freeCount;
  }

  /**
   * Posts a request with data, to be published with the batch. The caller has seen that there is
   * room, and that the data is at most {@link bytesMax} long.
   *
   * @param low low half of the data's physical address, a signed 32-bit number
   * @param access 'writable': the device writes the data
   * @returns its chain
   */
  postTransfer(
    type: number,
    sector: number,
    low: number,
    high: number,
    lengthBytes: number,
    access: 'readable' | 'writable',
  ): number {
    demand(lengthBytes > 0 && lengthBytes <= this.bytesMax, 'the data does not fit its segments');
    const chain = this.#begin(type, sector);
    const flags =
      access === 'writable' ? VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_NEXT : VIRTQ_DESC_F_NEXT;
    const first = Math.min(this.#segmentBytes, lengthBytes);
    this.#place(chain, 1, low, high, first, flags);
    let position = 2;
    for (let done = first; done < lengthBytes; position += 1) {
      const length = Math.min(this.#segmentBytes, lengthBytes - done);
      const at = (low >>> 0) + done;
      this.#place(chain, position, at | 0, at >= TWO_32 ? high + 1 : high, length, flags);
      done += length;
    }
    return this.#end(chain, position, access === 'writable' ? lengthBytes + 1 : 1);
  }

  /** Posts a request without data: a flush. */
  postBare(type: number): number {
    return this.#end(this.#begin(type, 0), 1, 1);
  }

  /** Posts a request with one range: DISCARD or WRITE_ZEROES. */
  postRange(type: number, sector: number, sectors: number): number {
    const chain = this.#begin(type, 0);
    const at = (this.#chainsAt + chain * CHAIN_STRIDE + RANGE_AT) >>> 2;
    this.#u32[at] = sector;
    this.#u32[at + 1] = sector * PER_TWO_32;
    this.#u32[at + 2] = sectors;
    this.#u32[at + 3] = 0;
    this.#placeOwn(chain, 1, RANGE_AT, Range.SIZE, VIRTQ_DESC_F_NEXT);
    return this.#end(chain, 2, 1);
  }

  /** Number of the slot of the available ring that is filled next, in 16 bits. */
  get cursor(): number {
    return this.#nextAvail;
  }

  /** Ends a batch: a loop has posted `count` requests (`loops/to-device.ts`). */
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
    this.#store16(this.#availIdx16 << 1, now);
    // After the store above: the device stores its event index and then looks at the available
    // index.
    if (this.#eventIndex) {
      const event = this.#u16[this.#availEvent16] as number;
      return distance16(now, event + 1) < distance16(now, before);
    }
    return ((this.#u16[this.#usedIdx16 - 1] as number) & VIRTQ_USED_F_NO_NOTIFY) === 0;
  }

  /**
   * Takes the next finished request.
   *
   * @returns its chain, `NONE`, or one of the `LIE_…` values, after which only a reset helps
   */
  take(): number {
    if (this.#left === 0) {
      const pending = distance16(this.#u16[this.#usedIdx16] as number, this.#nextUsed);
      if (pending === 0) return NONE;
      if (pending > this.outstanding) return LIE_USED_INDEX;
      this.#left = pending;
    }
    const at = this.#usedRing32 + ((this.#nextUsed & this.#mask) << 1);
    const id = this.#u32[at] as number;
    const bytes = this.#u32[at + 1] as number;
    const chain = this.#indirect ? id : Math.floor(id / this.#perChain);
    const isHead = this.#indirect || id % this.#perChain === 0;
    if (chain >= this.chains || !isHead || this.#book(chain, BOOK.outstanding) === 0)
      return LIE_USED_ID;
    if (bytes > this.#book(chain, BOOK.writableBytes) >>> 0) return LIE_USED_LENGTH;
    this.#nextUsed = (this.#nextUsed + 1) & 0xffff;
    this.#left -= 1;
    this.#release(chain);
    this.takenBytes = bytes;
    return chain;
  }

  /** How many finished requests have been taken, in 16 bits. */
  get takenCount(): number {
    return this.#nextUsed;
  }

  /**
   * @returns how many finished requests are known to be there; 0 as well when the device's index is
   * a lie
   */
  finished(): number {
    if (this.#left > 0) return this.#left;
    const pending = distance16(this.#u16[this.#usedIdx16] as number, this.#nextUsed);
    if (pending <= this.outstanding) this.#left = pending;
    return this.#left;
  }

  /** Ends a batch: a loop has taken the `count` next finished requests. */
  advanceFinished(count: number): void {
    demand(count <= this.#left, 'a batch takes more than there was');
    this.#nextUsed = (this.#nextUsed + count) & 0xffff;
    this.#left -= count;
    this.#freeCount += count;
  }

  isOutstanding(chain: number): boolean {
    return this.#book(chain, BOOK.outstanding) === 1;
  }

  /**
   * Status byte of a chain that was taken; {@link STATUS_UNWRITTEN} when the device never wrote it.
   */
  status(chain: number): number {
    return this.#u8[this.#chainsAt + chain * CHAIN_STRIDE + STATUS_AT] as number;
  }

  /**
   * Asks the device for an interrupt at the next used request (§2.7.7.1); look again afterwards.
   */
  requestInterrupt(): void {
    if (this.#eventIndex) this.#store16(this.#usedEvent16 << 1, this.#nextUsed);
  }

  /** @returns whether the device's index says that there is something to take */
  hasUsed(): boolean {
    return this.#left > 0 || this.#u16[this.#usedIdx16] !== this.#nextUsed;
  }

  /**
   * Takes back one chain that the device still has. Only after the device has been reset.
   * @returns it, or `NONE`
   */
  reclaim(): number {
    for (let chain = 0; chain < this.chains; chain += 1) {
      if (!this.isOutstanding(chain)) continue;
      this.#left = 0;
      this.#release(chain);
      return chain;
    }
    return NONE;
  }

  #begin(type: number, sector: number): number {
    demand(this.#freeCount > 0, 'no chain is free');
    this.#freeCount -= 1;
    const chain = this.#free[this.#freeCount] as number;
    const at = this.#chainsAt + chain * CHAIN_STRIDE;
    const word = at >>> 2;
    this.#u32[word] = type;
    this.#u32[word + 1] = 0;
    this.#u32[word + 2] = sector;
    this.#u32[word + 3] = sector * PER_TWO_32;
    this.#u8[at + STATUS_AT] = STATUS_UNWRITTEN;
    return chain;
  }

  /** @param position of the status byte's descriptor, the last one */
  #end(chain: number, position: number, writableBytes: number): number {
    if (this.#book(chain, BOOK.lastPosition) !== position) this.#layEnd(chain, position);
    this.#books[(chain << BOOK_SHIFT) | BOOK.outstanding] = 1;
    this.#books[(chain << BOOK_SHIFT) | BOOK.writableBytes] = writableBytes;
    const head = this.#indirect ? chain : chain * this.#perChain;
    this.#u16[this.#availRing16 + (this.#nextAvail & this.#mask)] = head;
    this.#nextAvail = (this.#nextAvail + 1) & 0xffff;
    return chain;
  }

  /** Most requests of a chain have as many parts as the one before. */
  #layEnd(chain: number, position: number): void {
    this.#books[(chain << BOOK_SHIFT) | BOOK.lastPosition] = position;
    this.#placeOwn(chain, position, STATUS_AT, 1, VIRTQ_DESC_F_WRITE);
    if (!this.#indirect) return;
    const ring = (this.#ringAt + chain * VirtqDesc.SIZE) >>> 2;
    this.#u32[ring + 2] = (position + 1) * VirtqDesc.SIZE;
  }

  /** Writes descriptor `position` of a chain for a part of the chain's own memory. */
  #placeOwn(chain: number, position: number, offset: number, length: number, flags: number): void {
    const low = (this.#chainsLow + chain * CHAIN_STRIDE + offset) | 0;
    this.#place(chain, position, low, this.#regionHigh, length, flags);
  }

  /** Writes descriptor `position` of a chain. */
  #place(
    chain: number,
    position: number,
    low: number,
    high: number,
    length: number,
    flags: number,
  ): void {
    const first = this.#indirect ? 0 : chain * this.#perChain;
    const at = this.#descriptorsAt + chain * this.#descriptorsStride + position * VirtqDesc.SIZE;
    this.#describe(at, low, high, length, flags | ((first + position + 1) << 16));
  }

  #describe(at: number, low: number, high: number, length: number, flagsAndNext: number): void {
    const word = at >>> 2;
    this.#u32[word] = low;
    this.#u32[word + 1] = high;
    this.#u32[word + 2] = length;
    this.#u32[word + DESC_WORDS - 1] = flagsAndNext;
  }

  #book(chain: number, word: number): number {
    return this.#books[(chain << BOOK_SHIFT) | word] as number;
  }

  #release(chain: number): void {
    this.#books[(chain << BOOK_SHIFT) | BOOK.outstanding] = 0;
    this.#free[this.#freeCount] = chain;
    this.#freeCount += 1;
  }
}
