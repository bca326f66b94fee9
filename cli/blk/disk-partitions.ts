/**
 * What partitions a disk has, found out before the board is built: with the virtualiser's own scan.
 */

import { closeSync, existsSync, readSync, statSync } from 'node:fs';
import { SECTOR_BYTES } from '../../board/block-wire.ts';
import type { DiskSpec } from '../../host/disk/disk.ts';
import { overlayDataSector, readOverlay } from '../../host/disk/overlay-file.ts';
import { explainSystemError, UserMistake } from '../../host/problem.ts';
import { openRegular } from '../../host/regular-file.ts';
import { BLK_TRANSFER_BYTES } from '../../queues/blk/layout.ts';
import { PartitionScan } from '../../virtualisers/blk/partition/scan.ts';
import type { Partition, ScanResult } from '../../virtualisers/blk/partition/table.ts';

/** As much as the virtualiser reads of a table at once. */
const TABLE_BYTES = 65_536;

type FileSpec = Extract<DiskSpec, { kind: 'file' }>;

/**
 * @returns the first partition where the disk has a partition table, else all of it
 * @throws UserMistake when the image cannot be read
 */
export function standardPartition(disk: DiskSpec): number | 'whole' {
  if (disk.kind === 'memory') return 'whole';
  const head = withImage(disk, (image) => image.read(0, 2 * disk.sectorBytes));
  const hasGpt = head.toString('latin1', disk.sectorBytes, disk.sectorBytes + 8) === 'EFI PART';
  const hasMbr = head.readUInt16LE(510) === 0xaa55;
  // A FAT boot sector ends with the same signature; it begins with a jump, which no partition table
  // does.
  const isBootSector = head[0] === 0xeb || head[0] === 0xe9;
  return hasGpt || (hasMbr && !isBootSector) ? 0 : 'whole';
}

/** @throws UserMistake when the disk has no such partition, or one that no client can have */
export function checkPartition(disk: DiskSpec, wanted: number, option: string): void {
  if (disk.kind === 'memory') {
    throw new UserMistake(`${option}: a disk in memory has no partitions; leave client= out`);
  }
  const found = scan(disk);
  if (found.kind === 'none') {
    throw new UserMistake(`${option}: ${disk.path}: ${found.reason}; leave client= out`);
  }
  const { partitions } = found.table;
  const usable = partitions.filter((one) => problemOf(one, disk) === undefined);
  const partition = partitions.find((one) => one.index === wanted);
  const problem = partition === undefined ? undefined : problemOf(partition, disk);
  if (partition !== undefined && problem === undefined) return;
  const why = problem === undefined ? '' : `: ${problem}`;
  const there = usable.map((one) => nameOf(one)).join(', ');
  const has = there === '' ? 'leave client= out' : `there are ${there}`;
  throw new UserMistake(`${option}: ${disk.path} has no partition ${wanted}${why}; ${has}`);
}

function nameOf({ index, name }: Partition): string {
  return name === '' ? String(index) : `${index} (${name})`;
}

function problemOf(partition: Partition, disk: FileSpec): string | undefined {
  if (partition.problem !== undefined) return partition.problem;
  const isAligned = (partition.firstSector * disk.sectorBytes) % BLK_TRANSFER_BYTES === 0;
  return isAligned ? undefined : 'it does not begin at a multiple of 4096 bytes';
}

function scan(disk: FileSpec): ScanResult {
  return withImage(disk, (image) => {
    const diskBlocks = Math.floor(image.sizeBytes / BLK_TRANSFER_BYTES);
    const { sectorBytes } = disk;
    const scanning = new PartitionScan({ diskBlocks, sectorBytes, bufferBytes: TABLE_BYTES });
    for (let next = scanning.next; next !== undefined; next = scanning.next) {
      const { block, count } = next;
      scanning.feed(image.read(block * BLK_TRANSFER_BYTES, count * BLK_TRANSFER_BYTES));
    }
    return scanning.result ?? { kind: 'none', reason: 'the partition table cannot be read' };
  });
}

interface Image {
  readonly sizeBytes: number;
  /** @returns the bytes at a sector's beginning; beyond the end, zeroes */
  read(at: number, length: number): Buffer;
}

/** @throws UserMistake when the file cannot be read, or its overlay is none */
function withImage<Result>(disk: FileSpec, use: (image: Image) => Result): Result {
  const { path, overlay } = disk;
  const files: number[] = [];
  try {
    const base = openFor(files, path);
    const sizeBytes = statSync(path).size;
    const kept = typeof overlay === 'object' && existsSync(overlay.path) ? overlay.path : undefined;
    const fromBase = (at: number, length: number): Buffer => readAt(base, at, length);
    if (kept === undefined) return use({ sizeBytes, read: fromBase });
    const sectors = Math.floor(sizeBytes / SECTOR_BYTES);
    const map = readOverlay(kept, sectors);
    const delta = openFor(files, kept);
    const dataAt = overlayDataSector(sectors) * SECTOR_BYTES;
    const read = (at: number, length: number): Buffer => {
      const bytes = fromBase(at, length);
      for (let done = 0; done < length; done += SECTOR_BYTES) {
        const sector = (at + done) / SECTOR_BYTES;
        const isKept = ((map[sector >>> 3] ?? 0) & (1 << (sector & 7))) !== 0;
        if (isKept) readAt(delta, dataAt + at + done, SECTOR_BYTES).copy(bytes, done);
      }
      return bytes;
    };
    return use({ sizeBytes, read });
  } catch (error) {
    if (error instanceof UserMistake) throw error;
    throw explainSystemError(error, path);
  } finally {
    for (const file of files) closeSync(file);
  }
}

function openFor(files: number[], path: string): number {
  const file = openRegular(path, 'read-only');
  files.push(file);
  return file;
}

function readAt(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  readSync(file, bytes, 0, length, at);
  return bytes;
}
