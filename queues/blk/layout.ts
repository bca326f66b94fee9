/**
 * Binary layouts and codes of the block class, byte for byte those of sDDF 0.7 (`blk/queue.h`,
 * `blk/storage_info.h`).
 *
 * Unlike the network and serial queues, both queues have `head` first. Offsets and block numbers
 * are 64-bit; here they are numbers, exact below 2^53. A larger one is only known to be at least
 * that large, which is out of every range.
 */

import { struct } from '../../memory/struct.ts';

/** Bytes of one block: the unit of every count and block number of this class. */
export const BLK_TRANSFER_BYTES = 4096;

/** Codes of requests (`enum blk_req_code`). */
export const BLK_READ = 0;
export const BLK_WRITE = 1;
/** All earlier requests of this client are complete and durable when it is answered. */
export const BLK_FLUSH = 2;
/** As FLUSH, and no later request of this client starts before it is answered. */
export const BLK_BARRIER = 3;
/**
 * Extension of this project: the blocks are no longer needed; what they read as afterwards is
 * undefined.
 */
export const BLK_DISCARD = 4;
/** Extension of this project: the blocks read as zeroes afterwards. */
export const BLK_WRITE_ZEROES = 5;

/** Codes of responses (`enum blk_resp_status`). */
export const BLK_OK = 0;
export const BLK_ERR_UNSPEC = 1;
export const BLK_ERR_INVALID_PARAM = 2;
export const BLK_ERR_IO = 3;
export const BLK_ERR_NO_DEVICE = 4;

/** Offsets within a request queue: two counters, the plug, then 32-byte requests. */
export const REQUEST_HEAD = 0;
export const REQUEST_TAIL = 4;
/** Not 0 while the producer collects requests: the consumer is to leave them alone. */
export const REQUEST_PLUGGED = 8;
export const REQUEST_ENTRIES = 16;

/**
 * `blk_req_t`. Offset (bytes) and block number (blocks of 4096 bytes) have 64 bits, in two halves.
 */
export const BlkRequestLayout = struct(32, {
  code: 'u32',
  hole0: 'u32',
  offsetLow: 'u32',
  offsetHigh: 'u32',
  blockLow: 'u32',
  blockHigh: 'u32',
  count: 'u16',
  hole1: 'u16',
  id: 'u32',
});

/** Offsets within a response queue: two counters, then 12-byte responses. */
export const RESPONSE_HEAD = 0;
export const RESPONSE_TAIL = 4;
export const RESPONSE_ENTRIES = 8;

/** `blk_resp_t`. `successCount` is in blocks of 4096 bytes. */
export const BlkResponseLayout = struct(12, {
  status: 'u32',
  successCount: 'u16',
  hole: 'u16',
  id: 'u32',
});

/** `serial_number char[64]` lies before these fields. */
export const STORAGE_INFO_BYTES = 88;
/** Of the text at the beginning of a storage information page. */
export const SERIAL_NUMBER_BYTES = 64;

/** `blk_storage_info_t`, from the byte behind the serial number on. */
export const BlkStorageInfoLayout = struct(STORAGE_INFO_BYTES - SERIAL_NUMBER_BYTES, {
  readOnly: 'u8',
  ready: 'u8',
  sectorBytes: 'u16',
  blockSize: 'u16',
  queueDepth: 'u16',
  cylinders: 'u16',
  heads: 'u16',
  blocks: 'u16',
  hole: 'u16',
  capacityLow: 'u32',
  capacityHigh: 'u32',
});

/** @returns bytes that a request queue of this many slots occupies */
export function requestQueueBytes(capacity: number): number {
  return REQUEST_ENTRIES + capacity * BlkRequestLayout.SIZE;
}

/** @returns bytes that a response queue of this many slots occupies */
export function responseQueueBytes(capacity: number): number {
  return RESPONSE_ENTRIES + capacity * BlkResponseLayout.SIZE;
}
