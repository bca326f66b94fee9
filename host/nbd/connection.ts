/**
 * One client of the NBD server: its socket, its session, and its requests, which are cut into parts
 * as the block class has room for them.
 *
 * Everything is bounded, so that a client costs 4 MiB whatever it asks for and however little it
 * reads:
 *
 *     requests   256 that are not answered
 *     replies    2 MiB of READ under way or unread; the buffer of a part is taken when the part is begun
 *     payloads   2 MiB of WRITE on the way in
 *     ranges     less than 32 MiB of TRIM and WRITE_ZEROES under way: these cost no memory, but time
 *
 * A client that reaches a bound is not read any further. Replies wait for what the client reads,
 * and payloads for the disk: neither waits for the other.
 */

import type { Socket } from 'node:net';
import type { Job } from './block-client.ts';
import * as P from './protocol.ts';
import { type NbdExport, type NbdRequest, NbdSession, type PayloadSink } from './session.ts';
import { type Part, PART_BYTES_MAX, RANGE_BYTES_MAX, Transfer } from './transfer.ts';

const OUTSTANDING_MAX = 256;
/** What stands in front of the data of a part at most. */
const HEAD_BYTES_MAX = P.CHUNK_HEADER_BYTES + P.CHUNK_OFFSET_BYTES;
export const REPLY_BYTES_MAX = 2 * (PART_BYTES_MAX + HEAD_BYTES_MAX);
export const PAYLOAD_BYTES_MAX = 2 * PART_BYTES_MAX;

/** What a connection needs of the server. */
export interface ConnectionOwner {
  /** @returns the error that a request deserves before anything is done, 0 for none */
  faultOf(request: NbdRequest): number;
  /** There is something to begin that there was not before. */
  workWaits(): void;
  /** A request is over. @param error of the NBD protocol, 0 for none */
  answered(request: NbdRequest, error: number): void;
  /** Bytes of buffers that are held now: more, or fewer. */
  held(changeBytes: number): void;
  takeBuffer(lengthBytes: number): Buffer;
  giveBuffer(buffer: Buffer): void;
  gone(from: Connection): void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #unsent: Buffer[] = [];
  /** Requests that are not wholly begun, oldest first. */
  readonly #queue: Transfer[] = [];
  #session: NbdSession | undefined;
  #state: 'open' | 'finishing' | 'gone' = 'open';
  /** Requests that are not answered, and how many of them have been begun. */
  #outstanding = 0;
  #begun = 0;
  /** A READ of several parts: until it is over nothing else is begun. */
  #longRead: Transfer | undefined;
  #replyBytes = 0;
  #payloadBytes = 0;
  #rangeBytes = 0;
  /** The part of a payload that is being filled. */
  #filling: Buffer | undefined;
  /** A payload waits for room: nothing is parsed until there is some. */
  #payloadWaits = false;
  /** A READ waits until the client has read. */
  #readWaits = false;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    socket.setNoDelay(true);
    // Until the device is known nothing is said.
    socket.pause();
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.destroy());
    socket.on('end', () => this.#finish());
  }

  /** Whether it has not got as far as choosing the export: nothing is lost with it. */
  get isShakingHands(): boolean {
    return this.#session?.isTransmitting !== true;
  }

  begin(exported: NbdExport | undefined): void {
    if (this.#session !== undefined) return;
    this.#session = new NbdSession(exported, {
      send: (message) => this.#send(message),
      isBehind: () => this.#isBehind(),
      request: (request) => this.#request(request),
      over: () => this.#finish(),
    });
    this.flush();
    this.#socket.resume();
  }

  /** @returns something to do, if there is anything that can be begun now */
  nextJob(): Job | undefined {
    for (;;) {
      const transfer = this.#queue[0];
      if (transfer === undefined) return undefined;
      if (transfer.isCut) {
        this.#queue.shift();
        this.#answerIfOver(transfer);
        continue;
      }
      if (!this.#mayBegin(transfer)) return undefined;
      const isFirst = !transfer.hasBegun;
      const part = transfer.next();
      if (part === undefined) return undefined;
      if (isFirst) this.#begun += 1;
      if (transfer.isLongRead) this.#longRead = transfer;
      return this.#jobOf(transfer, part, isFirst);
    }
  }

  /** Sends what has gathered, in one go. */
  flush(): void {
    const socket = this.#socket;
    if (this.#unsent.length > 0 && !socket.destroyed) {
      socket.cork();
      for (const message of this.#unsent) socket.write(message, () => this.#isSent(message));
      socket.uncork();
      this.#unsent.length = 0;
    }
    if (this.#state === 'finishing' && this.#outstanding === 0) socket.destroySoon();
    else this.#resume();
  }

  /**
   * Ends the connection. What it has under way comes back to nobody; nothing more of it is begun.
   */
  destroy(): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#socket.destroy();
    for (const transfer of this.#queue.splice(0)) this.#releasePayload(transfer.dropPayloads());
    for (const message of this.#unsent.splice(0)) this.#isSent(message);
    this.#dropFilling();
    this.#session = undefined;
    this.#owner.gone(this);
  }

  get isGone(): boolean {
    return this.#state === 'gone';
  }

  /** A part of a request is over. */
  partOver(transfer: Transfer, part: Part, reply: Buffer, error: number): void {
    transfer.underWay -= 1;
    if (error !== 0 && transfer.error === 0) transfer.error = error;
    if (part.type === P.CMD_TRIM || part.type === P.CMD_WRITE_ZEROES) {
      this.#rangeBytes -= part.length;
    }
    if (part.type === P.CMD_WRITE) this.#releasePayload(part.payload.length);
    if (error !== 0) this.#releasePayload(transfer.dropPayloads());
    if (part.type === P.CMD_READ) {
      if (error === 0 && part.length > 0 && !this.isGone) this.#sendData(transfer, part, reply);
      else this.#isSent(reply);
    }
    this.#answerIfOver(transfer);
  }

  #mayBegin(transfer: Transfer): boolean {
    const { request } = transfer;
    if (this.#longRead !== undefined && this.#longRead !== transfer) return false;
    // Its parts go out in order, and nothing between them.
    if (transfer.isLongRead && (transfer.underWay > 0 || this.#begun > (transfer.hasBegun ? 1 : 0)))
      return false;
    if (request.type === P.CMD_READ) {
      const bytes = transfer.nextReadBytes + HEAD_BYTES_MAX;
      if (this.#replyBytes + bytes <= REPLY_BYTES_MAX) return true;
      this.#readWaits = true;
      return false;
    }
    return this.#rangeBytes < RANGE_BYTES_MAX || request.type === P.CMD_WRITE;
  }

  #jobOf(transfer: Transfer, part: Part, isFirst: boolean): Job {
    if (part.type === P.CMD_READ) {
      const replyAt = this.#headBytes(isFirst);
      const reply = this.#owner.takeBuffer(replyAt + part.length);
      this.#addReply(reply.length);
      return new PartJob(this, transfer, part, reply, replyAt);
    }
    if (part.type === P.CMD_TRIM || part.type === P.CMD_WRITE_ZEROES) {
      this.#rangeBytes += part.length;
    }
    if (part.type === P.CMD_WRITE && transfer.request.type !== P.CMD_WRITE) {
      // The odd bytes of WRITE_ZEROES came without a payload.
      this.#addPayload(part.length);
    }
    return new PartJob(this, transfer, part, NO_REPLY, 0);
  }

  /** Bytes in front of the data of a part of a READ. */
  #headBytes(isFirst: boolean): number {
    if (this.#session?.replies === 'structured') {
      return P.CHUNK_HEADER_BYTES + P.CHUNK_OFFSET_BYTES;
    }
    return isFirst ? P.REPLY_BYTES : 0;
  }

  #sendData(transfer: Transfer, part: Part, reply: Buffer): void {
    const { cookieHigh, cookieLow, offset } = transfer.request;
    if (this.#session?.replies === 'structured') {
      P.writeChunkHeader(reply, {
        type: P.CHUNK_OFFSET_DATA,
        flags: transfer.isOver ? P.CHUNK_FLAG_DONE : 0,
        cookieHigh,
        cookieLow,
        length: P.CHUNK_OFFSET_BYTES + part.length,
      });
      P.writeWord64(reply, part.offset, P.CHUNK_HEADER_BYTES);
    } else if (part.offset === offset) {
      P.writeReplyHeader(reply, 0, cookieHigh, cookieLow);
    }
    transfer.data = 'sent';
    this.#unsent.push(reply);
  }

  #answerIfOver(transfer: Transfer): void {
    if (!transfer.isOver || transfer.answer === 'given') return;
    transfer.answer = 'given';
    this.#outstanding -= 1;
    if (transfer.hasBegun) this.#begun -= 1;
    if (this.#longRead === transfer) this.#longRead = undefined;
    this.#owner.answered(transfer.request, transfer.error);
    if (!this.isGone) this.#sayEnd(transfer);
  }

  /** What follows the data, if there were any: nothing, when all has gone well. */
  #sayEnd(transfer: Transfer): void {
    const { type, length, cookieHigh, cookieLow } = transfer.request;
    const { error } = transfer;
    const isRead = type === P.CMD_READ;
    if (isRead && error === 0 && length > 0) return;
    if (isRead && this.#session?.replies === 'structured') {
      return this.#send(P.lastChunk(error, cookieHigh, cookieLow));
    }
    if (isRead && transfer.data === 'sent') {
      // A simple reply has said "no error" already: all that is left is to hang up, without another
      // byte.
      return this.destroy();
    }
    const reply = this.#owner.takeBuffer(P.REPLY_BYTES);
    P.writeReplyHeader(reply, error, cookieHigh, cookieLow);
    this.#send(reply);
  }

  #request(request: NbdRequest): PayloadSink | undefined {
    const transfer = new Transfer(request);
    transfer.error = this.#owner.faultOf(request);
    this.#outstanding += 1;
    this.#queue.push(transfer);
    this.#owner.workWaits();
    return transfer.payload === 'coming' ? this.#sinkFor(transfer) : undefined;
  }

  #sinkFor(transfer: Transfer): PayloadSink {
    return {
      nextPart: (leftBytes) => {
        if (transfer.error !== 0) return 'skip';
        const bytes = transfer.nextPayloadBytes(leftBytes);
        if (this.#payloadBytes + bytes > PAYLOAD_BYTES_MAX) {
          this.#payloadWaits = true;
          return 'wait';
        }
        this.#addPayload(bytes);
        this.#filling = Buffer.allocUnsafe(bytes);
        return this.#filling;
      },
      partFilled: () => {
        const part = this.#filling;
        if (part === undefined || transfer.error !== 0) return this.#dropFilling();
        this.#filling = undefined;
        transfer.addPayload(part);
        this.#owner.workWaits();
      },
      ended: () => {
        transfer.payload = 'complete';
        this.#owner.workWaits();
      },
    };
  }

  #received(chunk: Buffer): void {
    if (this.#state !== 'open') return;
    this.#session?.receive(chunk);
    if (this.#isBehind()) this.#socket.pause();
    this.flush();
  }

  #isBehind(): boolean {
    return (
      this.#state !== 'open' ||
      this.#payloadWaits ||
      this.#outstanding >= OUTSTANDING_MAX ||
      this.#replyBytes >= REPLY_BYTES_MAX
    );
  }

  /** Parses and reads on, if the reason not to is gone. */
  #resume(): void {
    if (!this.#socket.isPaused() || this.#session === undefined || this.#isBehind()) return;
    this.#session.resume();
    if (!this.#isBehind()) this.#socket.resume();
  }

  #send(message: Buffer): void {
    this.#addReply(message.length);
    this.#unsent.push(message);
  }

  /** The socket has taken a message, or nobody will. */
  #isSent(message: Buffer): void {
    this.#replyBytes -= message.length;
    this.#owner.held(-message.length);
    this.#owner.giveBuffer(message);
    if (this.isGone) return;
    if (this.#readWaits) {
      this.#readWaits = false;
      this.#owner.workWaits();
    }
    this.#resume();
  }

  #addReply(bytes: number): void {
    this.#replyBytes += bytes;
    this.#owner.held(bytes);
  }

  #addPayload(bytes: number): void {
    this.#payloadBytes += bytes;
    this.#owner.held(bytes);
  }

  #releasePayload(bytes: number): void {
    this.#payloadBytes -= bytes;
    this.#owner.held(-bytes);
    this.#payloadWaits = false;
  }

  #dropFilling(): void {
    this.#releasePayload(this.#filling?.length ?? 0);
    this.#filling = undefined;
  }

  /** No more requests: answers what is outstanding, then hangs up. */
  #finish(): void {
    if (this.#state !== 'open') return;
    this.#state = 'finishing';
    // The rest of its payload will never come.
    const last = this.#queue.at(-1);
    if (last?.payload === 'coming') {
      last.error = P.ERROR_EINVAL;
      last.payload = 'complete';
      this.#releasePayload(last.dropPayloads());
      this.#dropFilling();
    }
    this.#owner.workWaits();
    this.flush();
  }
}

const NO_REPLY = Buffer.alloc(0);

class PartJob implements Job {
  readonly part: Part;
  readonly reply: Buffer;
  readonly replyAt: number;
  readonly #connection: Connection;
  readonly #transfer: Transfer;

  constructor(
    connection: Connection,
    transfer: Transfer,
    part: Part,
    reply: Buffer,
    replyAt: number,
  ) {
    this.#connection = connection;
    this.#transfer = transfer;
    this.part = part;
    this.reply = reply;
    this.replyAt = replyAt;
  }

  isWanted(): boolean {
    return !this.#connection.isGone;
  }

  finish(error: number): void {
    this.#connection.partOver(this.#transfer, this.part, this.reply, error);
  }
}
