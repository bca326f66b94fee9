/**
 * The virtio block device (virtio 1.2 §5.2) over a block wire.
 *
 * A notification only marks the device due. In its turn it takes every available request, starts
 * its operations on the wire, and publishes what is finished in one batch; what the wire finishes
 * later is published in a later turn, in the order in which it finishes. A request with several
 * pieces of data is several operations, and is over when all are.
 *
 * Durability, §5.2.6.2: with write-back a finished write is durable after a FLUSH; with
 * write-through (neither FLUSH nor CONFIG_WCE negotiated, or `writeback` set to 0) a write is
 * finished only when the wire has flushed it.
 *
 * Not modelled: several queues, zones, secure erase, life time; data in pieces that are no whole
 * sectors beyond {@link BOUNCE_BYTES} in one request (answered IOERR).
 */

import type { Ram } from '../../memory/ram.ts';
import { LazyLoop } from '../../memory/lazy-loop.ts';
import type { BlockEnd, BlockStatus, BlockWire } from '../block-wire.ts';
import { BLOCK_OK, BLOCK_PENDING, BLOCK_UNSUPPORTED, SECTOR_BYTES } from '../block-wire.ts';
import type { DeviceRules, DmaWindow, IrqLine, Lint, Turn, TurnQueue } from '../device.ts';
import { BlkChain } from './blk-chain.ts';
import { rangeSector, rangesStatus, transferFault } from './blk-checks.ts';
import { BlkConfig, type BlkLimits } from './blk-config.ts';
import { blkLoops, OWN, OWN_BYTES } from './blk-loops.ts';
import {
  BLK_ID_BYTES,
  BLK_RANGE_F_UNMAP,
  BlkRange,
  VIRTIO_BLK_F_DISCARD,
  VIRTIO_BLK_F_FLUSH,
  VIRTIO_BLK_F_WRITE_ZEROES,
  VIRTIO_BLK_S_IOERR,
  VIRTIO_BLK_S_OK,
  VIRTIO_BLK_S_UNSUPP,
  VIRTIO_BLK_T_DISCARD,
  VIRTIO_BLK_T_FLUSH,
  VIRTIO_BLK_T_GET_ID,
  VIRTIO_BLK_T_IN,
  VIRTIO_BLK_T_OUT,
  VIRTIO_BLK_T_WRITE_ZEROES,
} from './blk-registers.ts';
import type { ChainLoop } from './chain-loops.ts';
import { type DeviceQueue, NO_CHAIN } from './device-queue.ts';
import { type Features, hasFeature } from './mmio-registers.ts';
import { type MakeQueue, VirtioMmio, type VirtioModel } from './mmio.ts';

const QUEUE_SIZE_MAX = 256;
const BLOCK_DEVICE_ID = 2;
const BOUNCE_BYTES = 65_536;
/** Bytes times this are sectors, exactly. A folded constant: docs/hot-code.md. */
const PER_SECTOR = 1 / SECTOR_BYTES;
const NO_HEAD = -1;

export interface VirtioBlkOptions {
  /** Name for lint and dumps. */
  readonly name: string;
  readonly wire: BlockWire;
  readonly ram: Ram;
  readonly dma: DmaWindow;
  readonly irqLine: IrqLine;
  readonly lint: Lint;
  /** Lenient unless told. */
  readonly rules?: DeviceRules;
  readonly turns: TurnQueue;
  readonly limits?: Partial<BlkLimits>;
  /** Entries of the request queue; a power of two, 256 unless told. */
  readonly queueSize?: number;
  /** Index at which the rings start, see `DeviceQueueOptions`. */
  readonly startIndex?: number;
  readonly makeQueue?: MakeQueue;
}

/** What the device has done since power-on. */
export interface BlkCounters {
  requests: number;
  readBytes: number;
  writtenBytes: number;
  flushes: number;
  ioErrors: number;
  unsupported: number;
}

export class VirtioBlk implements VirtioModel, Turn, BlockEnd {
  readonly deviceId = BLOCK_DEVICE_ID;
  readonly queueSizes: readonly number[];
  readonly offered: Features;
  readonly transport: VirtioMmio;
  readonly counters: BlkCounters;
  readonly #wire: BlockWire;
  readonly #ram: Ram;
  readonly #turns: TurnQueue;
  readonly #lint: Lint;
  readonly #config: BlkConfig;
  readonly #queue: DeviceQueue;
  readonly #chain: BlkChain;
  readonly #bounceAt: number;
  /** For many requests at once, and what it is given; undefined: the wire is more than memory. */
  readonly #loop: ChainLoop | undefined;
  readonly #ownAt: number;
  /** The request whose data is in the bounce buffer. */
  #bounceHead = NO_HEAD;
  #accepted: Features = { low: 0, high: 0 };
  // Requests in flight, by head.
  readonly #pending: Int32Array;
  readonly #worst: Uint8Array;
  readonly #statusAt: Int32Array;
  readonly #usedBytes: Uint32Array;
  readonly #afterwards: Uint8Array;

  constructor(options: VirtioBlkOptions) {
    const size = options.queueSize ?? QUEUE_SIZE_MAX;
    this.#wire = options.wire;
    this.#ram = options.ram;
    this.#turns = options.turns;
    this.#lint = options.lint;
    this.queueSizes = [size];
    this.#config = new BlkConfig(options.wire, size, options.limits ?? {});
    this.offered = this.#config.offered;
    this.transport = new VirtioMmio({ ...options, model: this });
    this.#queue = this.transport.queue(0);
    this.#chain = new BlkChain(options.ram, this.#queue);
    this.#bounceAt = options.ram.takeStaging(BOUNCE_BYTES);
    this.#pending = new Int32Array(size);
    this.#worst = new Uint8Array(size);
    this.#statusAt = new Int32Array(size);
    this.#usedBytes = new Uint32Array(size);
    this.#afterwards = new Uint8Array(size);
    this.counters = newCounters();
    options.wire.attach(this);
    this.#ownAt = options.ram.takeStaging(OWN_BYTES);
    this.#loop = this.#makeLoop(size);
  }

  brokenDependency(_accepted: Features): string | undefined {
    return undefined;
  }

  readConfig(offset: number, width: number): number {
    return this.#config.read(offset, width);
  }

  writeConfig(offset: number, value: number, width: number): 'ok' | 'refused' {
    return this.#config.write(offset, value, width, this.#accepted);
  }

  driverOk(accepted: Features): void {
    this.#accepted = accepted;
    this.#config.negotiated(accepted);
    this.#turns.markDue(this);
  }

  notified(_queue: number): void {
    this.#turns.markDue(this);
  }

  queueStopped(_queue: number): void {
    this.#forgetRequests();
  }

  reset(): void {
    this.#accepted = { low: 0, high: 0 };
    this.#config.reset();
    this.#forgetRequests();
  }

  geometryChanged(): void {
    this.#config.refreshCapacity();
    this.transport.configChanged();
  }

  /** The board's turn: takes what is available, and publishes what is finished. */
  work(): void {
    const queue = this.#queue;
    if (!this.transport.live) return;
    queue.disableNotify();
    do {
      this.#transferMany();
      for (let head = this.#take(); head !== NO_CHAIN; head = this.#take()) this.#begin(head);
    } while (this.#bounceHead === NO_HEAD && queue.enableNotify());
    this.#wire.submit();
    if (queue.publish()) this.transport.interruptUsed();
  }

  completed(tag: number, status: BlockStatus): void {
    const left = (this.#pending[tag] as number) - 1;
    this.#pending[tag] = left;
    if (status !== BLOCK_OK) this.#worst[tag] = status;
    if (left > 0) return;
    this.#operationsOver(tag);
    this.#turns.markDue(this);
  }

  #makeLoop(queueSize: number): ChainLoop | undefined {
    const ram = this.#ram;
    const { limits } = this.#config;
    const diskAt = this.#wire.contentsAt?.();
    if (diskAt === undefined || ram.batches === 'steps' || limits.segMax < 1) return undefined;
    const word = this.#ownAt >>> 2;
    ram.u32[word + OWN.diskAt] = diskAt;
    ram.u32[word + OWN.sectors] = this.#wire.sectors();
    // Of a batch as long as the queue, the sums of bytes stay below 2^32.
    ram.u32[word + OWN.bytesMax] = Math.min(limits.sizeMax, Math.floor(0xffff_ffff / queueSize));
    return new LazyLoop(ram, blkLoops, 'transfer');
  }

  /** Reads and writes many requests, as long as nothing special comes. */
  #transferMany(): void {
    const loop = this.#loop;
    if (loop === undefined) return;
    const done = this.#queue.runLoop(loop, this.queueSizes[0] as number, this.#ownAt, 0);
    if (done === 0) return;
    const { counters } = this;
    const { u32 } = this.#ram;
    const word = this.#ownAt >>> 2;
    counters.requests += done;
    counters.readBytes += u32[word + OWN.readBytes] as number;
    counters.writtenBytes += u32[word + OWN.writtenBytes] as number;
  }

  /** @returns the head of the next request with its chain copied out, or NO_CHAIN */
  #take(): number {
    const queue = this.#queue;
    if (this.#bounceHead !== NO_HEAD) return NO_CHAIN;
    const head = queue.pop();
    if (head === NO_CHAIN) return NO_CHAIN;
    const chain = this.#chain;
    chain.locateStatus();
    if (queue.chainState === 'misordered') {
      return queue.fail(6, '§2.7.4.2', 'a readable descriptor follows a writable one');
    }
    if (chain.statusAt < 0) {
      return queue.fail(6, '§5.2.6', 'a request has no status byte that can be written');
    }
    return head;
  }

  /** Starts the operations of one request. */
  #begin(head: number): void {
    const chain = this.#chain;
    this.counters.requests += 1;
    this.#pending[head] = 0;
    this.#worst[head] = BLOCK_OK;
    this.#afterwards[head] = AFTER_NOTHING;
    this.#statusAt[head] = chain.statusAt;
    this.#usedBytes[head] = this.#queue.writableBytes;
    if (this.#queue.chainState === 'unreachable') return this.#finish(head, VIRTIO_BLK_S_IOERR);
    if (!chain.readHeader()) return this.#refuse(head, 'a request is shorter than its header');
    switch (chain.type) {
      case VIRTIO_BLK_T_IN:
        return this.#read(head);
      case VIRTIO_BLK_T_OUT:
        return this.#write(head);
      case VIRTIO_BLK_T_FLUSH:
        return this.#flush(head);
      case VIRTIO_BLK_T_GET_ID:
        return this.#identify(head);
      case VIRTIO_BLK_T_DISCARD:
      case VIRTIO_BLK_T_WRITE_ZEROES:
        return this.#clear(head);
      default:
        return this.#finish(head, VIRTIO_BLK_S_UNSUPP);
    }
  }

  #read(head: number): void {
    const chain = this.#chain;
    chain.collectWritable();
    if (!this.#isTransferLegal(head)) return;
    this.counters.readBytes += chain.dataBytes;
    if (!chain.hasWholeSectors) {
      this.#bounceHead = head;
      this.#afterwards[head] = AFTER_UNBOUNCE;
      this.#started(head, this.#wire.read(head, chain.sector, this.#bounceAt, chain.dataBytes));
      return this.#closeStart(head);
    }
    let sector = chain.sector;
    for (let i = 0; i < chain.pieces; i += 1) {
      const length = chain.pieceLength[i] as number;
      this.#started(head, this.#wire.read(head, sector, chain.pieceAt[i] as number, length));
      sector += length * PER_SECTOR;
    }
    this.#closeStart(head);
  }

  #write(head: number): void {
    const chain = this.#chain;
    chain.collectReadable();
    if (this.#wire.isReadOnly()) return this.#finish(head, VIRTIO_BLK_S_IOERR);
    if (!this.#isTransferLegal(head)) return;
    this.counters.writtenBytes += chain.dataBytes;
    if (this.#config.isWriteThrough()) this.#afterwards[head] = AFTER_FLUSH;
    if (!chain.hasWholeSectors) {
      this.#bounceHead = head;
      chain.gather(this.#bounceAt);
      this.#started(head, this.#wire.write(head, chain.sector, this.#bounceAt, chain.dataBytes));
      return this.#closeStart(head);
    }
    let sector = chain.sector;
    for (let i = 0; i < chain.pieces; i += 1) {
      const length = chain.pieceLength[i] as number;
      this.#started(head, this.#wire.write(head, sector, chain.pieceAt[i] as number, length));
      sector += length * PER_SECTOR;
    }
    this.#closeStart(head);
  }

  #flush(head: number): void {
    if (!hasFeature(this.#accepted, VIRTIO_BLK_F_FLUSH)) {
      return this.#finish(head, VIRTIO_BLK_S_UNSUPP);
    }
    this.counters.flushes += 1;
    this.#started(head, this.#wire.flush(head));
    this.#closeStart(head);
  }

  #identify(head: number): void {
    const chain = this.#chain;
    chain.collectWritable();
    const id = this.#wire.serialNumber();
    let index = 0;
    for (let i = 0; i < chain.pieces; i += 1) {
      const at = chain.pieceAt[i] as number;
      const length = Math.min(chain.pieceLength[i] as number, BLK_ID_BYTES - index);
      for (let k = 0; k < length; k += 1, index += 1) {
        this.#ram.u8[at + k] = index < id.length ? id.charCodeAt(index) & 0x7f : 0;
      }
    }
    this.#usedBytes[head] = index + 1;
    this.#finish(head, VIRTIO_BLK_S_OK);
  }

  /** DISCARD and WRITE_ZEROES: one or more ranges. */
  #clear(head: number): void {
    const chain = this.#chain;
    const discards = chain.type === VIRTIO_BLK_T_DISCARD;
    const feature = discards ? VIRTIO_BLK_F_DISCARD : VIRTIO_BLK_F_WRITE_ZEROES;
    if (!hasFeature(this.#accepted, feature)) return this.#finish(head, VIRTIO_BLK_S_UNSUPP);
    chain.collectReadable();
    const { limits } = this.#config;
    const ranges = chain.dataBytes / BlkRange.SIZE;
    if (ranges === 0 || !Number.isInteger(ranges) || ranges > limits.rangesMax) {
      return this.#refuse(head, 'a discard or write-zeroes has an illegal number of ranges');
    }
    if (this.#wire.isReadOnly()) return this.#finish(head, VIRTIO_BLK_S_IOERR);
    if (this.#bounceHead !== NO_HEAD || chain.dataBytes > BOUNCE_BYTES) {
      return this.#finish(head, VIRTIO_BLK_S_IOERR);
    }
    chain.gather(this.#bounceAt);
    const wrong = rangesStatus(this.#ram.view, this.#bounceAt, {
      ranges,
      flagsAllowed: discards ? 0 : BLK_RANGE_F_UNMAP,
      sectorsMax: limits.rangeSectorsMax,
      diskSectors: this.#wire.sectors(),
    });
    if (wrong !== VIRTIO_BLK_S_OK) return this.#finish(head, wrong);
    if (this.#config.isWriteThrough()) this.#afterwards[head] = AFTER_FLUSH;
    for (let i = 0; i < ranges; i += 1) {
      const at = this.#bounceAt + i * BlkRange.SIZE;
      const sector = rangeSector(this.#ram.view, at);
      const sectors = BlkRange.sectors.get(this.#ram.view, at);
      this.#started(
        head,
        discards
          ? this.#wire.discard(head, sector, sectors)
          : this.#wire.writeZeroes(head, sector, sectors),
      );
    }
    this.#closeStart(head);
  }

  /** Checks length and range of a read or write; finishes the request when they are illegal. */
  #isTransferLegal(head: number): boolean {
    const chain = this.#chain;
    const wrong = transferFault(chain, this.#config.limits, BOUNCE_BYTES);
    if (wrong !== undefined) {
      this.#refuse(head, wrong);
      return false;
    }
    // A sector number near 2^64 is a number so large that the sum cannot come back into range.
    if (chain.sector + chain.dataBytes * PER_SECTOR > this.#wire.sectors()) {
      this.#finish(head, VIRTIO_BLK_S_IOERR);
      return false;
    }
    return true;
  }

  #started(head: number, status: BlockStatus): void {
    if (status === BLOCK_PENDING) this.#pending[head] = (this.#pending[head] as number) + 1;
    else if (status !== BLOCK_OK) this.#worst[head] = status;
  }

  /** All operations of the request have been started. */
  #closeStart(head: number): void {
    if (this.#pending[head] === 0) this.#operationsOver(head);
  }

  #operationsOver(head: number): void {
    if (this.#worst[head] === BLOCK_OK && this.#afterwards[head] === AFTER_FLUSH) {
      this.#afterwards[head] = AFTER_NOTHING;
      this.#started(head, this.#wire.flush(head));
      if (this.#pending[head] !== 0) return;
    }
    if (this.#bounceHead === head) this.#leaveBounce(head);
    const worst = this.#worst[head];
    if (worst === BLOCK_OK) this.#finish(head, VIRTIO_BLK_S_OK);
    else this.#finish(head, worst === BLOCK_UNSUPPORTED ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR);
  }

  /**
   * Hands a read's bytes out of the bounce buffer. Nothing was popped since, so the chain is still
   * the request's.
   */
  #leaveBounce(head: number): void {
    this.#bounceHead = NO_HEAD;
    if (this.#afterwards[head] !== AFTER_UNBOUNCE || this.#worst[head] !== BLOCK_OK) return;
    this.#chain.scatter(this.#bounceAt);
  }

  #refuse(head: number, what: string): void {
    this.#lint.report(this.transport.name, 'virtio 1.2 §5.2.6', what, 'later');
    this.#finish(head, VIRTIO_BLK_S_IOERR);
  }

  #finish(head: number, status: number): void {
    if (status === VIRTIO_BLK_S_IOERR) this.counters.ioErrors += 1;
    if (status === VIRTIO_BLK_S_UNSUPP) this.counters.unsupported += 1;
    this.#ram.u8[this.#statusAt[head] as number] = status;
    this.#queue.push(head, this.#usedBytes[head] as number);
  }

  #forgetRequests(): void {
    this.#wire.abandon();
    this.#bounceHead = NO_HEAD;
  }
}

/** What follows when all operations of a request are over. */
const AFTER_NOTHING = 0;
const AFTER_FLUSH = 1;
const AFTER_UNBOUNCE = 2;

function newCounters(): BlkCounters {
  return { requests: 0, readBytes: 0, writtenBytes: 0, flushes: 0, ioErrors: 0, unsupported: 0 };
}
