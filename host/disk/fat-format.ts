/**
 * Makes an empty FAT file system (Microsoft FAT specification 1.03): FAT12 on small volumes, FAT16
 * to 512 MiB, FAT32 above. Two copies of the table; FAT32 with FSInfo and a backup of the boot
 * sector.
 */

import type { Patch } from './patch.ts';

export interface FatOptions {
  /** Byte in the image at which the volume begins; also its "hidden sectors". */
  readonly startBytes: number;
  readonly sizeBytes: number;
  /** 512 or 4096. */
  readonly sectorBytes: number;
  /** At most 11 characters. */
  readonly label: string;
  /** Serial number of the volume, 32 bits. */
  readonly serial: number;
}

type FatType = 12 | 16 | 32;

interface Geometry {
  readonly type: FatType;
  readonly sectorsPerCluster: number;
  readonly reserved: number;
  readonly rootEntries: number;
  readonly fatSectors: number;
  readonly totalSectors: number;
}

const FATS = 2;
const MEDIA = 0xf8;
const FAT12_CLUSTERS_MAX = 4084;
const FAT16_CLUSTERS_MAX = 65_524;
const FAT12_BYTES_MAX = 8 * 1024 * 1024;
const FAT16_BYTES_MAX = 512 * 1024 * 1024;
const SECTORS_PER_CLUSTER_MAX = 128;
const DIRECTORY_ENTRY_BYTES = 32;
const ATTRIBUTE_VOLUME_ID = 0x08;
const FSINFO_SECTOR = 1;
const BACKUP_SECTOR = 6;

/**
 * @returns what is to be written, everything else being zero; or why the volume cannot be a FAT
 * file system
 */
export function fatPatches(options: FatOptions): readonly Patch[] | { readonly problem: string } {
  const geometry = chooseGeometry(options);
  if (geometry === undefined) {
    return { problem: `${options.sizeBytes} bytes are too few or too many for a FAT file system` };
  }
  const { startBytes, sectorBytes } = options;
  const boot = bootSector(options, geometry);
  const at = (sector: number): number => startBytes + sector * sectorBytes;
  const patches: Patch[] = [{ at: at(0), bytes: boot }];
  if (geometry.type === 32) {
    const info = fsInfo(sectorBytes, geometry);
    patches.push({ at: at(FSINFO_SECTOR), bytes: info });
    patches.push({ at: at(BACKUP_SECTOR), bytes: boot });
    patches.push({ at: at(BACKUP_SECTOR + FSINFO_SECTOR), bytes: info });
  }
  for (let copy = 0; copy < FATS; copy += 1) {
    const sector = geometry.reserved + copy * geometry.fatSectors;
    patches.push({ at: at(sector), bytes: firstEntries(geometry.type) });
  }
  const root = geometry.reserved + FATS * geometry.fatSectors;
  patches.push({ at: at(root), bytes: labelEntry(options.label) });
  return patches;
}

function chooseGeometry(options: FatOptions): Geometry | undefined {
  const { sizeBytes } = options;
  const wanted: readonly FatType[] =
    sizeBytes < FAT12_BYTES_MAX ? [12, 16] : sizeBytes < FAT16_BYTES_MAX ? [16, 32] : [32];
  for (const type of wanted) {
    const first = type === 12 ? 1 : Math.max(1, 2048 / options.sectorBytes);
    for (let spc = first; spc <= SECTORS_PER_CLUSTER_MAX; spc *= 2) {
      const geometry = tryGeometry(options, type, spc);
      if (geometry !== undefined) return geometry;
    }
  }
  return undefined;
}

/**
 * @returns the geometry, if this cluster size gives a number of clusters that makes the type what
 * it is
 */
function tryGeometry(
  options: FatOptions,
  type: FatType,
  sectorsPerCluster: number,
): Geometry | undefined {
  const { sectorBytes } = options;
  const totalSectors = Math.floor(options.sizeBytes / sectorBytes);
  const rootEntries = type === 32 ? 0 : 512;
  const rootSectors = Math.ceil((rootEntries * DIRECTORY_ENTRY_BYTES) / sectorBytes);
  const reserved = type === 32 ? 32 : 1;
  let fatSectors = 1;
  for (;;) {
    const dataSectors = totalSectors - reserved - rootSectors - FATS * fatSectors;
    const clusters = Math.floor(dataSectors / sectorsPerCluster);
    const needed = Math.ceil(((clusters + 2) * type) / 8 / sectorBytes);
    if (clusters < 1) return undefined;
    if (needed > fatSectors) {
      fatSectors = needed;
      continue;
    }
    const isOfType =
      type === 12
        ? clusters <= FAT12_CLUSTERS_MAX
        : type === 16
          ? clusters > FAT12_CLUSTERS_MAX && clusters <= FAT16_CLUSTERS_MAX
          : clusters > FAT16_CLUSTERS_MAX;
    if (!isOfType) return undefined;
    return { type, sectorsPerCluster, reserved, rootEntries, fatSectors, totalSectors };
  }
}

function bootSector(options: FatOptions, geometry: Geometry): Uint8Array {
  const bytes = new Uint8Array(options.sectorBytes);
  const view = new DataView(bytes.buffer);
  const text = (at: number, value: string): void => bytes.set(new TextEncoder().encode(value), at);
  const isFat32 = geometry.type === 32;
  bytes.set([0xeb, isFat32 ? 0x58 : 0x3c, 0x90]);
  text(3, 'SDDF    ');
  view.setUint16(11, options.sectorBytes, true);
  view.setUint8(13, geometry.sectorsPerCluster);
  view.setUint16(14, geometry.reserved, true);
  view.setUint8(16, FATS);
  view.setUint16(17, geometry.rootEntries, true);
  const isSmall = !isFat32 && geometry.totalSectors < 0x1_0000;
  view.setUint16(19, isSmall ? geometry.totalSectors : 0, true);
  view.setUint8(21, MEDIA);
  view.setUint16(22, isFat32 ? 0 : geometry.fatSectors, true);
  view.setUint16(24, 63, true);
  view.setUint16(26, 255, true);
  view.setUint32(28, options.startBytes / options.sectorBytes, true);
  view.setUint32(32, isSmall ? 0 : geometry.totalSectors, true);
  if (isFat32) {
    view.setUint32(36, geometry.fatSectors, true);
    view.setUint32(44, 2, true); // the root directory's cluster
    view.setUint16(48, FSINFO_SECTOR, true);
    view.setUint16(50, BACKUP_SECTOR, true);
  }
  const extended = isFat32 ? 64 : 36;
  view.setUint8(extended, 0x80);
  view.setUint8(extended + 2, 0x29);
  view.setUint32(extended + 3, options.serial >>> 0, true);
  text(extended + 7, paddedLabel(options.label));
  text(extended + 18, `FAT${geometry.type}`.padEnd(8));
  bytes.set([0x55, 0xaa], 510);
  return bytes;
}

function fsInfo(sectorBytes: number, geometry: Geometry): Uint8Array {
  const dataAt = geometry.reserved + FATS * geometry.fatSectors;
  const clusters = Math.floor((geometry.totalSectors - dataAt) / geometry.sectorsPerCluster);
  const bytes = new Uint8Array(sectorBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x4161_5252, true);
  view.setUint32(484, 0x6141_7272, true);
  view.setUint32(488, clusters - 1, true); // all but the root directory's
  view.setUint32(492, 3, true);
  view.setUint32(508, 0xaa55_0000, true);
  return bytes;
}

/**
 * Entries 0 and 1, which are no clusters; with FAT32 also the root directory's, which ends there.
 */
function firstEntries(type: FatType): Uint8Array {
  if (type === 12) return Uint8Array.of(MEDIA, 0xff, 0xff);
  if (type === 16) return Uint8Array.of(MEDIA, 0xff, 0xff, 0xff);
  return Uint8Array.of(MEDIA, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0x0f);
}

function labelEntry(label: string): Uint8Array {
  const bytes = new Uint8Array(DIRECTORY_ENTRY_BYTES);
  bytes.set(new TextEncoder().encode(paddedLabel(label)));
  bytes[11] = ATTRIBUTE_VOLUME_ID;
  // 1 January 1980: the first day there is.
  bytes[24] = 0x21;
  return bytes;
}

function paddedLabel(label: string): string {
  return label
    .toUpperCase()
    .replaceAll(/[^A-Z0-9 _-]/g, '_')
    .slice(0, 11)
    .padEnd(11);
}
