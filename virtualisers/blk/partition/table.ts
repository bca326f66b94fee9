/** What a partition table says, whichever kind it is. */

export interface Partition {
  /** Place in the table, from 0. */
  readonly index: number;
  /** In logical sectors of the device. */
  readonly firstSector: number;
  readonly sectors: number;
  /** GPT's name; empty for MBR. */
  readonly name: string;
  /** The extended partition that it is a part of. */
  readonly inside?: number;
  /** Why it cannot be used, if it cannot. */
  readonly problem?: string;
}

export interface PartitionTable {
  readonly scheme: 'gpt' | 'mbr';
  /** Entries that are in use. */
  readonly partitions: readonly Partition[];
  /** What a person should know, such as that the backup was used. */
  readonly warnings: readonly string[];
}

export type ScanResult =
  | { readonly kind: 'table'; readonly table: PartitionTable }
  | { readonly kind: 'none'; readonly reason: string };

/**
 * Adds a `problem` to every partition that lies outside the disk, or overlaps another or the table
 * itself.
 *
 * @param tableSectors sectors of the table that a partition might cover
 */
export function findProblems(
  partitions: readonly Partition[],
  diskSectors: number,
  tableSectors: readonly number[],
): Partition[] {
  return partitions.map((one) => {
    const problem = problemOf(one, partitions, diskSectors) ?? coverOf(one, tableSectors);
    return problem === undefined ? one : { ...one, problem };
  });
}

function problemOf(
  one: Partition,
  all: readonly Partition[],
  diskSectors: number,
): string | undefined {
  if (one.problem !== undefined) return one.problem;
  if (one.sectors <= 0) return 'it is empty';
  // Both are at most 2^64: a sum that large cannot come back into range.
  if (one.firstSector + one.sectors > diskSectors) return 'it ends beyond the disk';
  const other = all.find(
    (two) => two.index !== one.index && two.index !== one.inside && overlap(one, two),
  );
  return other === undefined ? undefined : `it overlaps partition ${other.index}`;
}

function coverOf(one: Partition, tableSectors: readonly number[]): string | undefined {
  const end = one.firstSector + one.sectors;
  const covers = tableSectors.some((sector) => sector >= one.firstSector && sector < end);
  return covers ? 'it overlaps the partition table' : undefined;
}

function overlap(a: Partition, b: Partition): boolean {
  return (
    b.sectors > 0 &&
    a.firstSector < b.firstSector + b.sectors &&
    b.firstSector < a.firstSector + a.sectors
  );
}
