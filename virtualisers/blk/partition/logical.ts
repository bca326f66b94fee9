/**
 * Logical partitions of an MBR: a chain of records inside the extended partition. Each record has
 * the shape of an MBR; its first entry is a logical partition, counted from the record, and its
 * second the next record, counted from the extended partition. They are numbered from 4, whatever
 * number the extended partition has.
 *
 * Any link may be a lie: a record is read once at most, inside the extended partition, and there is
 * an end to their number.
 */

import { hasMbrSignature, type MbrEntry, mbrEntry } from './mbr.ts';
import type { Partition } from './table.ts';

const FIRST_INDEX = 4;
/** As many as Linux looks for. */
const LOGICAL_MAX = 60;

export class LogicalChain {
  readonly partitions: Partition[] = [];
  /** Sectors that hold records of the table. */
  readonly records: number[] = [];
  /** Why the chain ends before its end. */
  problem: string | undefined;
  readonly #extended: Partition;
  readonly #diskSectors: number;
  #next: number | undefined;

  constructor(extended: Partition, diskSectors: number) {
    this.#extended = extended;
    this.#diskSectors = diskSectors;
    this.#follow(extended.firstSector);
  }

  /** Sector of the next record; undefined when there is none. */
  get next(): number | undefined {
    return this.#next;
  }

  /** @param bytes of the record at {@link next}, undefined when it could not be read */
  take(bytes: Uint8Array | undefined): void {
    const at = this.#next as number;
    this.#next = undefined;
    if (bytes === undefined) return this.#break(at, 'cannot be read');
    if (!hasMbrSignature(bytes)) return this.#break(at, 'has no signature');
    this.records.push(at);
    const logical = mbrEntry(bytes, 0);
    if (logical.kind !== 'unused') this.partitions.push(this.#partition(at, logical));
    const link = mbrEntry(bytes, 1);
    if (link.kind === 'unused') return;
    if (link.kind !== 'extended') return this.#break(at, 'does not lead to another');
    this.#follow(this.#extended.firstSector + link.firstSector);
  }

  #partition(at: number, entry: MbrEntry): Partition {
    const { firstSector: start, sectors, index } = this.#extended;
    const firstSector = at + entry.firstSector;
    const leaves = firstSector + entry.sectors > start + sectors;
    return {
      index: FIRST_INDEX + this.partitions.length,
      firstSector,
      sectors: entry.sectors,
      name: '',
      inside: index,
      ...(leaves ? { problem: 'it leaves its extended partition' } : {}),
    };
  }

  #follow(sector: number): void {
    const { firstSector, sectors } = this.#extended;
    const isInside = sector >= firstSector && sector < firstSector + sectors;
    if (!isInside || sector >= this.#diskSectors) return this.#break(sector, 'lies outside');
    if (this.records.includes(sector)) return this.#break(sector, 'comes a second time');
    if (this.records.length >= LOGICAL_MAX) return this.#break(sector, 'is one too many');
    this.#next = sector;
  }

  #break(sector: number, why: string): void {
    this.problem = `the record at sector ${sector} ${why}`;
  }
}
