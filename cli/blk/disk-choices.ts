/** What the disks of a run, and its NBD server, mean for the description of the block system. */

import type { DiskSpec } from '../../host/disk/disk.ts';
import { nameOf } from '../../systems/block-names.ts';
import type { NbdOptions } from './disk-options.ts';
import { standardPartition } from './disk-partitions.ts';

/**
 * The client of a disk has its first partition where it has a partition table, else all of it; the
 * server has what it is told to export.
 *
 * @throws UserMistake when an image cannot be read
 */
export function blkChoices(
  disks: readonly DiskSpec[],
  nbd: NbdOptions | undefined,
): Readonly<Record<string, string>> {
  const [first, ...further] = disks;
  const exported = nbd?.partition ?? (first === undefined ? 'whole' : standardPartition(first));
  const choices: Record<string, string> = {
    disks: String(disks.length),
    partition: String(exported),
    nbd: nbd === undefined ? 'no' : 'yes',
  };
  for (const [index, disk] of further.entries()) {
    choices[nameOf('partition', index + 1)] = String(standardPartition(disk));
  }
  return choices;
}
