/**
 * A block client that asks at random and compares each answer with a model of the disk. It takes
 * the place of a system's own client, in its domain, with that one's queues and memory.
 *
 * Requests never overlap, so that what a read may bring depends on answers alone.
 */

import type { Random } from '../../board/random.ts';
import type { Region } from '../../memory/region.ts';
import { type EntryPoints, type Program, type ProtectionDomain } from '../../microkit/pd.ts';
import type { BlkClientConfig } from '../../queues/blk/config.ts';
import {
  BLK_BARRIER,
  BLK_DISCARD,
  BLK_ERR_IO,
  BLK_FLUSH,
  BLK_OK,
  BLK_READ,
  BLK_TRANSFER_BYTES,
  BLK_WRITE,
  BLK_WRITE_ZEROES,
} from '../../queues/blk/layout.ts';
import { type BlkEnd, closeBlkEnd, openBlkEnd } from '../../queues/blk/blk-end.ts';
import { BlkRequestProducer } from '../../queues/blk/request-queue.ts';
import { BlkResponseConsumer, emptyResponse } from '../../queues/blk/response-queue.ts';
import { isStorageReady } from '../../queues/blk/storage-info.ts';
import type { MemberConfig } from '../../queues/restart/config.ts';
import { type Connections, joinRestarts, supervised } from '../../queues/restart/member.ts';
import type { Area, DiskModel, FlushTicket, WriteTicket } from './disk-model.ts';
import type { Findings } from './findings.ts';
import { readStamp, stampSector } from './sector-stamp.ts';

const SECTORS_PER_BLOCK = 8;
const SECTOR_BYTES = BLK_TRANSFER_BYTES / SECTORS_PER_BLOCK;
const REQUEST_BLOCKS_MAX = 4;
const IN_FLIGHT_MAX = 8;
/** Blocks that the client uses. */
export const AREA_BLOCKS = 64;

export interface BlkClientConfigRecord {
  readonly blk: BlkClientConfig;
  /** Where there is a supervisor. */
  readonly restart?: MemberConfig;
}

/** What a client and its workload have in common. */
export interface BlkTask {
  readonly name: string;
  readonly random: Random;
  readonly model: DiskModel;
  readonly findings: Findings;
  readonly nowNs: () => number;
  /** First block of the client's area. */
  readonly firstBlock: number;
  /** Requests that are to be made before it is done. */
  readonly amount: number;
  /** 'working': at random; 'checking': all is read once more; 'over': no more. */
  phase: 'working' | 'checking' | 'over';
  asked: number;
  answered: number;
  failed: number;
  openRequests(): number;
  /** Number of the last write: one that is started again does not write the same once more. */
  version: number;
}

interface Request {
  readonly code: number;
  readonly block: number;
  readonly count: number;
  readonly slot: number;
  readonly writes: readonly (readonly [sector: number, ticket: WriteTicket])[];
  readonly flush: FlushTicket | undefined;
  readonly isCheck: boolean;
}

export function blkClient(task: BlkTask): Program<BlkClientConfigRecord> {
  let last: BlkClient | undefined;
  return (pd: ProtectionDomain<BlkClientConfigRecord>): EntryPoints => {
    // It is started again when its requests are over, and is never told how they ended.
    last?.forget();
    const client = new BlkClient(pd, task);
    last = client;
    task.openRequests = () => client.openRequests;
    return supervised(client.member, client, {
      notified: () => client.notified(),
      progress: () => task.answered,
    });
  };
}

class BlkClient implements Connections {
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #pd: ProtectionDomain<BlkClientConfigRecord>;
  readonly #task: BlkTask;
  readonly #requests: BlkRequestProducer;
  readonly #responses: BlkResponseConsumer;
  readonly #end: BlkEnd;
  readonly #data: Region;
  readonly #slots: number;
  readonly #open = new Map<number, Request>();
  readonly #freeSlots: number[];
  readonly #view = new DataView(new ArrayBuffer(REQUEST_BLOCKS_MAX * BLK_TRANSFER_BYTES));
  #nextId = 1;
  /** Next block to be checked; all of the area has been when it is at its end. */
  #checkAt = 0;

  constructor(pd: ProtectionDomain<BlkClientConfigRecord>, task: BlkTask) {
    const { virt, data } = pd.config.blk;
    this.#pd = pd;
    this.#task = task;
    this.#requests = new BlkRequestProducer(pd.region(virt.requestQueue), virt.capacity);
    this.#responses = new BlkResponseConsumer(pd.region(virt.responseQueue), virt.capacity);
    this.#end = { connection: virt, requests: this.#requests, responses: this.#responses };
    this.member = joinRestarts(pd, pd.config.restart);
    if (this.member !== undefined && this.member.abandoned.length > 0) closeBlkEnd(pd, this.#end);
    this.#data = pd.region(data.region);
    const fitting = Math.floor(this.#data.sizeBytes / (REQUEST_BLOCKS_MAX * BLK_TRANSFER_BYTES));
    this.#slots = Math.min(fitting, IN_FLIGHT_MAX);
    this.#freeSlots = Array.from({ length: this.#slots }, (_, slot) => slot);
    this.#work();
  }

  get openRequests(): number {
    return this.#open.size;
  }

  close(): void {
    closeBlkEnd(this.#pd, this.#end);
  }

  /** Whatever was under way has failed, as far as we can know. */
  open(): void {
    openBlkEnd(this.#end);
    for (const id of [...this.#open.keys()]) this.#answered(id, BLK_ERR_IO, 0);
    this.#work();
  }

  /** This client has died: what it had asked to be written may have been. */
  forget(): void {
    for (const { writes } of this.#open.values()) {
      for (const [sector, ticket] of writes) {
        this.#task.model.writeAnswered(sector, ticket, false);
      }
    }
    this.#open.clear();
  }

  notified(): void {
    const response = emptyResponse();
    for (let left = this.#responses.available(); left > 0; left -= 1) {
      this.#responses.dequeue(response);
      this.#answered(response.id, response.status, response.successCount);
    }
    this.#responses.release();
    this.#work();
  }

  /** Asks as much as it may at the moment. */
  #work(): void {
    const { virt } = this.#pd.config.blk;
    if (!isStorageReady(this.#pd.readonlyRegion(virt.storageInfo))) return;
    const before = this.#task.asked;
    if (this.#task.phase === 'working') this.#askAtRandom();
    else if (this.#task.phase === 'checking') this.#check();
    if (this.#task.asked === before) return;
    this.#requests.publish();
    this.#pd.notify(virt.channel);
  }

  #askAtRandom(): void {
    const { random, amount, asked } = this.#task;
    // When it is done it goes on one by one, so that there is always somebody whom an answer can
    // wake.
    const most = asked >= amount ? 1 : 1 + random.below(this.#slots);
    while (this.#open.size < most && this.#canAsk()) {
      const choice = random.below(100);
      if (choice < 8) this.#askFlush(choice < 2 ? BLK_BARRIER : BLK_FLUSH);
      else if (!this.#askTransfer(codeOf(choice))) return;
    }
  }

  #check(): void {
    while (this.#checkAt < AREA_BLOCKS && this.#canAsk()) {
      const slot = this.#takeSlot();
      const count = Math.min(REQUEST_BLOCKS_MAX, AREA_BLOCKS - this.#checkAt);
      const block = this.#task.firstBlock + this.#checkAt;
      this.#checkAt += count;
      this.#send({ ...plain(BLK_READ, block, count, slot), isCheck: true });
    }
    if (this.#checkAt >= AREA_BLOCKS && this.#open.size === 0) this.#task.phase = 'over';
  }

  get #area(): Area {
    const first = this.#task.firstBlock * SECTORS_PER_BLOCK;
    return { first, count: AREA_BLOCKS * SECTORS_PER_BLOCK };
  }

  #canAsk(): boolean {
    return this.#freeSlots.length > 0 && this.#requests.free() > 0;
  }

  #askFlush(code: number): void {
    const slot = this.#takeSlot();
    this.#send({ ...plain(code, 0, 0, slot), flush: this.#task.model.flushAsked(this.#area) });
  }

  /** @returns false when no place is free that nobody else uses */
  #askTransfer(code: number): boolean {
    const { random, firstBlock, model } = this.#task;
    const count = 1 + random.below(REQUEST_BLOCKS_MAX);
    const block = firstBlock + random.below(AREA_BLOCKS - count + 1);
    const isTaken = [...this.#open.values()].some(
      (each) => block < each.block + each.count && each.block < block + count,
    );
    if (isTaken) return false;
    const slot = this.#takeSlot();
    const writes: (readonly [number, WriteTicket])[] = [];
    if (code === BLK_WRITE || code === BLK_WRITE_ZEROES) {
      const version = code === BLK_WRITE ? this.#task.version : 0;
      this.#task.version += 1;
      for (let i = 0; i < count * SECTORS_PER_BLOCK; i += 1) {
        const sector = block * SECTORS_PER_BLOCK + i;
        if (code === BLK_WRITE) stampSector(this.#view, i * SECTOR_BYTES, sector, version);
        writes.push([sector, model.writeAsked(sector, version)]);
      }
      if (code === BLK_WRITE) this.#data.write(this.#offsetOf(slot), this.#bytes(count));
    }
    this.#send({ ...plain(code, block, count, slot), writes });
    return true;
  }

  #send(request: Request): void {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#open.set(id, request);
    this.#task.asked += 1;
    const { code, slot, block, count } = request;
    this.#requests.enqueue(code, this.#offsetOf(slot), block, count, id);
  }

  #answered(id: number, status: number, successCount: number): void {
    const request = this.#open.get(id);
    if (request === undefined) {
      this.#find('answered-once', 'repetition', `gets an answer to ${id}, which is not open`);
      return;
    }
    this.#open.delete(id);
    this.#freeSlots.push(request.slot);
    this.#task.answered += 1;
    const isOk = status === BLK_OK;
    if (!isOk) this.#failed(id, request, status);
    else if (successCount !== request.count && request.count > 0) {
      this.#find(
        'answer',
        'errors',
        `is told that ${successCount} blocks of ${request.count} are done`,
      );
    }
    const { model } = this.#task;
    for (const [sector, ticket] of request.writes) model.writeAnswered(sector, ticket, isOk);
    if (!isOk) return;
    if (request.flush !== undefined) model.flushAnswered(request.flush);
    if (request.code === BLK_DISCARD) {
      model.damaged(request.block * SECTORS_PER_BLOCK, request.count * SECTORS_PER_BLOCK);
    }
    if (request.code === BLK_READ) this.#compare(request);
  }

  #failed(id: number, { code, isCheck }: Request, status: number): void {
    this.#task.failed += 1;
    const what = `gets status ${status} for request ${id} of kind ${code}`;
    this.#find('answer', 'errors', isCheck ? `${what}, after faults have stopped` : what);
  }

  #compare({ block, count, slot }: Request): void {
    this.#data.read(this.#offsetOf(slot), this.#bytes(count));
    for (let i = 0; i < count * SECTORS_PER_BLOCK; i += 1) {
      const sector = block * SECTORS_PER_BLOCK + i;
      const version = readStamp(this.#view, i * SECTOR_BYTES, sector);
      if (this.#task.model.mayRead(sector, version)) continue;
      const what = version === undefined ? 'something else' : `version ${version}`;
      this.#find('payload', 'contents', `reads ${what} from sector ${sector}`);
    }
  }

  #find(oracle: string, excuse: Parameters<Findings['add']>[0]['excuse'], what: string): void {
    const { name: where, nowNs } = this.#task;
    this.#task.findings.add({ oracle, excuse, where, what, timeNs: nowNs() });
  }

  #takeSlot(): number {
    return this.#freeSlots.pop() ?? 0;
  }

  #offsetOf(slot: number): number {
    return slot * REQUEST_BLOCKS_MAX * BLK_TRANSFER_BYTES;
  }

  #bytes(blocks: number): Uint8Array {
    return new Uint8Array(this.#view.buffer, 0, blocks * BLK_TRANSFER_BYTES);
  }
}

function plain(code: number, block: number, count: number, slot: number): Request {
  return { code, block, count, slot, writes: [], flush: undefined, isCheck: false };
}

function codeOf(choice: number): number {
  if (choice < 50) return BLK_WRITE;
  if (choice < 94) return BLK_READ;
  return choice < 97 ? BLK_WRITE_ZEROES : BLK_DISCARD;
}
