/**
 * Features, request types and configuration fields of a virtio block device (virtio 1.2 §5.2), as
 * the device has them.
 */

import { struct } from '../../memory/struct.ts';

/** Feature bit numbers, §5.2.3. */
export const VIRTIO_BLK_F_SIZE_MAX = 1;
export const VIRTIO_BLK_F_SEG_MAX = 2;
export const VIRTIO_BLK_F_RO = 5;
export const VIRTIO_BLK_F_BLK_SIZE = 6;
export const VIRTIO_BLK_F_FLUSH = 9;
export const VIRTIO_BLK_F_TOPOLOGY = 10;
export const VIRTIO_BLK_F_CONFIG_WCE = 11;
export const VIRTIO_BLK_F_DISCARD = 13;
export const VIRTIO_BLK_F_WRITE_ZEROES = 14;

/** Request types, §5.2.6. */
export const VIRTIO_BLK_T_IN = 0;
export const VIRTIO_BLK_T_OUT = 1;
export const VIRTIO_BLK_T_FLUSH = 4;
export const VIRTIO_BLK_T_GET_ID = 8;
export const VIRTIO_BLK_T_DISCARD = 11;
export const VIRTIO_BLK_T_WRITE_ZEROES = 13;

/** Status byte of a request. */
export const VIRTIO_BLK_S_OK = 0;
export const VIRTIO_BLK_S_IOERR = 1;
export const VIRTIO_BLK_S_UNSUPP = 2;

/** `struct virtio_blk_req` before its data. */
export const BlkRequestHeader = struct(16, {
  type: 'u32',
  reserved: 'u32',
  sectorLow: 'u32',
  sectorHigh: 'u32',
});

/** `struct virtio_blk_discard_write_zeroes`. */
export const BlkRange = struct(16, {
  sectorLow: 'u32',
  sectorHigh: 'u32',
  sectors: 'u32',
  flags: 'u32',
});
export const BLK_RANGE_F_UNMAP = 1;

/** Bytes that GET_ID answers. */
export const BLK_ID_BYTES = 20;

/** `struct virtio_blk_config`, §5.2.4, up to the fields of secure erase, which is not offered. */
export const BlkConfigSpace = struct(60, {
  capacityLow: 'u32',
  capacityHigh: 'u32',
  sizeMax: 'u32',
  segMax: 'u32',
  cylinders: 'u16',
  heads: 'u8',
  sectors: 'u8',
  blkSize: 'u32',
  physicalBlockExp: 'u8',
  alignmentOffset: 'u8',
  minIoSize: 'u16',
  optIoSize: 'u32',
  writeback: 'u8',
  unused0: 'u8',
  numQueues: 'u16',
  maxDiscardSectors: 'u32',
  maxDiscardSeg: 'u32',
  discardSectorAlignment: 'u32',
  maxWriteZeroesSectors: 'u32',
  maxWriteZeroesSeg: 'u32',
  writeZeroesMayUnmap: 'u8',
  unused1: 'u8',
  unused2: 'u16',
});
