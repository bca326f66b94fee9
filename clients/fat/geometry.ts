/**
 * The boot sector of a FAT volume (Microsoft FAT specification 1.03, section 3): where everything
 * lies, in bytes.
 */

import { FatError } from './block-io.ts';

export interface FatGeometry {
  readonly type: 12 | 16 | 32;
  readonly clusterBytes: number;
  /** Data clusters; they are numbered from 2. */
  readonly clusters: number;
  readonly fatAt: number;
  readonly fatBytes: number;
  readonly fats: number;
  /** Root directory of FAT12 and FAT16: a place and a size. */
  readonly rootAt: number;
  readonly rootBytes: number;
  /** Root directory of FAT32: a cluster. */
  readonly rootCluster: number;
  readonly dataAt: number;
  readonly label: string;
}

/** @throws FatError when the volume holds no FAT file system that can be believed */
export function parseBootSector(bytes: Uint8Array, volumeBytes: number): FatGeometry {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(510, true) !== 0xaa55) throw new FatError('no file system: no boot sector');
  const sectorBytes = view.getUint16(11, true);
  const sectorsPerCluster = view.getUint8(13);
  const reserved = view.getUint16(14, true);
  const fats = view.getUint8(16);
  if (![512, 1024, 2048, 4096].includes(sectorBytes) || !isPowerOfTwo(sectorsPerCluster)) {
    throw new FatError('no file system: impossible sector or cluster size');
  }
  const rootEntries = view.getUint16(17, true);
  const sectors = view.getUint16(19, true) || view.getUint32(32, true);
  const fatSectors = view.getUint16(22, true) || view.getUint32(36, true);
  if (fats === 0 || reserved === 0 || fatSectors === 0) throw new FatError('no FAT file system');
  const rootSectors = Math.ceil((rootEntries * 32) / sectorBytes);
  const rootSector = reserved + fats * fatSectors;
  const dataSector = rootSector + rootSectors;
  const clusters = Math.floor((sectors - dataSector) / sectorsPerCluster);
  if (clusters < 1 || sectors * sectorBytes > volumeBytes) {
    throw new FatError('the file system is larger than its disk');
  }
  const type = clusters < 4085 ? 12 : clusters < 65_525 ? 16 : 32;
  checkFields(view, type, clusters);
  if (((clusters + 2) * type) / 8 > fatSectors * sectorBytes) {
    throw new FatError('the allocation table is too short');
  }
  const labelAt = type === 32 ? 71 : 43;
  return {
    type,
    clusterBytes: sectorsPerCluster * sectorBytes,
    clusters,
    fatAt: reserved * sectorBytes,
    fatBytes: fatSectors * sectorBytes,
    fats,
    rootAt: rootSector * sectorBytes,
    rootBytes: rootSectors * sectorBytes,
    rootCluster: type === 32 ? view.getUint32(44, true) & CLUSTER_MASK : 0,
    dataAt: dataSector * sectorBytes,
    label: String.fromCharCode(...bytes.subarray(labelAt, labelAt + 11)).trim(),
  };
}

const CLUSTER_MASK = 0x0fff_ffff;

/**
 * The number of clusters alone says what type a volume is (section 3.5). Fields that only another
 * type has contradict it: read as what the number says, such a volume would be shown as empty, or
 * as rubbish.
 *
 * @throws FatError
 */
function checkFields(view: DataView, type: FatGeometry['type'], clusters: number): void {
  const rootEntries = view.getUint16(17, true);
  const isOf32 = rootEntries === 0 && view.getUint16(22, true) === 0;
  const isOf16 = rootEntries > 0 && view.getUint16(22, true) > 0;
  if (type === 32 ? !isOf32 : !isOf16) {
    const fields = isOf32 ? 'FAT32' : isOf16 ? 'FAT12 or FAT16' : 'no type';
    throw new FatError(
      `the file system contradicts itself: ${clusters} clusters make it FAT${type}, its fields are of ${fields}`,
    );
  }
  if (type !== 32) return;
  const root = view.getUint32(44, true) & CLUSTER_MASK;
  if (root < 2 || root > clusters + 1) throw new FatError('the root directory is in no cluster');
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
