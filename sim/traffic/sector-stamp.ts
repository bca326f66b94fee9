/**
 * What is in a sector that a workload has written: which sector and which version, over and over,
 * so that no mixture passes.
 */

import { SECTOR_BYTES } from '../../board/block-wire.ts';

const PAIR_BYTES = 8;
const PAIRS = SECTOR_BYTES / PAIR_BYTES;
/** So that a sector of zeroes is not version 0 of sector 0. */
const SECTOR_MARK = 0x5d00_0000;

export function stampSector(view: DataView, at: number, sector: number, version: number): void {
  for (let i = 0; i < PAIRS; i += 1) {
    view.setUint32(at + PAIR_BYTES * i, (SECTOR_MARK + sector) >>> 0, true);
    view.setUint32(at + PAIR_BYTES * i + 4, (version + i * 0x1_0000_1) >>> 0, true);
  }
}

/** @returns the version; 0 of a sector of zeroes, undefined of a mixture or of another sector */
export function readStamp(view: DataView, at: number, sector: number): number | undefined {
  const mark = view.getUint32(at, true);
  const version = view.getUint32(at + 4, true);
  const isBlank = mark === 0 && version === 0;
  if (!isBlank && mark !== (SECTOR_MARK + sector) >>> 0) return undefined;
  for (let i = 1; i < PAIRS; i += 1) {
    const step = isBlank ? 0 : i * 0x1_0000_1;
    if (view.getUint32(at + PAIR_BYTES * i, true) !== mark) return undefined;
    if (view.getUint32(at + PAIR_BYTES * i + 4, true) !== (version + step) >>> 0) return undefined;
  }
  return version;
}
