/**
 * Gives each client its share of the disk, and tells it through its page of storage information.
 */

import type { BlkStorageInfo } from '../../queues/blk/storage-info.ts';
import { publishStorageInfo, withdrawStorageInfo } from '../../queues/blk/storage-info.ts';
import { BLK_TRANSFER_BYTES } from '../../queues/blk/layout.ts';
import type { Client } from './client.ts';
import type { Partition, ScanResult } from './partition/table.ts';

/** @returns what a person should know, a line each */
export function assignShares(
  clients: readonly Client[],
  result: ScanResult,
  info: BlkStorageInfo,
): string[] {
  const lines: string[] = [];
  if (result.kind === 'table') {
    for (const warning of result.table.warnings) lines.push(`BLK VIRT|WARN: ${warning}`);
  }
  for (const client of clients) {
    const share = shareOf(client.config.partition, result, info);
    if (typeof share === 'string') {
      client.blocks = 0;
      withdrawStorageInfo(client.storageInfo);
      lines.push(`BLK VIRT|ERROR: no device for client '${client.config.name}': ${share}`);
      continue;
    }
    client.firstBlock = share.firstBlock;
    client.blocks = share.blocks;
    client.readOnly = info.readOnly;
    publishStorageInfo(client.storageInfo, { ...info, capacity: share.blocks });
  }
  return lines;
}

/** The device is gone: no client has a share. */
export function withdrawShares(clients: readonly Client[]): void {
  for (const client of clients) {
    client.blocks = 0;
    withdrawStorageInfo(client.storageInfo);
  }
}

interface Share {
  readonly firstBlock: number;
  readonly blocks: number;
}

/** @returns the blocks, or why there are none */
function shareOf(
  wanted: number | 'whole',
  result: ScanResult,
  info: BlkStorageInfo,
): Share | string {
  if (wanted === 'whole') {
    if (info.capacity === 0) return 'the disk is empty';
    return { firstBlock: 0, blocks: info.capacity };
  }
  if (result.kind === 'none') return result.reason;
  const partition = result.table.partitions.find((one) => one.index === wanted);
  if (partition === undefined) return `there is no partition ${wanted}`;
  if (partition.problem !== undefined) {
    return `partition ${wanted} cannot be used: ${partition.problem}`;
  }
  return inBlocks(partition, info.sectorBytes);
}

/**
 * Blocks are 4096 bytes: a partition begins at one, and what is left over at its end is not used.
 */
function inBlocks(partition: Partition, sectorBytes: number): Share | string {
  const start = partition.firstSector * sectorBytes;
  if (start % BLK_TRANSFER_BYTES !== 0) {
    return `partition ${partition.index} does not begin at a multiple of 4096 bytes`;
  }
  const blocks = Math.floor((partition.sectors * sectorBytes) / BLK_TRANSFER_BYTES);
  if (blocks === 0) return `partition ${partition.index} is smaller than a block`;
  return { firstBlock: start / BLK_TRANSFER_BYTES, blocks };
}
