/**
 * What the device is given for a request of the sDDF class, which may need several of virtio's, one
 * after the other: when it is longer than the device takes at once, and when a block failed and the
 * driver finds out which, block by block, so that the success count of its answer is exact.
 */

import { type BlkFlights, FLIGHT } from '../../../queues/blk/flights.ts';
import {
  BLK_DISCARD,
  BLK_FLUSH,
  BLK_READ,
  BLK_TRANSFER_BYTES,
  BLK_WRITE,
  BLK_WRITE_ZEROES,
} from '../../../queues/blk/layout.ts';
import type { BlkVirtqueue } from '../../../queues/blk/virtqueue.ts';
import type { LiveDevice } from './device.ts';
import * as R from './regs.ts';

export const SECTORS_PER_BLOCK = BLK_TRANSFER_BYTES / R.SECTOR_BYTES;

/**
 * Ticks in the time after which the watchdog takes a request for stuck: an idle driver leaves at
 * most one behind.
 */
export const WATCHDOG_TICKS = 1000;

/** Time between two ticks of the watchdog. */
export function watchdogTickNs(watchdogNs: number): number {
  return Math.ceil(watchdogNs / WATCHDOG_TICKS);
}

/** The watchdog has ticked. @returns how many requests are stuck */
export function growOlder(flights: BlkFlights, queue: BlkVirtqueue): number {
  let stuck = 0;
  for (let chain = 0; chain < queue.chains; chain += 1) {
    if (!queue.isOutstanding(chain)) continue;
    const age = flights.get(chain, FLIGHT.age) + 1;
    flights.set(chain, FLIGHT.age, age);
    if (age > WATCHDOG_TICKS) stuck += 1;
  }
  return stuck;
}

/** Blocks of the next piece of a request of which `left` blocks are to be done. */
export function pieceOf(device: LiveDevice, code: number, left: number, single: number): number {
  if (code === BLK_FLUSH) return 0;
  if (single === 1) return 1;
  let most = device.transferBlocksMax;
  if (code === BLK_DISCARD) most = Math.floor(device.discardSectorsMax / SECTORS_PER_BLOCK);
  if (code === BLK_WRITE_ZEROES) {
    most = Math.floor(device.writeZeroesSectorsMax / SECTORS_PER_BLOCK);
  }
  return Math.max(1, Math.min(left, most));
}

/**
 * Posts one virtio request. There is room for it.
 *
 * @param low low half of the physical address of its data, signed
 * @returns its chain
 */
export function post(
  device: LiveDevice,
  code: number,
  low: number,
  high: number,
  block: number,
  piece: number,
): number {
  const { queue, flights } = device;
  const sector = block * SECTORS_PER_BLOCK;
  const bytes = piece * BLK_TRANSFER_BYTES;
  let chain;
  switch (code) {
    case BLK_READ:
      chain = queue.postTransfer(R.T_IN, sector, low, high, bytes, 'writable');
      break;
    case BLK_WRITE:
      chain = queue.postTransfer(R.T_OUT, sector, low, high, bytes, 'readable');
      break;
    case BLK_DISCARD:
      chain = queue.postRange(R.T_DISCARD, sector, piece * SECTORS_PER_BLOCK);
      break;
    case BLK_WRITE_ZEROES:
      chain = queue.postRange(R.T_WRITE_ZEROES, sector, piece * SECTORS_PER_BLOCK);
      break;
    default:
      chain = queue.postBare(R.T_FLUSH);
  }
  flights.set(chain, FLIGHT.piece, piece);
  flights.set(chain, FLIGHT.age, 0);
  return chain;
}

/** Posts GET_ID into the device's scratch memory. @returns its chain */
export function postGetId(device: LiveDevice): number {
  const low = device.scratchPaddr | 0;
  const high = Math.floor(device.scratchPaddr / 0x1_0000_0000);
  return device.queue.postTransfer(R.T_GET_ID, 0, low, high, R.ID_BYTES, 'writable');
}
