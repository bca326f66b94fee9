/**
 * The device's registers in the order of the specification's initialisation sequence (virtio 1.2
 * §3.1.1, §4.2.3). Nothing that the device answers is believed without a check; what does not fit
 * is a reason, not a crash.
 */

import type { DeviceRegion, Region } from '../../../memory/region.ts';
import { BlkFlights } from '../../../queues/blk/flights.ts';
import { BLK_TRANSFER_BYTES } from '../../../queues/blk/layout.ts';
import { BlkFromDevice } from '../../../queues/blk/loops/from-device.ts';
import { BlkToDevice } from '../../../queues/blk/loops/to-device.ts';
import type { BlkRequestConsumer } from '../../../queues/blk/request-queue.ts';
import type { BlkResponseProducer } from '../../../queues/blk/response-queue.ts';
import { BlkVirtqueue, blkVirtqueueBytes } from '../../../queues/blk/virtqueue.ts';
import * as R from './regs.ts';

const WANTED =
  R.F_SIZE_MAX |
  R.F_SEG_MAX |
  R.F_RO |
  R.F_BLK_SIZE |
  R.F_FLUSH |
  R.F_DISCARD |
  R.F_WRITE_ZEROES |
  R.F_INDIRECT_DESC |
  R.F_EVENT_IDX;
/** Largest request that goes to the device in one piece; longer ones go in several. */
const PIECE_BYTES = 4 * 1024 * 1024;
const SEGMENTS_MAX = 64;
const RESET_POLLS = 1000;
const GENERATION_TRIES = 8;
/** Page at the end of the rings region, for what the driver itself reads. */
const SCRATCH_BYTES = 4096;

export interface Hardware {
  readonly registers: DeviceRegion;
  readonly rings: Region;
  readonly ringsPaddr: number;
  readonly ringEntries: number;
  /** The virtualiser's queues, between which and the device batches are moved. */
  readonly requests: BlkRequestConsumer;
  readonly responses: BlkResponseProducer;
  /** How often a block that fails is tried again. */
  readonly retries: number;
}

/** A device that is initialised and live. */
export interface LiveDevice {
  readonly queue: BlkVirtqueue;
  readonly flights: BlkFlights;
  readonly toDevice: BlkToDevice;
  readonly fromDevice: BlkFromDevice;
  readonly features: number;
  readonly sectorBytes: number;
  readonly readOnly: boolean;
  /** Blocks of one read or write. */
  readonly transferBlocksMax: number;
  /** Sectors of one DISCARD or WRITE_ZEROES. */
  readonly discardSectorsMax: number;
  readonly writeZeroesSectorsMax: number;
  /** Physical address and offset in the rings region of scratch memory. */
  readonly scratchPaddr: number;
  readonly scratchAt: number;
}

export type InitResult =
  | { readonly kind: 'live'; readonly device: LiveDevice }
  | { readonly kind: 'failed'; readonly reason: string };

/** §3.1.1: brings the device from reset to DRIVER_OK. */
export function initialise(hardware: Hardware): InitResult {
  const { registers } = hardware;
  if (registers.read32(R.REG_MAGIC_VALUE) !== R.MAGIC_VALUE) return failed('no virtio device');
  if (registers.read32(R.REG_VERSION) !== R.VERSION) return failed('not virtio-mmio version 2');
  if (registers.read32(R.REG_DEVICE_ID) !== R.DEVICE_ID_BLOCK) return failed('no block device');
  // 1. Reset.
  if (!reset(registers)) return failed('it does not come out of reset');
  // 2., 3. ACKNOWLEDGE, DRIVER.
  addStatus(registers, R.STATUS_ACKNOWLEDGE);
  addStatus(registers, R.STATUS_DRIVER);
  // 4. to 6. Features.
  const features = negotiate(registers);
  if (features === undefined) return giveUp(registers, 'it refuses FEATURES_OK');
  // 7. Queues and device-specific set-up.
  const made = makeQueue(hardware, features);
  if (typeof made === 'string') return giveUp(registers, made);
  const transferBlocksMax = Math.floor(made.bytesMax / BLK_TRANSFER_BYTES);
  const zeroes = readConfig32(registers, R.CONFIG_MAX_WRITE_ZEROES_SECTORS);
  const device: LiveDevice = {
    queue: made,
    ...makeBatches(hardware, made, transferBlocksMax),
    features,
    sectorBytes:
      (features & R.F_BLK_SIZE) !== 0 ? readConfig32(registers, R.CONFIG_BLK_SIZE) : R.SECTOR_BYTES,
    readOnly: (features & R.F_RO) !== 0,
    transferBlocksMax,
    discardSectorsMax: readConfig32(registers, R.CONFIG_MAX_DISCARD_SECTORS),
    writeZeroesSectorsMax: zeroes,
    scratchPaddr: hardware.ringsPaddr + hardware.rings.sizeBytes - SCRATCH_BYTES,
    scratchAt: hardware.rings.sizeBytes - SCRATCH_BYTES,
  };
  // 8. DRIVER_OK.
  addStatus(registers, R.STATUS_DRIVER_OK);
  return { kind: 'live', device };
}

/**
 * Writes 0 to Status and waits, so many reads and no more, until it reads back.
 * @returns whether it did
 */
export function reset(registers: DeviceRegion): boolean {
  registers.write32(R.REG_STATUS, 0);
  for (let i = 0; i < RESET_POLLS; i += 1) if (registers.read32(R.REG_STATUS) === 0) return true;
  return false;
}

/** @returns the size in sectors of 512 bytes, read twice if it changed in between (§2.5.1) */
export function readCapacity(registers: DeviceRegion): number {
  let sectors = 0;
  for (let i = 0; i < GENERATION_TRIES; i += 1) {
    const before = registers.read32(R.REG_CONFIG_GENERATION);
    const low = registers.read32(R.CONFIG_CAPACITY_LOW);
    const high = registers.read32(R.CONFIG_CAPACITY_HIGH);
    sectors = low + high * 0x1_0000_0000;
    if (registers.read32(R.REG_CONFIG_GENERATION) === before) break;
  }
  return sectors;
}

/**
 * What GET_ID has left in scratch memory, up to the first character that is not printable ASCII.
 */
export function serialNumber(rings: Region, device: LiveDevice): string {
  let text = '';
  for (let i = 0; i < R.ID_BYTES; i += 1) {
    const character = rings.read8(device.scratchAt + i);
    if (character < 0x20 || character > 0x7e) break;
    text += String.fromCharCode(character);
  }
  return text;
}

function negotiate(registers: DeviceRegion): number | undefined {
  registers.write32(R.REG_DEVICE_FEATURES_SEL, 0);
  const accepted = registers.read32(R.REG_DEVICE_FEATURES) & WANTED;
  registers.write32(R.REG_DRIVER_FEATURES_SEL, 0);
  registers.write32(R.REG_DRIVER_FEATURES, accepted);
  registers.write32(R.REG_DRIVER_FEATURES_SEL, 1);
  registers.write32(R.REG_DRIVER_FEATURES, R.F_WORD1_VERSION_1);
  addStatus(registers, R.STATUS_FEATURES_OK);
  const kept = registers.read32(R.REG_STATUS) & R.STATUS_FEATURES_OK;
  return kept === 0 ? undefined : accepted;
}

/** @returns the queue, set up in the device, or what is wrong */
function makeQueue(hardware: Hardware, features: number): BlkVirtqueue | string {
  const { registers, rings, ringsPaddr, ringEntries } = hardware;
  registers.write32(R.REG_QUEUE_SEL, 0);
  const offered = registers.read32(R.REG_QUEUE_SIZE_MAX);
  if (registers.read32(R.REG_QUEUE_READY) !== 0) return 'its queue is in use already';
  const { segments, segmentBytes } = segmentation(registers, features);
  let entries = ringEntries;
  while (entries > offered) entries >>>= 1;
  const room = rings.sizeBytes - SCRATCH_BYTES;
  while (entries > 0 && blkVirtqueueBytes({ entries, segments }) > room) entries >>>= 1;
  if (entries < segments + 2) return `its queue is too small (${offered} entries)`;
  const queue = new BlkVirtqueue({
    region: rings,
    paddr: ringsPaddr,
    entries,
    segments,
    segmentBytes,
    indirect: (features & R.F_INDIRECT_DESC) !== 0 ? 'yes' : 'no',
    eventIndex: (features & R.F_EVENT_IDX) !== 0 ? 'yes' : 'no',
  });
  registers.write32(R.REG_QUEUE_SIZE, entries);
  writeAddress(registers, R.REG_QUEUE_DESC_LOW, R.REG_QUEUE_DESC_HIGH, queue.descPaddr);
  writeAddress(registers, R.REG_QUEUE_DRIVER_LOW, R.REG_QUEUE_DRIVER_HIGH, queue.availPaddr);
  writeAddress(registers, R.REG_QUEUE_DEVICE_LOW, R.REG_QUEUE_DEVICE_HIGH, queue.usedPaddr);
  registers.write32(R.REG_QUEUE_READY, 1);
  return queue;
}

function makeBatches(
  { requests, responses, retries }: Hardware,
  ring: BlkVirtqueue,
  blocksMax: number,
): Pick<LiveDevice, 'flights' | 'toDevice' | 'fromDevice'> {
  const flights = new BlkFlights(ring);
  return {
    flights,
    toDevice: new BlkToDevice({ queue: requests, ring, flights, blocksMax, retries }),
    fromDevice: new BlkFromDevice({ ring, flights, queue: responses }),
  };
}

/** How a request's data is cut into segments: SIZE_MAX and SEG_MAX, §5.2.4. */
function segmentation(
  registers: DeviceRegion,
  features: number,
): { segments: number; segmentBytes: number } {
  let segmentBytes = PIECE_BYTES;
  if ((features & R.F_SIZE_MAX) !== 0) {
    const sizeMax = readConfig32(registers, R.CONFIG_SIZE_MAX);
    segmentBytes = Math.max(4096, Math.min(PIECE_BYTES, sizeMax - (sizeMax % 4096)));
  }
  let segments = Math.ceil(PIECE_BYTES / segmentBytes);
  if ((features & R.F_SEG_MAX) !== 0) {
    segments = Math.min(segments, readConfig32(registers, R.CONFIG_SEG_MAX));
  }
  return { segments: Math.max(1, Math.min(segments, SEGMENTS_MAX)), segmentBytes };
}

function readConfig32(registers: DeviceRegion, field: number): number {
  return registers.read32(field);
}

function writeAddress(registers: DeviceRegion, low: number, high: number, paddr: number): void {
  registers.write32(low, paddr % 0x1_0000_0000);
  registers.write32(high, Math.floor(paddr / 0x1_0000_0000));
}

function addStatus(registers: DeviceRegion, bit: number): void {
  registers.write32(R.REG_STATUS, registers.read32(R.REG_STATUS) | bit);
}

function giveUp(registers: DeviceRegion, reason: string): InitResult {
  addStatus(registers, R.STATUS_FAILED);
  return failed(reason);
}

function failed(reason: string): InitResult {
  return { kind: 'failed', reason };
}
