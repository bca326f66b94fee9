/**
 * The storage information page: what the driver tells the virtualiser about the device, and the
 * virtualiser each client about its share of it. `ready` is written last when the page is filled,
 * and first when it is withdrawn.
 */

import type { ReadonlyRegion, Region } from '../../memory/region.ts';
import { BlkStorageInfoLayout as Layout, SERIAL_NUMBER_BYTES } from './layout.ts';

const BASE = SERIAL_NUMBER_BYTES;
const TWO_32 = 0x1_0000_0000;

/** What the page says of a device, or of a share of it. */
export interface BlkStorageInfo {
  /** At most 63 ASCII characters. */
  readonly serialNumber: string;
  readonly readOnly: boolean;
  /** Logical sector of the device: 512 or 4096. */
  readonly sectorBytes: number;
  /** Best transfer size, in blocks of 4096 bytes; 0 when unknown. */
  readonly blockSize: number;
  /** Requests that can be in flight at once; 0 when unknown. */
  readonly queueDepth: number;
  /** Size in blocks of 4096 bytes. */
  readonly capacity: number;
}

/** Fills the page and sets `ready`. */
export function publishStorageInfo(page: Region, info: BlkStorageInfo): void {
  page.fill(0, 0, SERIAL_NUMBER_BYTES);
  for (let i = 0; i < Math.min(info.serialNumber.length, SERIAL_NUMBER_BYTES - 1); i += 1) {
    page.write8(i, info.serialNumber.charCodeAt(i) & 0x7f);
  }
  page.write8(BASE + Layout.readOnly.offset, info.readOnly ? 1 : 0);
  page.write16(BASE + Layout.sectorBytes.offset, info.sectorBytes);
  page.write16(BASE + Layout.blockSize.offset, info.blockSize);
  page.write16(BASE + Layout.queueDepth.offset, info.queueDepth);
  page.write16(BASE + Layout.cylinders.offset, 0);
  page.write16(BASE + Layout.heads.offset, 0);
  page.write16(BASE + Layout.blocks.offset, 0);
  page.write32(BASE + Layout.capacityLow.offset, info.capacity % TWO_32);
  page.write32(BASE + Layout.capacityHigh.offset, Math.floor(info.capacity / TWO_32));
  page.write8(BASE + Layout.ready.offset, 1);
}

/** Clears `ready`: there is no device any more. */
export function withdrawStorageInfo(page: Region): void {
  page.write8(BASE + Layout.ready.offset, 0);
}

/** Whether there is a device, and what the page says of it holds. */
export function isStorageReady(page: ReadonlyRegion): boolean {
  return page.read8(BASE + Layout.ready.offset) === 1;
}

/** Size in blocks of 4096 bytes; only meaningful while {@link isStorageReady}. */
export function storageCapacity(page: ReadonlyRegion): number {
  return (
    page.read32(BASE + Layout.capacityLow.offset) +
    page.read32(BASE + Layout.capacityHigh.offset) * TWO_32
  );
}

/** Reads the page; only meaningful while {@link isStorageReady}. */
export function readStorageInfo(page: ReadonlyRegion): BlkStorageInfo {
  let serialNumber = '';
  for (let i = 0; i < SERIAL_NUMBER_BYTES; i += 1) {
    const character = page.read8(i);
    if (character === 0) break;
    serialNumber += String.fromCharCode(character);
  }
  return {
    serialNumber,
    readOnly: page.read8(BASE + Layout.readOnly.offset) !== 0,
    sectorBytes: page.read16(BASE + Layout.sectorBytes.offset),
    blockSize: page.read16(BASE + Layout.blockSize.offset),
    queueDepth: page.read16(BASE + Layout.queueDepth.offset),
    capacity: storageCapacity(page),
  };
}
