/**
 * What a virtio block device checks of a request before it begins (virtio 1.2 §5.2.6.1, §5.2.6.2).
 */

import { SECTOR_BYTES } from '../block-wire.ts';
import type { BlkChain } from './blk-chain.ts';
import type { BlkLimits } from './blk-config.ts';
import {
  BlkRange,
  VIRTIO_BLK_S_IOERR,
  VIRTIO_BLK_S_OK,
  VIRTIO_BLK_S_UNSUPP,
} from './blk-registers.ts';

// A folded constant: docs/hot-code.md.
const SECTOR_MASK = SECTOR_BYTES - 1;

/** @returns which rule the data of a read or write breaks, undefined when it breaks none */
export function transferFault(
  chain: BlkChain,
  limits: BlkLimits,
  bounceBytes: number,
): string | undefined {
  if (chain.dataBytes === 0 || (chain.dataBytes & SECTOR_MASK) !== 0) {
    return 'the data of a request is no whole number of sectors';
  }
  if (chain.pieces > limits.segMax) return 'a request has more data segments than SEG_MAX';
  if (chain.pieceBytesMax > limits.sizeMax) return 'a data segment is larger than SIZE_MAX';
  if (!chain.hasWholeSectors && chain.dataBytes > bounceBytes) {
    return 'data in pieces of broken sectors is longer than this device takes';
  }
  return undefined;
}

/** First sector of a range of DISCARD or WRITE_ZEROES at this offset in RAM. */
export function rangeSector(view: DataView, at: number): number {
  return BlkRange.sectorLow.get(view, at) + BlkRange.sectorHigh.get(view, at) * 0x1_0000_0000;
}

/** @returns the status that a list of ranges deserves before anything is done */
export function rangesStatus(
  view: DataView,
  at: number,
  rules: {
    readonly ranges: number;
    readonly flagsAllowed: number;
    readonly sectorsMax: number;
    readonly diskSectors: number;
  },
): number {
  for (let i = 0; i < rules.ranges; i += 1) {
    const rangeAt = at + i * BlkRange.SIZE;
    const sectors = BlkRange.sectors.get(view, rangeAt);
    if ((BlkRange.flags.get(view, rangeAt) & ~rules.flagsAllowed) !== 0) return VIRTIO_BLK_S_UNSUPP;
    if (sectors === 0 || sectors > rules.sectorsMax) return VIRTIO_BLK_S_IOERR;
    if (rangeSector(view, rangeAt) + sectors > rules.diskSectors) return VIRTIO_BLK_S_IOERR;
  }
  return VIRTIO_BLK_S_OK;
}
