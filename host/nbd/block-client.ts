/**
 * Carries NBD requests through the block class like any client: in pieces of whole blocks, through
 * a data region, with sDDF's requests and responses.
 *
 * A request that does not begin and end at a block is a read of more, or a write that has to read
 * the blocks at its ends first; such a write runs alone, so that no other write comes between its
 * read and its write.
 */

import type { Region } from '../../memory/region.ts';
import type { ProtectionDomain } from '../../microkit/pd.ts';
import { type BlkEnd, closeBlkEnd, openBlkEnd } from '../../queues/blk/blk-end.ts';
import type { BlkClientConfig } from '../../queues/blk/config.ts';
import {
  BLK_DISCARD,
  BLK_ERR_IO,
  BLK_ERR_INVALID_PARAM,
  BLK_ERR_NO_DEVICE,
  BLK_FLUSH,
  BLK_OK,
  BLK_READ,
  BLK_TRANSFER_BYTES,
  BLK_WRITE,
  BLK_WRITE_ZEROES,
} from '../../queues/blk/layout.ts';
import { BlkRequestProducer } from '../../queues/blk/request-queue.ts';
import { BlkResponseConsumer, emptyResponse } from '../../queues/blk/response-queue.ts';
import { DataBlocks } from './data-blocks.ts';
import * as P from './protocol.ts';
import type { Part } from './transfer.ts';

const BLOCK = BLK_TRANSFER_BYTES;
/** Blocks of one piece of a transfer: 256 KiB. */
const PIECE_BLOCKS = 64;
/**
 * Blocks of one piece of DISCARD or WRITE_ZEROES: no data goes with it, only the count is limited.
 */
const RANGE_BLOCKS = 65_535;

/** A part of a client's request, and whom to tell. */
export interface Job {
  readonly part: Part;
  /** Of a READ: where its bytes go, from `replyAt` on. */
  readonly reply: Buffer;
  readonly replyAt: number;
  /** Whether somebody waits for it: what nobody waits for is not begun, and not gone on with. */
  isWanted(): boolean;
  /** @param error of the NBD protocol, 0 for none */
  finish(error: number): void;
}

interface Running {
  readonly job: Job;
  readonly code: number;
  /** Byte on the disk at which the covered blocks begin, and how many blocks there are. */
  readonly firstBlock: number;
  readonly blocks: number;
  /** Of a WRITE: bytes of all covered blocks. */
  payload: Buffer;
  /** Blocks given to the queue, and blocks that have come back. */
  started: number;
  finished: number;
  error: number;
  /** Runs alone. */
  readonly alone: 'yes' | 'no';
  /**
   * 'fill': the blocks at the ends are being read; 'main': the request itself; 'sync': the flush of
   * FUA.
   */
  phase: 'fill' | 'main' | 'sync';
}

/** A piece of a request that the virtualiser has. */
interface Piece {
  running: Running;
  /** Place in the data region, in blocks; -1 without data. */
  dataBlock: number;
  /** Counted from the request's first block. */
  from: number;
  count: number;
}

export class BlockClient {
  readonly #pd: ProtectionDomain<unknown>;
  readonly #channel: number;
  readonly #requests: BlkRequestProducer;
  readonly #responses: BlkResponseConsumer;
  readonly #end: BlkEnd;
  readonly #data: Region;
  readonly #free: DataBlocks;
  readonly #waiting: Running[] = [];
  /** Pieces by identifier. */
  readonly #pieces: (Piece | undefined)[];
  readonly #freeIds: number[] = [];
  readonly #response = emptyResponse();
  #running = 0;
  #alone: Running | undefined;
  #sent = 0;

  constructor(pd: ProtectionDomain<unknown>, config: BlkClientConfig) {
    const { virt, data } = config;
    this.#pd = pd;
    this.#channel = virt.channel;
    this.#requests = new BlkRequestProducer(pd.region(virt.requestQueue), virt.capacity);
    this.#responses = new BlkResponseConsumer(pd.region(virt.responseQueue), virt.capacity);
    this.#end = { connection: virt, requests: this.#requests, responses: this.#responses };
    this.#data = pd.region(data.region);
    this.#free = new DataBlocks(Math.floor(this.#data.sizeBytes / BLOCK));
    this.#pieces = Array.from({ length: virt.capacity }, () => undefined);
    for (let id = virt.capacity - 1; id >= 0; id -= 1) this.#freeIds.push(id);
  }

  /** The virtualiser is down. What it had been asked for ends with {@link open}. */
  close(): void {
    closeBlkEnd(this.#pd, this.#end);
  }

  /** The virtualiser runs again: what was under way has failed, as far as we can know. */
  open(): void {
    openBlkEnd(this.#end);
    for (const [id, piece] of this.#pieces.entries()) {
      if (piece !== undefined) this.#ended(id, piece, BLK_ERR_IO);
    }
  }

  /** This program has died, and another one takes its place: nobody else answers these jobs. */
  abandon(): void {
    const begun = this.#pieces.flatMap((piece) => (piece === undefined ? [] : [piece.running]));
    for (const { job } of new Set([...begun, ...this.#waiting])) job.finish(P.ERROR_EIO);
    this.#pieces.fill(undefined);
    this.#waiting.length = 0;
  }

  #submit(job: Job): void {
    const { type, offset, length } = job.part;
    if (type === P.CMD_FLUSH) return this.#queue(job, BLK_FLUSH, 0, 0, 'no');
    let first = Math.floor(offset / BLOCK);
    let end = Math.ceil((offset + length) / BLOCK);
    const isAligned = offset % BLOCK === 0 && length % BLOCK === 0;
    switch (type) {
      case P.CMD_READ:
        return this.#queue(job, BLK_READ, first, end - first, 'no');
      case P.CMD_WRITE:
        return this.#queue(job, BLK_WRITE, first, end - first, isAligned ? 'no' : 'yes');
      case P.CMD_WRITE_ZEROES:
        return this.#queue(job, BLK_WRITE_ZEROES, first, end - first, 'no');
      default:
        // TRIM is a hint: only whole blocks.
        first = Math.ceil(offset / BLOCK);
        end = Math.floor((offset + length) / BLOCK);
        return this.#queue(job, BLK_DISCARD, first, Math.max(0, end - first), 'no');
    }
  }

  /**
   * Takes responses, begins what can begin, and notifies once. Asks for a job only when there is
   * room to begin it.
   */
  pump(nextJob: () => Job | undefined): void {
    this.#takeResponses();
    for (;;) {
      while (this.#startNext());
      const isFull = this.#freeIds.length === 0 || this.#requests.free() === 0;
      const job = isFull || this.#waiting.length > 0 ? undefined : nextJob();
      if (job === undefined) break;
      this.#submit(job);
    }
    if (this.#sent === 0) return;
    this.#sent = 0;
    this.#requests.publish();
    this.#pd.notify(this.#channel);
  }

  #queue(job: Job, code: number, firstBlock: number, blocks: number, alone: 'yes' | 'no'): void {
    if (blocks === 0 && code !== BLK_FLUSH) return job.finish(0);
    const { payload } = job.part;
    const phase = alone === 'yes' ? 'fill' : 'main';
    const counts = { started: 0, finished: 0, error: 0 };
    this.#waiting.push({ job, code, firstBlock, blocks, payload, ...counts, alone, phase });
  }

  /**
   * Starts one piece of the oldest request that waits.
   * @returns whether it is worth to look again
   */
  #startNext(): boolean {
    const [next] = this.#waiting;
    if (next === undefined) return false;
    if (!next.job.isWanted()) return this.#abandon(next);
    if (this.#freeIds.length === 0 || this.#requests.free() === 0) return false;
    if (this.#alone !== undefined && this.#alone !== next) return false;
    if (next.alone === 'yes' && this.#alone === undefined) {
      if (this.#running > 0) return false;
      this.#alone = next;
    }
    if (next.started === 0) this.#running += 1;
    if (!this.#startPiece(next)) {
      if (next.started === 0) this.#running -= 1;
      return false;
    }
    if (next.started >= this.#goal(next)) this.#waiting.shift();
    return true;
  }

  /** Begins no more of what nobody waits for; what is under way comes back by itself. */
  #abandon(running: Running): true {
    if (running.error === 0) running.error = P.ERROR_ESHUTDOWN;
    this.#waiting.shift();
    if (running.started > running.finished) return true;
    if (running.started === 0) this.#running += 1;
    this.#phaseOver(running);
    return true;
  }

  /** Blocks that the present phase has to do. */
  #goal(running: Running): number {
    return running.phase === 'main' && running.code !== BLK_FLUSH ? running.blocks : 1;
  }

  /** @returns false when there is no room for its data */
  #startPiece(running: Running): boolean {
    if (running.phase === 'sync' || running.code === BLK_FLUSH) {
      return this.#send(running, BLK_FLUSH, { dataBlock: -1, from: 0, count: 1 });
    }
    if (running.phase === 'fill') {
      // One read covers both ends: these are small requests as a rule, and it keeps the phases two.
      return this.#startFill(running);
    }
    const left = running.blocks - running.started;
    const from = running.started;
    if (running.code === BLK_DISCARD || running.code === BLK_WRITE_ZEROES) {
      const count = Math.min(left, RANGE_BLOCKS);
      return this.#send(running, running.code, { dataBlock: -1, from, count });
    }
    const count = Math.min(left, PIECE_BLOCKS);
    const dataBlock = this.#free.take(count);
    if (dataBlock < 0) return false;
    if (running.code === BLK_WRITE) {
      const start = from * BLOCK;
      this.#data.write(dataBlock * BLOCK, running.payload.subarray(start, start + count * BLOCK));
    }
    return this.#send(running, running.code, { dataBlock, from, count });
  }

  /** Reads first the first block, then the last, of a write that does not fill them. */
  #startFill(running: Running): boolean {
    const dataBlock = this.#free.take(1);
    if (dataBlock < 0) return false;
    const from = running.finished === 0 ? 0 : running.blocks - 1;
    return this.#send(running, BLK_READ, { dataBlock, from, count: 1 });
  }

  #send(running: Running, code: number, piece: Omit<Piece, 'running'>): true {
    const id = this.#freeIds.pop() as number;
    this.#pieces[id] = { running, ...piece };
    running.started += piece.count;
    const offset = Math.max(0, piece.dataBlock) * BLOCK;
    if (code === BLK_FLUSH) this.#requests.enqueue(code, 0, 0, 0, id);
    else this.#requests.enqueue(code, offset, running.firstBlock + piece.from, piece.count, id);
    this.#sent += 1;
    return true;
  }

  #takeResponses(): void {
    const response = this.#response;
    for (let left = this.#responses.available(); left > 0; left -= 1) {
      this.#responses.dequeue(response);
      const piece = this.#pieces[response.id];
      if (piece !== undefined) this.#ended(response.id, piece, response.status);
    }
    this.#responses.release();
  }

  #ended(id: number, piece: Piece, status: number): void {
    this.#pieces[id] = undefined;
    this.#freeIds.push(id);
    this.#pieceDone(piece, status);
  }

  #pieceDone(piece: Piece, status: number): void {
    const { running } = piece;
    if (status !== BLK_OK && running.error === 0) running.error = errorOf(status);
    if (status === BLK_OK && piece.dataBlock >= 0) this.#moveOut(piece);
    if (piece.dataBlock >= 0) this.#free.release(piece.dataBlock, piece.count);
    running.finished += piece.count;
    // Nothing more is started once something has failed.
    const goal = running.error === 0 ? this.#phaseGoal(running) : running.started;
    if (running.finished < goal) {
      if (running.phase === 'fill' && running.error === 0) this.#again(running);
      return;
    }
    this.#phaseOver(running);
  }

  #phaseGoal(running: Running): number {
    if (running.phase === 'fill') return running.blocks > 1 ? 2 : 1;
    return this.#goal(running);
  }

  /** Bytes that were read: to the reply, or to the ends of a write. */
  #moveOut(piece: Piece): void {
    const { running } = piece;
    const { part, reply, replyAt } = running.job;
    const at = piece.dataBlock * BLOCK;
    if (running.phase === 'fill') {
      const block = Buffer.alloc(BLOCK);
      this.#data.read(at, block);
      this.#patch(running, piece.from, block);
    } else if (running.code === BLK_READ) {
      const diskAt = (running.firstBlock + piece.from) * BLOCK;
      const from = Math.max(diskAt, part.offset);
      const to = Math.min(diskAt + piece.count * BLOCK, part.offset + part.length);
      const start = replyAt + from - part.offset;
      this.#data.read(at + from - diskAt, reply.subarray(start, start + to - from));
    }
  }

  /** Puts a block that was read under the bytes of the request. */
  #patch(running: Running, from: number, block: Buffer): void {
    const { part } = running.job;
    if (running.payload.length !== running.blocks * BLOCK) {
      const whole = Buffer.alloc(running.blocks * BLOCK);
      part.payload.copy(whole, part.offset - running.firstBlock * BLOCK);
      running.payload = whole;
    }
    const begin = part.offset - running.firstBlock * BLOCK;
    const end = begin + part.length;
    const at = from * BLOCK;
    if (at < begin) block.copy(running.payload, at, 0, Math.min(BLOCK, begin - at));
    if (at + BLOCK > end) {
      const kept = Math.max(0, end - at);
      block.copy(running.payload, at + kept, kept);
    }
  }

  #again(running: Running): void {
    running.started = running.finished;
    this.#waiting.unshift(running);
  }

  #phaseOver(running: Running): void {
    const failed = running.error !== 0;
    // Pieces that were not started are not going to be.
    const at = this.#waiting.indexOf(running);
    if (at >= 0) this.#waiting.splice(at, 1);
    if (running.phase === 'fill' && !failed) return this.#enter(running, 'main');
    const isChange = running.code !== BLK_READ && running.code !== BLK_FLUSH;
    const wantsSync = isChange && running.job.part.durability === 'sync';
    if (running.phase === 'main' && wantsSync && !failed) return this.#enter(running, 'sync');
    this.#running -= 1;
    if (this.#alone === running) this.#alone = undefined;
    running.job.finish(running.error);
  }

  /** The next phase goes before everything that waits. It counts as running already. */
  #enter(running: Running, phase: Running['phase']): void {
    running.phase = phase;
    running.started = 0;
    running.finished = 0;
    this.#running -= 1;
    this.#waiting.unshift(running);
  }
}

function errorOf(status: number): number {
  if (status === BLK_ERR_INVALID_PARAM) return P.ERROR_EINVAL;
  return status === BLK_ERR_NO_DEVICE ? P.ERROR_ESHUTDOWN : P.ERROR_EIO;
}
