/**
 * One client as the virtualiser sees it: its queues, its share of the disk, and how its requests
 * are ordered.
 */

import type { Region } from '../../memory/region.ts';
import type { ProtectionDomain } from '../../microkit/pd.ts';
import type { BlkVirtClientConfig } from '../../queues/blk/config.ts';
import { BLK_BARRIER, BLK_FLUSH, BLK_READ, BLK_TRANSFER_BYTES } from '../../queues/blk/layout.ts';
import type { BlkEnd } from '../../queues/blk/blk-end.ts';
import { BlkRequestConsumer, emptyRequest } from '../../queues/blk/request-queue.ts';
import { BlkResponseProducer } from '../../queues/blk/response-queue.ts';
import type { Allowance } from './checks.ts';

export class Client implements Allowance {
  readonly config: BlkVirtClientConfig;
  readonly requests: BlkRequestConsumer;
  readonly responses: BlkResponseProducer;
  readonly end: BlkEnd;
  readonly storageInfo: Region;
  readonly dataBytes: number;
  readonly dataPaddr: number;
  /** Its share of the disk; no blocks: no device. */
  firstBlock = 0;
  blocks = 0;
  readOnly = false;
  /** The next request, copied out and found in order, if there is one. */
  readonly head = emptyRequest();
  hasHead = false;
  inFlight = 0;
  inFlightChanges = 0;
  /** A BARRIER is with the device: nothing of this client goes before it is answered. */
  fenced = false;
  /** It has written since the last flush that succeeded. */
  dirty = false;
  /** It has written since the last flush began. */
  dirtySinceFlush = false;
  /**
   * A flush has failed. What the client wrote before it may be lost, so each later flush is
   * answered with an error.
   */
  lost = false;
  answered = false;

  constructor(pd: ProtectionDomain<unknown>, config: BlkVirtClientConfig) {
    const { connection, data } = config;
    this.config = config;
    this.requests = new BlkRequestConsumer(pd.region(connection.requestQueue), connection.capacity);
    this.responses = new BlkResponseProducer(
      pd.region(connection.responseQueue),
      connection.capacity,
    );
    this.end = { connection, requests: this.requests, responses: this.responses };
    this.storageInfo = pd.region(connection.storageInfo);
    this.dataBytes = pd.readonlyRegion(data.region).sizeBytes;
    this.dataPaddr = pd.vars[data.paddrSymbol] as number;
  }

  /**
   * Bytes that its next request costs, 0 when none may go now. FLUSH waits for the changes before
   * it, BARRIER for everything before it; what follows waits behind them, for requests of one
   * client start in order.
   */
  cost(): number {
    if (!this.hasHead || this.fenced) return 0;
    const { code, count } = this.head;
    if (code === BLK_FLUSH) return this.inFlightChanges === 0 ? BLK_TRANSFER_BYTES : 0;
    if (code === BLK_BARRIER) return this.inFlight === 0 ? BLK_TRANSFER_BYTES : 0;
    return count * BLK_TRANSFER_BYTES;
  }

  /** Its request goes to the device. */
  started(code: number): void {
    this.inFlight += 1;
    if (code === BLK_BARRIER) this.fenced = true;
    else if (code !== BLK_READ && code !== BLK_FLUSH) this.inFlightChanges += 1;
  }

  /** Reads and writes of its, a batch of them, go to the device. */
  startedMany(requests: number, writes: number): void {
    this.inFlight += requests;
    this.inFlightChanges += writes;
  }

  /** Reads and writes of its, a batch of them, have come back and are answered. */
  finishedMany(requests: number, writes: number): void {
    this.inFlight -= requests;
    this.answered = true;
    if (writes === 0) return;
    this.inFlightChanges -= writes;
    this.dirty = true;
    this.dirtySinceFlush = true;
  }

  /** A request of its has come back. */
  finished(code: number): void {
    this.inFlight -= 1;
    if (code === BLK_BARRIER) this.fenced = false;
    else if (code !== BLK_READ && code !== BLK_FLUSH) {
      this.inFlightChanges -= 1;
      this.dirty = true;
      this.dirtySinceFlush = true;
    }
  }

  /** Whether a response slot is left for one more request. */
  canAnswer(): boolean {
    return this.responses.free() > this.inFlight;
  }

  answer(status: number, successCount: number, id: number): void {
    // One that is down will not know its requests any more.
    if (this.responses.isClosed) return;
    this.responses.enqueue(status, successCount, id);
    this.answered = true;
  }
}
