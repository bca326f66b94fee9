/**
 * Goal: partitions are found as the tables say, from the backup when the primary is corrupt, from
 * neither when both are; no byte of a table can make the scan read outside the disk or fail. Images
 * are made by the project's own writer and, in `test/block`, by sfdisk.
 */

import { describe, expect, it } from 'vitest';
import {
  gptPatches,
  mbrPatches,
  type PlacedPartition,
  placePartitions,
} from '../../../host/disk/partition-writer.ts';
import { crc32 } from './crc32.ts';
import { PartitionScan } from './scan.ts';
import type { ScanResult } from './table.ts';

const DISK_BYTES = 16 << 20;
const WANTED = [
  { sizeBytes: 4 << 20, use: 'fat', name: 'boot' },
  { sizeBytes: 6 << 20, use: 'raw', name: 'data' },
] as const;

function place(scheme: 'gpt' | 'mbr', sectorBytes: number): readonly PlacedPartition[] {
  const placed = placePartitions(
    { diskBytes: DISK_BYTES, sectorBytes, partitions: WANTED },
    scheme,
  );
  if ('missingBytes' in placed) throw new Error('the partitions fit');
  return placed;
}

function gptImage(sectorBytes = 512, partitions = place('gpt', sectorBytes)): Uint8Array {
  const image = new Uint8Array(DISK_BYTES);
  const guids = (index: number): Uint8Array => new Uint8Array(16).fill(index + 1);
  for (const { at, bytes } of gptPatches(
    { diskBytes: DISK_BYTES, sectorBytes },
    partitions,
    guids,
  )) {
    image.set(bytes, at);
  }
  return image;
}

function scan(
  image: Uint8Array,
  sectorBytes = 512,
  unreadable: readonly number[] = [],
): ScanResult {
  const diskBlocks = Math.floor(image.length / 4096);
  const scanner = new PartitionScan({ diskBlocks, sectorBytes, bufferBytes: 65_536 });
  for (let reads = 0; scanner.next !== undefined; reads += 1) {
    const { block, count } = scanner.next;
    expect(reads).toBeLessThan(64);
    expect(block >= 0 && count > 0 && block + count <= diskBlocks).toBe(true);
    expect(count * 4096).toBeLessThanOrEqual(65_536);
    const bytes = image.slice(block * 4096, (block + count) * 4096);
    scanner.feed(unreadable.includes(block) ? undefined : bytes);
  }
  return scanner.result as ScanResult;
}

function tableOf(result: ScanResult) {
  if (result.kind === 'none') throw new Error(result.reason);
  return result.table;
}

describe('crc32', () => {
  it('has the check value of the standard', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf4_3926);
  });
});

describe.each([512, 4096])('GPT, sectors of %i bytes', (sectorBytes) => {
  it('is read with names and places', () => {
    const table = tableOf(scan(gptImage(sectorBytes), sectorBytes));

    expect(table.scheme).toBe('gpt');
    expect(table.warnings).toEqual([]);
    expect(table.partitions).toEqual([
      {
        index: 0,
        firstSector: (1 << 20) / sectorBytes,
        sectors: (4 << 20) / sectorBytes,
        name: 'boot',
      },
      {
        index: 1,
        firstSector: (5 << 20) / sectorBytes,
        sectors: (6 << 20) / sectorBytes,
        name: 'data',
      },
    ]);
  });

  it.each([
    ['header', 1],
    ['entries', 2],
  ])('is read from the backup when the primary %s is corrupt, and says so', (_what, sector) => {
    const image = gptImage(sectorBytes);
    image[sector * sectorBytes + 40] = (image[sector * sectorBytes + 40] as number) ^ 1;

    const table = tableOf(scan(image, sectorBytes));

    expect(table.partitions.map((one) => one.name)).toEqual(['boot', 'data']);
    expect(table.warnings.join()).toContain('the backup is used');
  });

  it('is read from the primary when the backup is corrupt, and says so', () => {
    const image = gptImage(sectorBytes);
    image.fill(0, DISK_BYTES - sectorBytes);

    expect(tableOf(scan(image, sectorBytes)).warnings.join()).toContain('the primary is used');
  });

  it('is refused when both are corrupt', () => {
    const image = gptImage(sectorBytes);
    image.fill(0, DISK_BYTES - sectorBytes);
    image[sectorBytes + 24] = 2;

    const result = scan(image, sectorBytes);

    expect(result).toMatchObject({ kind: 'none', reason: expect.stringContaining('both copies') });
  });
});

describe('GPT', () => {
  it('is found although the protective record is gone', () => {
    const image = gptImage();
    image.fill(0, 0, 512);
    expect(tableOf(scan(image)).partitions.length).toBe(2);
  });

  it('survives reads that fail', () => {
    expect(tableOf(scan(gptImage(), 512, [DISK_BYTES / 4096 - 1])).warnings.length).toBe(1);
    expect(scan(gptImage(), 512, [0]).kind).toBe('none');
  });

  it('marks partitions that overlap or leave the disk, and no others', () => {
    const [boot, data] = place('gpt', 512) as [PlacedPartition, PlacedPartition];
    const overlapping = [
      boot,
      { ...data, startBytes: boot.startBytes + (2 << 20) },
      { ...data, startBytes: 12 << 20, sizeBytes: 1 << 20 },
    ];
    const cut = gptImage().slice(0, 8 << 20);

    const problems = tableOf(scan(gptImage(512, overlapping))).partitions.map((one) => one.problem);
    expect(problems).toEqual(['it overlaps partition 1', 'it overlaps partition 0', undefined]);
    expect(tableOf(scan(cut)).partitions.map((one) => one.problem)).toEqual([
      undefined,
      'it ends beyond the disk',
    ]);
  });

  it('believes no header that asks for more than the buffer holds', () => {
    const image = gptImage();
    const view = new DataView(image.buffer);
    view.setUint32(512 + 80, 100_000, true);
    view.setUint32(512 + 16, 0, true);
    view.setUint32(512 + 16, crc32(image.slice(512, 604)), true);

    expect(tableOf(scan(image)).warnings.join()).toContain('an impossible number of entries');
  });
});

describe('MBR', () => {
  function mbrImage(): Uint8Array {
    const image = new Uint8Array(DISK_BYTES);
    for (const { at, bytes } of mbrPatches(512, place('mbr', 512))) image.set(bytes, at);
    return image;
  }

  it('is read', () => {
    const table = tableOf(scan(mbrImage()));
    expect(table.scheme).toBe('mbr');
    expect(table.partitions).toEqual([
      { index: 0, firstSector: 2048, sectors: 8192, name: '' },
      { index: 1, firstSector: 10_240, sectors: 12_288, name: '' },
    ]);
  });

  it('refuses a partition over itself', () => {
    const image = mbrImage();
    new DataView(image.buffer).setUint32(446 + 8, 0, true);
    expect(tableOf(scan(image)).partitions[0]?.problem).toBe('it overlaps the partition table');
  });

  it('is missing from an empty disk, and from one that is too small', () => {
    expect(scan(new Uint8Array(DISK_BYTES))).toMatchObject({ kind: 'none' });
    expect(scan(new Uint8Array(4096))).toMatchObject({ reason: 'the disk is too small' });
  });
});

describe('logical partitions', () => {
  const EXTENDED = 10_240;
  const SECOND = 4096;

  function setEntry(image: Uint8Array, sector: number, entry: number, fields: number[]): void {
    const [type = 0, first = 0, sectors = 0] = fields;
    const at = sector * 512 + 446 + 16 * entry;
    const view = new DataView(image.buffer);
    image[at + 4] = type;
    view.setUint32(at + 8, first, true);
    view.setUint32(at + 12, sectors, true);
    image.set([0x55, 0xaa], sector * 512 + 510);
  }

  /** One primary partition, and two logical ones in an extended partition of 8 MiB. */
  function image(): Uint8Array {
    const bytes = new Uint8Array(DISK_BYTES);
    setEntry(bytes, 0, 0, [0x83, 2048, 8192]);
    setEntry(bytes, 0, 1, [0x05, EXTENDED, 16_384]);
    setEntry(bytes, EXTENDED, 0, [0x83, 8, 2048]);
    setEntry(bytes, EXTENDED, 1, [0x05, SECOND, 8200]);
    setEntry(bytes, EXTENDED + SECOND, 0, [0x83, 8, 4096]);
    return bytes;
  }

  function scanned(change: (bytes: Uint8Array) => void, unreadable: readonly number[] = []) {
    const bytes = image();
    change(bytes);
    return tableOf(scan(bytes, 512, unreadable));
  }

  it('are numbered from 4, behind the extended partition', () => {
    const { partitions, warnings } = scanned(() => undefined);

    expect(partitions).toEqual([
      { index: 0, firstSector: 2048, sectors: 8192, name: '' },
      {
        index: 1,
        firstSector: EXTENDED,
        sectors: 16_384,
        name: '',
        problem: 'it is the extended partition',
      },
      { index: 4, firstSector: EXTENDED + 8, sectors: 2048, name: '', inside: 1 },
      { index: 5, firstSector: EXTENDED + SECOND + 8, sectors: 4096, name: '', inside: 1 },
    ]);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['itself', 0, 'comes a second time'],
    ['a sector outside', 16_384, 'lies outside'],
    ['a sector without a record', 2, 'has no signature'],
  ])('end, with those found so far, where a record leads to %s', (_where, link, why) => {
    const { partitions, warnings } = scanned((bytes) =>
      setEntry(bytes, EXTENDED, 1, [0x05, link, 8200]),
    );

    expect(partitions.map((one) => one.index)).toEqual([0, 1, 4]);
    expect(warnings.join()).toContain(`at sector ${EXTENDED + link} ${why}`);
  });

  it('end where a record cannot be read, and where one leads to no record', () => {
    const unread = scanned(() => undefined, [EXTENDED / 8]);
    expect(unread.partitions.map((one) => one.index)).toEqual([0, 1]);
    expect(unread.warnings.join()).toContain('cannot be read');

    const astray = scanned((bytes) => setEntry(bytes, EXTENDED, 1, [0x83, SECOND, 8200]));
    expect(astray.warnings.join()).toContain('does not lead to another');
  });

  it('that leave the extended partition, or cover a record or each other, cannot be used', () => {
    const problemOf = (index: number, entry: number[]): string | undefined =>
      scanned((bytes) => setEntry(bytes, EXTENDED, 0, entry)).partitions.find(
        (one) => one.index === index,
      )?.problem;

    expect(problemOf(4, [0x83, 8, 16_384])).toBe('it leaves its extended partition');
    expect(problemOf(4, [0x83, 0, 2048])).toBe('it overlaps the partition table');
    expect(problemOf(4, [0x83, 8, 6000])).toBe('it overlaps partition 5');
    expect(problemOf(5, [0x83, 8, 6000])).toBe('it overlaps partition 4');
  });

  it('in a chain without end are read to a limit', () => {
    const { partitions, warnings } = scanned((bytes) => {
      for (let i = 0; i < 70; i += 1) {
        setEntry(bytes, EXTENDED + i * 16, 0, [0x83, 8, 8]);
        setEntry(bytes, EXTENDED + i * 16, 1, [0x05, (i + 1) * 16, 16]);
      }
    });

    expect(partitions.length).toBe(62);
    expect(warnings.join()).toContain('is one too many');
  });
});

describe('random damage', () => {
  it('never makes the scan read outside the disk or throw', () => {
    const intact = gptImage();
    const image = intact.slice();
    let state = 1;
    const draw = (limit: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    const outcomes = new Set<string>();

    for (let round = 0; round < 300; round += 1) {
      image.set(intact.subarray(0, 65_536));
      image.set(intact.subarray(DISK_BYTES - 65_536), DISK_BYTES - 65_536);
      for (let hits = 0; hits < 4; hits += 1) image[draw(3) * 512 + draw(100)] = draw(256);
      if (draw(2) === 0) image.fill(draw(256), DISK_BYTES - 512 * (1 + draw(40)));
      outcomes.add(scan(image).kind);
    }

    expect(outcomes).toEqual(new Set(['table', 'none']));
  });
});
