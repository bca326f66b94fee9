/**
 * The requests that the device has, by the chain that carries each. One sDDF request may need
 * several virtio requests, one after the other: when it is longer than the device takes at once,
 * and when a block failed and the driver finds out which, block by block, so that the success count
 * of its answer is exact.
 */

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

/**
 * Fields of a request in flight; plain arrays indexed by chain, so that nothing is allocated per
 * request.
 */
export class InFlight {
  readonly id: Uint32Array;
  readonly code: Uint8Array;
  /** Physical address of its data, in signed halves. */
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly block: Float64Array;
  readonly count: Uint32Array;
  /** Blocks that are done. */
  readonly done: Uint32Array;
  /** Blocks that the device has now. */
  readonly piece: Uint32Array;
  /** 1: something failed, so blocks go one by one. */
  readonly single: Uint8Array;
  readonly retriesLeft: Uint32Array;
  /** Ticks of the watchdog that the present piece has seen. */
  readonly age: Uint16Array;

  constructor(chains: number) {
    this.id = new Uint32Array(chains);
    this.code = new Uint8Array(chains);
    this.low = new Int32Array(chains);
    this.high = new Int32Array(chains);
    this.block = new Float64Array(chains);
    this.count = new Uint32Array(chains);
    this.done = new Uint32Array(chains);
    this.piece = new Uint32Array(chains);
    this.single = new Uint8Array(chains);
    this.retriesLeft = new Uint32Array(chains);
    this.age = new Uint16Array(chains);
  }

  /** Time between two ticks of the watchdog. */
  static tickNs(watchdogNs: number): number {
    return Math.ceil(watchdogNs / WATCHDOG_TICKS);
  }

  /** The watchdog has ticked. @returns how many requests are stuck */
  growOlder(queue: BlkVirtqueue): number {
    let stuck = 0;
    for (let chain = 0; chain < queue.chains; chain += 1) {
      if (!queue.isOutstanding(chain)) continue;
      const age = (this.age[chain] as number) + 1;
      this.age[chain] = age;
      if (age > WATCHDOG_TICKS) stuck += 1;
    }
    return stuck;
  }

  /** A request goes on in another chain. */
  move(from: number, to: number): void {
    if (from === to) return;
    this.id[to] = this.id[from] as number;
    this.code[to] = this.code[from] as number;
    this.low[to] = this.low[from] as number;
    this.high[to] = this.high[from] as number;
    this.block[to] = this.block[from] as number;
    this.count[to] = this.count[from] as number;
    this.done[to] = this.done[from] as number;
    this.single[to] = this.single[from] as number;
    this.retriesLeft[to] = this.retriesLeft[from] as number;
  }
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
  flight: InFlight,
  code: number,
  low: number,
  high: number,
  block: number,
  piece: number,
): number {
  const { queue } = device;
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
  flight.piece[chain] = piece;
  flight.age[chain] = 0;
  return chain;
}

/** Posts GET_ID into the device's scratch memory. @returns its chain */
export function postGetId(device: LiveDevice): number {
  const low = device.scratchPaddr | 0;
  const high = Math.floor(device.scratchPaddr / 0x1_0000_0000);
  return device.queue.postTransfer(R.T_GET_ID, 0, low, high, R.ID_BYTES, 'writable');
}
