/**
 * How a split virtqueue lies in memory (virtio 1.2 §2.7), as `virtqueue.ts` uses it: the rings,
 * then headers and tables of chains of two descriptors each.
 */

import { struct } from '../../memory/struct.ts';

/** virtio 1.2 §2.7.5 */
export const VirtqDesc = struct(16, {
  addrLow: 'u32',
  addrHigh: 'u32',
  len: 'u32',
  flags: 'u16',
  next: 'u16',
});
/** virtio 1.2 §2.7.5, `flags`: there is a next descriptor; the device writes it; it is a table. */
export const VIRTQ_DESC_F_NEXT = 1;
export const VIRTQ_DESC_F_WRITE = 2;
export const VIRTQ_DESC_F_INDIRECT = 4;

/** virtio 1.2 §2.7.6, before its entries; after them, `used_event`. */
export const VirtqAvail = struct(4, { flags: 'u16', idx: 'u16' });
/** virtio 1.2 §2.7.8, before its entries; after them, `avail_event`. */
export const VirtqUsed = struct(4, { flags: 'u16', idx: 'u16' });
/** virtio 1.2 §2.7.8: the head of the chain, and how many bytes the device has written. */
export const VirtqUsedElem = struct(8, { id: 'u32', len: 'u32' });
/** virtio 1.2 §2.7.10, `flags` of the used ring: the device need not be notified. */
export const VIRTQ_USED_F_NO_NOTIFY = 1;

const EVENT_BYTES = 2;
/** Bytes from one header to the next. */
export const HEADER_STRIDE = 16;
const DESCRIPTORS_PER_CHAIN = 2;
/** Bytes of a chain's indirect table. */
export const TABLE_BYTES = DESCRIPTORS_PER_CHAIN * VirtqDesc.SIZE;

/** Where the rings of a queue lie, in bytes from their beginning, and how large its parts are. */
export interface VirtqueueLayout {
  readonly avail: number;
  readonly used: number;
  /** Bytes of descriptor table, available ring and used ring; a multiple of 16. */
  readonly ringsBytes: number;
  /** Bytes of headers and tables; a multiple of 16. */
  readonly chainsBytes: number;
}

/** @returns the layout of a queue of this many entries, which must be a power of two */
export function virtqueueLayout(entries: number): VirtqueueLayout {
  const avail = entries * VirtqDesc.SIZE;
  const used = align(avail + VirtqAvail.SIZE + 2 * entries + EVENT_BYTES, 4);
  const usedEnd = used + VirtqUsed.SIZE + entries * VirtqUsedElem.SIZE + EVENT_BYTES;
  return {
    avail,
    used,
    ringsBytes: align(usedEnd, 16),
    chainsBytes: entries * (HEADER_STRIDE + TABLE_BYTES),
  };
}

function align(value: number, to: number): number {
  return (value + to - 1) & ~(to - 1);
}

/** Positions in RAM. */
export interface Places {
  readonly desc: number;
  readonly headers: number;
  readonly tables: number;
}

/** What all chains of a queue have in common. */
export interface ChainOptions {
  readonly headerBytes: number;
  readonly writer: 'driver' | 'device';
  readonly indirect: 'yes' | 'no';
}

/**
 * Writes all of a chain that stays the same from request to request.
 *
 * @param toPaddr added to a position in RAM, gives its physical address
 */
export function layChain(
  view: DataView,
  options: ChainOptions,
  places: Places,
  toPaddr: number,
  chain: number,
): void {
  const write = options.writer === 'device' ? VIRTQ_DESC_F_WRITE : 0;
  const tableAt = places.tables + chain * TABLE_BYTES;
  const firstAt = options.indirect === 'yes' ? tableAt : places.desc + chain * TABLE_BYTES;
  if (options.indirect === 'yes') {
    const ringAt = places.desc + chain * VirtqDesc.SIZE;
    setAddress(view, ringAt, tableAt + toPaddr);
    VirtqDesc.len.set(view, ringAt, TABLE_BYTES);
    VirtqDesc.flags.set(view, ringAt, VIRTQ_DESC_F_INDIRECT);
  }
  setAddress(view, firstAt, places.headers + chain * HEADER_STRIDE + toPaddr);
  VirtqDesc.len.set(view, firstAt, options.headerBytes);
  VirtqDesc.flags.set(view, firstAt, VIRTQ_DESC_F_NEXT | write);
  VirtqDesc.next.set(view, firstAt, options.indirect === 'yes' ? 1 : chain * 2 + 1);
  VirtqDesc.flags.set(view, firstAt + VirtqDesc.SIZE, write);
}

function setAddress(view: DataView, at: number, paddr: number): void {
  VirtqDesc.addrLow.set(view, at, paddr % 0x1_0000_0000);
  VirtqDesc.addrHigh.set(view, at, Math.floor(paddr / 0x1_0000_0000));
}
