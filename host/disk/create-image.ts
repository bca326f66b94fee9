/** Makes a disk image: a sparse file with a partition table and empty file systems. */

import {
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  openSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { explainSystemError, UserMistake } from '../problem.ts';
import { lockImage } from './file-lock.ts';
import { fatPatches } from './fat-format.ts';
import type { Patch } from './patch.ts';
import {
  gptPatches,
  mbrPatches,
  type PlacedPartition,
  placePartitions,
  type WantedPartition,
} from './partition-writer.ts';

export interface ImageOptions {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sectorBytes: 512 | 4096;
  /** 'none': one file system, or nothing, over the whole disk. */
  readonly scheme: 'gpt' | 'mbr' | 'none';
  readonly partitions: readonly WantedPartition[];
  /** Replaces a file that exists. */
  readonly existing: 'refuse' | 'replace';
  /** Draws the identifiers that have to differ from disk to disk. */
  readonly randomBytes: (count: number) => Uint8Array;
}

/** @returns the partitions as they were placed @throws UserMistake */
export function createImage(options: ImageOptions): readonly PlacedPartition[] {
  const { path, sizeBytes } = options;
  if (options.existing === 'refuse' && existsSync(path)) {
    throw new UserMistake(`${path}: exists already; --force replaces it`);
  }
  const { placed, patches } = planImage(options);
  let fd;
  try {
    // Not cut to nothing before it is known to be nobody's.
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT);
  } catch (error) {
    throw explainSystemError(error, path);
  }
  try {
    lockImage(fd, path, 'write');
    ftruncateSync(fd, 0);
    ftruncateSync(fd, sizeBytes);
    for (const { at, bytes } of patches) writeSync(fd, bytes, 0, bytes.length, at);
  } catch (error) {
    closeSync(fd);
    if (error instanceof UserMistake) throw error; // somebody has it
    unlinkSync(path);
    throw explainSystemError(error, path);
  }
  closeSync(fd);
  return placed;
}

/** @returns where everything goes, without touching a file @throws UserMistake */
export function planImage(options: Omit<ImageOptions, 'path' | 'existing'>): {
  readonly placed: readonly PlacedPartition[];
  readonly patches: readonly Patch[];
} {
  const { sizeBytes, sectorBytes, scheme } = options;
  if (sizeBytes % 4096 !== 0 || sizeBytes < 8192) {
    throw new UserMistake(`--size: ${sizeBytes} bytes are not a multiple of 4096 from 8192 on`);
  }
  const placed = placeAll(options);
  const patches: Patch[] = [];
  for (const partition of placed) {
    if (partition.use === 'fat') patches.push(...fatOf(partition, options));
  }
  const guid = (): Uint8Array => randomGuid(options.randomBytes);
  if (scheme === 'gpt') {
    const table = { diskBytes: sizeBytes, sectorBytes };
    patches.push(...gptPatches(table, placed, guid));
  } else if (scheme === 'mbr') {
    patches.push(...mbrPatches(sectorBytes, placed));
  }
  return { placed, patches };
}

function placeAll(options: Omit<ImageOptions, 'path' | 'existing'>): readonly PlacedPartition[] {
  const { scheme, partitions, sizeBytes, sectorBytes } = options;
  if (scheme === 'none') return partitions.map((one) => ({ ...one, sizeBytes, startBytes: 0 }));
  if (scheme === 'mbr' && partitions.length > 4) {
    throw new UserMistake('--mbr: an MBR has at most four partitions; use --gpt');
  }
  const placed = placePartitions({ diskBytes: sizeBytes, sectorBytes, partitions }, scheme);
  if (!('missingBytes' in placed)) return placed;
  const missing = Math.ceil(placed.missingBytes / 1024);
  throw new UserMistake(
    `--size: the partitions do not fit, ${missing} KiB are missing; make the disk larger`,
  );
}

function fatOf(
  partition: PlacedPartition,
  options: Pick<ImageOptions, 'sectorBytes' | 'randomBytes'>,
): readonly Patch[] {
  const [a = 0, b = 0, c = 0, d = 0] = options.randomBytes(4);
  const patches = fatPatches({
    startBytes: partition.startBytes,
    sizeBytes: partition.sizeBytes,
    sectorBytes: options.sectorBytes,
    label: partition.name,
    serial: ((a << 24) | (b << 16) | (c << 8) | d) >>> 0,
  });
  if ('problem' in patches) throw new UserMistake(`${partition.name}: ${patches.problem}`);
  return patches;
}

/** A random GUID, version 4, in the mixed byte order of GPT. */
function randomGuid(randomBytes: (count: number) => Uint8Array): Uint8Array {
  const guid = Uint8Array.from(randomBytes(16));
  guid[7] = ((guid[7] as number) & 0x0f) | 0x40;
  guid[8] = ((guid[8] as number) & 0x3f) | 0x80;
  return guid;
}
