/**
 * The client of sDDF's block example: writes a picture of the seL4 name over two blocks, reads it
 * back to another place, compares, and says so with that example's messages, on which its
 * continuous integration waits.
 *
 * Beyond upstream: it says when there is no device, and a comparison that fails is an error.
 */

import type { Region } from '../../memory/region.ts';
import type { Channel, EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import type { BlkClientConfig } from '../../queues/blk/config.ts';
import {
  BLK_ERR_IO,
  BLK_ERR_NO_DEVICE,
  BLK_OK,
  BLK_READ,
  BLK_TRANSFER_BYTES,
  BLK_WRITE,
} from '../../queues/blk/layout.ts';
import { type BlkEnd, closeBlkEnd, openBlkEnd } from '../../queues/blk/blk-end.ts';
import { BlkRequestProducer } from '../../queues/blk/request-queue.ts';
import { BlkResponseConsumer, emptyResponse } from '../../queues/blk/response-queue.ts';
import { isStorageReady, readStorageInfo } from '../../queues/blk/storage-info.ts';
import type { MemberConfig } from '../../queues/restart/config.ts';
import { type Connections, joinRestarts, supervised } from '../../queues/restart/member.ts';
import { PICTURE } from './picture.ts';

/** Bytes written: two blocks, the second one in part, as upstream. */
const TEXT_BYTES = 4314;
const BLOCKS = 2;
const REQUEST_ID = 0;

type Step = 'waiting' | 'probing' | 'writing' | 'reading' | 'done';

export interface BlkCheckConfig {
  readonly blk: BlkClientConfig;
  /** Where there is a supervisor. */
  readonly restart?: MemberConfig;
}

export function main(pd: ProtectionDomain<BlkCheckConfig>): EntryPoints {
  const check = new BlkCheck(pd);
  return supervised(check.member, check, { notified: (channel) => check.notified(channel) });
}

class BlkCheck implements Connections {
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #pd: ProtectionDomain<BlkCheckConfig>;
  readonly #requests: BlkRequestProducer;
  readonly #responses: BlkResponseConsumer;
  readonly #end: BlkEnd;
  readonly #data: Region;
  readonly #text = pictureBytes();
  #step: Step = 'waiting';

  constructor(pd: ProtectionDomain<BlkCheckConfig>) {
    const { virt, data } = pd.config.blk;
    this.#pd = pd;
    this.#requests = new BlkRequestProducer(pd.region(virt.requestQueue), virt.capacity);
    this.#responses = new BlkResponseConsumer(pd.region(virt.responseQueue), virt.capacity);
    this.#end = { connection: virt, requests: this.#requests, responses: this.#responses };
    this.member = joinRestarts(pd, pd.config.restart);
    if (this.member !== undefined && this.member.abandoned.length > 0) closeBlkEnd(pd, this.#end);
    this.#data = pd.region(data.region);
    this.#info('starting');
    this.#begin();
  }

  notified(_channel: Channel): void {
    if (this.#step === 'waiting') return this.#begin(() => this.#probe());
    const response = emptyResponse();
    for (let left = this.#responses.available(); left > 0; left -= 1) {
      this.#responses.dequeue(response);
      this.#answered(response.status, response.successCount);
    }
    this.#responses.release();
  }

  close(): void {
    closeBlkEnd(this.#pd, this.#end);
  }

  /** The request that was under way has failed, as far as we can know: it is made again. */
  open(): void {
    openBlkEnd(this.#end);
    if (this.#step === 'done' || this.#step === 'waiting') return;
    this.#info(`the virtualiser is another one: status ${BLK_ERR_IO} for what was under way`);
    this.#step = 'waiting';
    this.#begin();
  }

  /** Starts when the device is ready. @param otherwise what to do when it is not */
  #begin(otherwise: () => void = () => undefined): void {
    const page = this.#pd.readonlyRegion(this.#pd.config.blk.virt.storageInfo);
    if (!isStorageReady(page)) return otherwise();
    const { capacity } = readStorageInfo(page);
    this.#info('device config ready');
    this.#info(`device size: 0x${(capacity * BLK_TRANSFER_BYTES).toString(16)} bytes`);
    this.#info('basic: STATE_START state');
    this.#data.write(0, this.#text);
    this.#step = 'writing';
    this.#send(BLK_WRITE, 0);
  }

  /** Notified, and yet not ready: an answer says why. */
  #probe(): void {
    this.#step = 'probing';
    this.#send(BLK_READ, 0);
  }

  #answered(status: number, successCount: number): void {
    if (status !== BLK_OK || successCount !== BLOCKS) {
      this.#error(`basic: failed: ${this.#reason(status)}, ${successCount} blocks done`);
    } else if (this.#step === 'writing') {
      this.#info('basic: STATE_ENQUEUE_READ state');
      this.#step = 'reading';
      this.#send(BLK_READ, BLOCKS * BLK_TRANSFER_BYTES);
    } else if (this.#step === 'reading') {
      this.#info('basic: STATE_CHECK_READ state');
      this.#compare();
    }
  }

  #reason(status: number): string {
    if (status === BLK_ERR_NO_DEVICE) return 'no device';
    const page = this.#pd.readonlyRegion(this.#pd.config.blk.virt.storageInfo);
    const isReadOnly = isStorageReady(page) && readStorageInfo(page).readOnly;
    if (this.#step === 'writing' && isReadOnly) {
      return 'this client writes, and the disk is read-only';
    }
    return `status ${status}`;
  }

  #compare(): void {
    const read = new Uint8Array(TEXT_BYTES);
    this.#data.read(BLOCKS * BLK_TRANSFER_BYTES, read);
    const differs = read.findIndex((byte, at) => byte !== this.#text[at]);
    if (differs !== -1) return this.#error(`basic: failed: byte ${differs} differs`);
    for (const line of PICTURE) this.#pd.log(line);
    this.#step = 'done';
    this.#info('basic: successfully finished!');
  }

  #send(code: number, offset: number): void {
    this.#requests.enqueue(code, offset, 0, BLOCKS, REQUEST_ID);
    this.#requests.publish();
    this.#pd.notify(this.#pd.config.blk.virt.channel);
  }

  #error(text: string): void {
    this.#step = 'done';
    this.#pd.log(`CLIENT|ERROR: ${text}`);
  }

  #info(text: string): void {
    this.#pd.log(`CLIENT|INFO: ${text}`);
  }
}

/** The picture over and over, as many bytes as the check writes. */
function pictureBytes(): Uint8Array {
  const lines = `${PICTURE.join('\n')}\n`;
  return Uint8Array.from({ length: TEXT_BYTES }, (_, at) => lines.charCodeAt(at % lines.length));
}
