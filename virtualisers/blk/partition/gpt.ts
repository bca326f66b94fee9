/**
 * The GUID partition table (UEFI 2.10 §5.3): header and entries, each under a checksum, and a
 * backup of both.
 */

import { crc32 } from './crc32.ts';
import type { Partition } from './table.ts';

const HEADER_BYTES_MIN = 92;
const ENTRY_BYTES_MIN = 128;
const NAME_AT = 56;
const NAME_CHARACTERS = 36;

export interface GptHeader {
  /** In logical sectors. */
  readonly entriesAt: number;
  readonly entries: number;
  readonly entryBytes: number;
  readonly entriesCrc: number;
  readonly alternateAt: number;
  readonly firstUsable: number;
  readonly lastUsable: number;
}

/** @returns the header, or why it is none */
export function parseGptHeader(
  bytes: Uint8Array,
  at: { readonly sector: number; readonly diskSectors: number },
  tableBytesMax: number,
): GptHeader | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!'EFI PART'.split('').every((c, i) => bytes[i] === c.charCodeAt(0))) return 'no signature';
  const size = view.getUint32(12, true);
  if (size < HEADER_BYTES_MIN || size > bytes.length) return 'an impossible header size';
  const checked = new Uint8Array(bytes.subarray(0, size));
  checked.fill(0, 16, 20);
  if (crc32(checked) !== view.getUint32(16, true)) return 'a wrong header checksum';
  if (word64(view, 24) !== at.sector) return 'a header that belongs elsewhere';
  const header: GptHeader = {
    entriesAt: word64(view, 72),
    entries: view.getUint32(80, true),
    entryBytes: view.getUint32(84, true),
    entriesCrc: view.getUint32(88, true),
    alternateAt: word64(view, 32),
    firstUsable: word64(view, 40),
    lastUsable: word64(view, 48),
  };
  const bytesOfEntries = header.entries * header.entryBytes;
  if (header.entryBytes < ENTRY_BYTES_MIN || header.entryBytes % 8 !== 0) {
    return 'an impossible entry size';
  }
  if (bytesOfEntries === 0 || bytesOfEntries > tableBytesMax) {
    return 'an impossible number of entries';
  }
  if (header.entriesAt < 2 || header.entriesAt >= at.diskSectors) {
    return 'entries beyond the disk';
  }
  return header;
}

/** @returns the entries in use, or why they cannot be believed */
export function parseGptEntries(bytes: Uint8Array, header: GptHeader): Partition[] | string {
  const length = header.entries * header.entryBytes;
  if (bytes.length < length) return 'entries cut short';
  const table = bytes.subarray(0, length);
  if (crc32(table) !== header.entriesCrc) return 'a wrong checksum over the entries';
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const partitions: Partition[] = [];
  for (let index = 0; index < header.entries; index += 1) {
    const at = index * header.entryBytes;
    if (isUnused(table, at)) continue;
    const first = word64(view, at + 32);
    const last = word64(view, at + 40);
    const outside = first < header.firstUsable || last > header.lastUsable;
    partitions.push({
      index,
      firstSector: first,
      sectors: last - first + 1,
      name: nameAt(view, at + NAME_AT),
      ...(outside ? { problem: 'it lies outside the usable sectors' } : {}),
    });
  }
  return partitions;
}

function isUnused(table: Uint8Array, at: number): boolean {
  for (let i = 0; i < 16; i += 1) if (table[at + i] !== 0) return false;
  return true;
}

function nameAt(view: DataView, at: number): string {
  let name = '';
  for (let i = 0; i < NAME_CHARACTERS; i += 1) {
    const unit = view.getUint16(at + 2 * i, true);
    if (unit === 0) break;
    name += String.fromCharCode(unit);
  }
  return name;
}

/** A 64-bit number; exact below 2^53, and above it still too large for any disk. */
function word64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
}
