/**
 * The file of a copy-on-write overlay that outlives the run:
 *
 *     sector 0       "SDDFOVL1", then the size of the base in bytes as a 64-bit number
 *     sector 8       the map: one bit for each sector of the base, set when the overlay holds it
 *     after the map  the sectors, each where the base has it; at a multiple of 4096 bytes
 *
 * The file is sparse: what has not been written takes no room.
 */

import { closeSync, fdatasyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { overlayMapBytes } from '../../board/block/overlay.ts';
import { SECTOR_BYTES } from '../../board/block-wire.ts';
import { openRegular } from '../regular-file.ts';
import { explainSystemError, systemErrorCode, UserMistake } from '../problem.ts';

const MAGIC = 'SDDFOVL1';
const HEADER_BYTES = 16;
export const OVERLAY_MAP_SECTOR = 8;

/** Sector of the overlay's file at which the base's sector 0 is. */
export function overlayDataSector(baseSectors: number): number {
  const end = OVERLAY_MAP_SECTOR * SECTOR_BYTES + overlayMapBytes(baseSectors);
  return (Math.ceil(end / 4096) * 4096) / SECTOR_BYTES;
}

/** Bytes of the overlay's file. */
export function overlayFileBytes(baseSectors: number): number {
  return (overlayDataSector(baseSectors) + baseSectors) * SECTOR_BYTES;
}

/**
 * Makes an overlay that holds nothing, unless there is a file already.
 * @throws UserMistake when it cannot be made
 */
export function makeOverlay(path: string, baseSectors: number): void {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(new TextEncoder().encode(MAGIC));
  setWord64(header, baseSectors * SECTOR_BYTES);
  try {
    const fd = openSync(path, 'wx');
    ftruncateSync(fd, overlayFileBytes(baseSectors));
    writeSync(fd, header, 0, header.length, 0);
    closeSync(fd);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw explainSystemError(error, path);
  }
}

/**
 * @returns the map of an overlay
 * @throws UserMistake when the file is something else, or belongs to a base of another size
 */
export function readOverlay(path: string, baseSectors: number): Uint8Array {
  const fd = openToRead(path);
  const header = new Uint8Array(HEADER_BYTES);
  const map = new Uint8Array(overlayMapBytes(baseSectors));
  const got = readSync(fd, header, 0, header.length, 0);
  const gotMap = readSync(fd, map, 0, map.length, OVERLAY_MAP_SECTOR * SECTOR_BYTES);
  closeSync(fd);
  if (got < HEADER_BYTES || new TextDecoder().decode(header.subarray(0, 8)) !== MAGIC) {
    throw new UserMistake(`${path}: is no overlay of this program; name another file`);
  }
  const view = new DataView(header.buffer);
  const baseBytes = view.getUint32(8, true) + view.getUint32(12, true) * 0x1_0000_0000;
  if (baseBytes !== baseSectors * SECTOR_BYTES) {
    const size = baseSectors * SECTOR_BYTES;
    throw new UserMistake(
      `${path}: belongs to an image of ${baseBytes} bytes, not of ${size}; name another overlay`,
    );
  }
  if (gotMap < map.length) throw new UserMistake(`${path}: the overlay is cut short`);
  return map;
}

/**
 * Keeps the map of an overlay whose run has ended: what was written and not flushed is there as
 * well.
 *
 * @throws UserMistake when it cannot be written
 */
export function saveOverlayMap(path: string, map: Uint8Array): void {
  try {
    const fd = openSync(path, 'r+');
    fdatasyncSync(fd);
    for (let done = 0; done < map.length;) {
      const at = OVERLAY_MAP_SECTOR * SECTOR_BYTES + done;
      done += writeSync(fd, map, done, map.length - done, at);
    }
    fdatasyncSync(fd);
    closeSync(fd);
  } catch (error) {
    throw explainSystemError(error, path);
  }
}

function openToRead(path: string): number {
  try {
    return openRegular(path, 'read-only');
  } catch (error) {
    throw error instanceof UserMistake ? error : explainSystemError(error, path);
  }
}

function setWord64(header: Uint8Array, value: number): void {
  const view = new DataView(header.buffer);
  view.setUint32(8, value % 0x1_0000_0000, true);
  view.setUint32(12, Math.floor(value / 0x1_0000_0000), true);
}
