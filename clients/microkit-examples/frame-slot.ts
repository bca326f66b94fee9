/**
 * Of the example "ethernet split": a region that holds one frame, its length first. Length 0 is
 * none.
 */

import type { ReadonlyRegion, Region } from '../../memory/region.ts';

const LENGTH = 0;
const BYTES = 4;
const FRAME_BYTES_MAX = 1514;

export function writeFrame(region: Region, text: string): void {
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  region.write(BYTES, bytes);
  region.write32(LENGTH, bytes.length);
}

/** The other side may write anything: the length is read once and checked. */
export function readFrame(region: ReadonlyRegion): string | undefined {
  const length = region.read32(LENGTH);
  if (length === 0 || length > FRAME_BYTES_MAX) return undefined;
  const bytes = new Uint8Array(length);
  region.read(BYTES, bytes);
  return String.fromCharCode(...bytes);
}

/** The frame has been taken. */
export function clearFrame(region: Region): void {
  region.write32(LENGTH, 0);
}
