/**
 * Writes partition tables into a new disk image: GPT (UEFI 2.10 §5.3) with primary and backup, or
 * MBR.
 */

import { crc32 } from 'node:zlib';
import type { Patch } from './patch.ts';

const SECTOR = 512;
/** Partitions begin at multiples of this, as every current tool has it. */
const ALIGNMENT_BYTES = 1024 * 1024;
const ENTRIES = 128;
const ENTRY_BYTES = 128;
/**
 * EBD0A0A2-B9E5-4433-87C0-68B6B72699C7: basic data. 0FC63DAF-8483-4772-8E79-3D69D8477DE4: Linux
 * file system.
 */
const TYPE_BASIC_DATA = 'a2a0d0ebe5b9334487c068b6b72699c7';
const TYPE_LINUX = 'af3dc60f838472478e793d69d8477de4';
const MBR_TYPE_FAT32_LBA = 0x0c;
const MBR_TYPE_LINUX = 0x83;
const MBR_TYPE_PROTECTIVE = 0xee;

export interface WantedPartition {
  readonly sizeBytes: number;
  readonly use: 'fat' | 'raw';
  readonly name: string;
}

/** A partition as it was placed, in bytes. */
export interface PlacedPartition extends WantedPartition {
  readonly startBytes: number;
}

export interface TableOptions {
  readonly diskBytes: number;
  /** Logical sector: 512 or 4096. */
  readonly sectorBytes: number;
  readonly partitions: readonly WantedPartition[];
}

/** Bytes at the end of the disk that a GPT keeps for its backup. */
function backupBytes(sectorBytes: number): number {
  return sectorBytes + ENTRIES * ENTRY_BYTES;
}

/**
 * Places the partitions one after the other.
 *
 * @returns them, or how many bytes they are short of
 */
export function placePartitions(
  options: TableOptions,
  scheme: 'gpt' | 'mbr',
): readonly PlacedPartition[] | { readonly missingBytes: number } {
  const tail = scheme === 'gpt' ? backupBytes(options.sectorBytes) : 0;
  const end = options.diskBytes - tail;
  const placed: PlacedPartition[] = [];
  let next = ALIGNMENT_BYTES;
  for (const [index, wanted] of options.partitions.entries()) {
    const isLast = index === options.partitions.length - 1;
    // What the table itself takes is taken from the last partition, so that "32M,32M" fits a disk
    // of 64M.
    const short = next + wanted.sizeBytes - end;
    const reserve = ALIGNMENT_BYTES + Math.ceil(tail / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    const sizeBytes =
      isLast && short > 0 && short <= reserve
        ? Math.floor((wanted.sizeBytes - short) / 4096) * 4096
        : wanted.sizeBytes;
    if (next + sizeBytes > end || sizeBytes <= 0) return { missingBytes: next + sizeBytes - end };
    placed.push({ ...wanted, sizeBytes, startBytes: next });
    next = Math.ceil((next + sizeBytes) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  }
  return placed;
}

/** @param guids 16 bytes for the disk and for each partition */
export function gptPatches(
  options: Omit<TableOptions, 'partitions'>,
  partitions: readonly PlacedPartition[],
  guids: (index: number) => Uint8Array,
): readonly Patch[] {
  const { diskBytes, sectorBytes } = options;
  const sectors = diskBytes / sectorBytes;
  const entries = new Uint8Array(ENTRIES * ENTRY_BYTES);
  for (const [index, partition] of partitions.entries()) {
    writeEntry(entries, index, partition, sectorBytes, guids(index + 1));
  }
  const entrySectors = entries.length / sectorBytes;
  const common = { sectors, entrySectors, entriesCrc: crc32(entries), disk: guids(0) };
  const primary = gptHeader({ ...common, at: 1, alternate: sectors - 1, entriesAt: 2 });
  const backupEntriesAt = sectors - 1 - entrySectors;
  const backup = gptHeader({
    ...common,
    at: sectors - 1,
    alternate: 1,
    entriesAt: backupEntriesAt,
  });
  const protective = {
    type: MBR_TYPE_PROTECTIVE,
    first: 1,
    sectors: Math.min(sectors - 1, 2 ** 32 - 1),
  };
  return [
    { at: 0, bytes: mbrSector([protective]) },
    { at: sectorBytes, bytes: primary },
    { at: 2 * sectorBytes, bytes: entries },
    { at: backupEntriesAt * sectorBytes, bytes: entries },
    { at: (sectors - 1) * sectorBytes, bytes: backup },
  ];
}

export function mbrPatches(
  sectorBytes: number,
  partitions: readonly PlacedPartition[],
): readonly Patch[] {
  const entries = partitions.map((partition) => ({
    type: partition.use === 'fat' ? MBR_TYPE_FAT32_LBA : MBR_TYPE_LINUX,
    first: partition.startBytes / sectorBytes,
    sectors: partition.sizeBytes / sectorBytes,
  }));
  return [{ at: 0, bytes: mbrSector(entries) }];
}

function mbrSector(
  entries: readonly { readonly type: number; readonly first: number; readonly sectors: number }[],
): Uint8Array {
  const bytes = new Uint8Array(SECTOR);
  const view = new DataView(bytes.buffer);
  for (const [index, { type, first, sectors }] of entries.entries()) {
    const at = 446 + 16 * index;
    // Cylinder, head and sector of both ends: "beyond what can be said".
    bytes.set([0, 0xfe, 0xff, 0xff, type, 0xfe, 0xff, 0xff], at);
    view.setUint32(at + 8, first, true);
    view.setUint32(at + 12, sectors, true);
  }
  // A protective record says where it begins exactly.
  if (entries[0]?.type === MBR_TYPE_PROTECTIVE) bytes.set([0, 0, 2, 0], 446);
  bytes.set([0x55, 0xaa], 510);
  return bytes;
}

function writeEntry(
  entries: Uint8Array,
  index: number,
  partition: PlacedPartition,
  sectorBytes: number,
  guid: Uint8Array,
): void {
  const at = index * ENTRY_BYTES;
  const view = new DataView(entries.buffer);
  entries.set(fromHex(partition.use === 'fat' ? TYPE_BASIC_DATA : TYPE_LINUX), at);
  entries.set(guid, at + 16);
  const first = partition.startBytes / sectorBytes;
  setWord64(view, at + 32, first);
  setWord64(view, at + 40, first + partition.sizeBytes / sectorBytes - 1);
  for (let i = 0; i < Math.min(partition.name.length, 36); i += 1) {
    view.setUint16(at + 56 + 2 * i, partition.name.charCodeAt(i), true);
  }
}

function gptHeader(fields: {
  readonly sectors: number;
  readonly entrySectors: number;
  readonly entriesCrc: number;
  readonly disk: Uint8Array;
  readonly at: number;
  readonly alternate: number;
  readonly entriesAt: number;
}): Uint8Array {
  const bytes = new Uint8Array(92);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('EFI PART'), 0);
  view.setUint32(8, 0x0001_0000, true);
  view.setUint32(12, bytes.length, true);
  setWord64(view, 24, fields.at);
  setWord64(view, 32, fields.alternate);
  setWord64(view, 40, 2 + fields.entrySectors);
  setWord64(view, 48, fields.sectors - 2 - fields.entrySectors);
  bytes.set(fields.disk, 56);
  setWord64(view, 72, fields.entriesAt);
  view.setUint32(80, ENTRIES, true);
  view.setUint32(84, ENTRY_BYTES, true);
  view.setUint32(88, fields.entriesCrc, true);
  view.setUint32(16, crc32(bytes), true);
  return bytes;
}

function setWord64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x1_0000_0000, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
