/**
 * The sockets of the NBD server: connections in, sessions, replies out. Requests are kept until the protection domain,
 * rung by the doorbell, takes them; see `program.ts`.
 */

import { createServer, type Server, type Socket } from 'node:net';
import { existsSync, statSync, unlinkSync } from 'node:fs';
import { formatStreamAddress, type StreamAddress } from '../net/socket-address.ts';
import { explainSystemError } from '../problem.ts';
import type { Job } from './block-client.ts';
import * as P from './protocol.ts';
import { type NbdExport, type NbdRequest, NbdSession } from './session.ts';

export interface NbdCounters {
  sessions: number;
  requests: number;
  refused: number;
  errors: number;
  bytesRead: number;
  bytesWritten: number;
}

/** Reply buffers kept: up to this long, of so many lengths, so many of each. */
const POOLED_BYTES_MAX = 65_536 + P.REPLY_BYTES;
const POOLED_LENGTHS_MAX = 16;
const POOLED_COUNT_MAX = 256;
/** Requests of one session that may be outstanding before its socket is left unread. */
const OUTSTANDING_MAX = 256;
/** Bytes of replies that a client may leave unread before its socket is left unread. */
const UNSENT_BYTES_MAX = 16 * 1024 * 1024;

type Exported =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'none' }
  | { readonly kind: 'known'; readonly exported: NbdExport };

export class NbdServer {
  readonly counters: NbdCounters = {
    sessions: 0,
    requests: 0,
    refused: 0,
    errors: 0,
    bytesRead: 0,
    bytesWritten: 0,
  };
  readonly #address: StreamAddress;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #incoming: Job[] = [];
  readonly #replies = new ReplyBuffers();
  #exported: Exported = { kind: 'unknown' };
  #ring: () => void = () => undefined;

  constructor(address: StreamAddress) {
    this.#address = address;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Called when requests wait. */
  onRequests(ring: () => void): void {
    this.#ring = ring;
  }

  /** @returns the address that clients use @throws UserMistake when it cannot be listened on */
  async listen(): Promise<string> {
    const address = this.#address;
    const where = formatStreamAddress(address);
    if (address.kind === 'unix') removeStaleSocket(address.path);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.once('listening', resolve);
        if (address.kind === 'unix') this.#server.listen(address.path);
        else this.#server.listen(address.port, address.host);
      });
    } catch (error) {
      throw explainSystemError(error, `--nbd ${where}`);
    }
    const bound = this.#server.address();
    if (typeof bound === 'object' && bound !== null) return `nbd://${bound.address}:${bound.port}`;
    return `nbd+unix:///?socket=${address.kind === 'unix' ? address.path : ''}`;
  }

  /** The program knows the device now: sessions that wait may begin. */
  publish(exported: NbdExport | undefined): void {
    this.#exported = exported === undefined ? { kind: 'none' } : { kind: 'known', exported };
    for (const connection of this.#connections) connection.begin(exported);
  }

  /** @returns the requests that have come since the last time */
  takeRequests(): Job[] {
    return this.#incoming.splice(0);
  }

  /** The program has answered a batch: what it has written goes out together. */
  flush(): void {
    for (const connection of this.#connections) connection.flush();
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(socket: Socket): void {
    this.counters.sessions += 1;
    const connection = new Connection(socket, {
      sent: (reply) => this.#replies.give(reply),
      request: (from, request) => this.#request(from, request),
      gone: (from) => this.#connections.delete(from),
    });
    this.#connections.add(connection);
    if (this.#exported.kind === 'known') connection.begin(this.#exported.exported);
    if (this.#exported.kind === 'none') connection.begin(undefined);
  }

  #request(from: Connection, request: NbdRequest): void {
    this.counters.requests += 1;
    const dataBytes = request.type === P.CMD_READ ? request.length : 0;
    const wrong = this.#fault(request);
    const reply = this.#replies.take(P.REPLY_BYTES + (wrong === 0 ? dataBytes : 0));
    const job: Job = {
      request,
      reply,
      finish: (error) => {
        if (error === 0) {
          this.counters.bytesRead += dataBytes;
          this.counters.bytesWritten += request.payload.length;
        } else {
          this.counters.errors += 1;
        }
        P.writeReplyHeader(reply, error, request.cookieHigh, request.cookieLow);
        from.answer(error === 0 ? reply : reply.subarray(0, P.REPLY_BYTES));
      },
    };
    from.outstanding += 1;
    if (wrong !== 0) {
      this.counters.refused += 1;
      job.finish(wrong);
      return from.flush();
    }
    this.#incoming.push(job);
    this.#ring();
  }

  /** @returns the error that a request deserves before anything is done, 0 for none */
  #fault(request: NbdRequest): number {
    if (this.#exported.kind !== 'known') return P.ERROR_ESHUTDOWN;
    const { exported } = this.#exported;
    const { type, offset, length } = request;
    const isChange = type === P.CMD_WRITE || type === P.CMD_TRIM || type === P.CMD_WRITE_ZEROES;
    if (!isChange && type !== P.CMD_READ && type !== P.CMD_FLUSH) return P.ERROR_EINVAL;
    if (isChange && exported.readOnly) return P.ERROR_EPERM;
    const fits = offset <= exported.sizeBytes && length <= exported.sizeBytes - offset;
    if (!fits) return isChange ? P.ERROR_ENOSPC : P.ERROR_EINVAL;
    if (type === P.CMD_READ && length > P.PAYLOAD_BYTES_MAX) return P.ERROR_EINVAL;
    const isOdd = offset % exported.preferredBytes !== 0 || length % exported.preferredBytes !== 0;
    if (type === P.CMD_WRITE_ZEROES && isOdd && length > P.PAYLOAD_BYTES_MAX) return P.ERROR_EINVAL;
    return 0;
  }
}

/** Buffers of replies that have been sent, for the next ones of the same length: sparing the collector is worth it. */
class ReplyBuffers {
  readonly #idle = new Map<number, Buffer[]>();

  take(length: number): Buffer {
    return this.#idle.get(length)?.pop() ?? Buffer.allocUnsafeSlow(length);
  }

  give(buffer: Buffer): void {
    if (buffer.length > POOLED_BYTES_MAX) return;
    const known = this.#idle.get(buffer.length);
    if (known === undefined) {
      if (this.#idle.size < POOLED_LENGTHS_MAX) this.#idle.set(buffer.length, [buffer]);
    } else if (known.length < POOLED_COUNT_MAX) {
      known.push(buffer);
    }
  }
}

interface ConnectionOwner {
  /** A reply is out: its buffer is free. */
  sent(reply: Buffer): void;
  request(from: Connection, request: NbdRequest): void;
  gone(from: Connection): void;
}

class Connection {
  outstanding = 0;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #unsent: Buffer[] = [];
  #session: NbdSession | undefined;
  #over: 'yes' | 'no' = 'no';

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    socket.setNoDelay(true);
    // Until the device is known nothing is said.
    socket.pause();
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('drain', () => this.#resume());
    socket.on('error', () => this.destroy());
    socket.on('close', () => owner.gone(this));
    socket.on('end', () => this.#finish());
  }

  begin(exported: NbdExport | undefined): void {
    if (this.#session !== undefined) return;
    this.#session = new NbdSession(exported, {
      send: (message) => void this.#unsent.push(message),
      request: (request) => this.#owner.request(this, request),
      over: () => this.#finish(),
    });
    this.flush();
    this.#socket.resume();
  }

  answer(reply: Buffer): void {
    this.outstanding -= 1;
    this.#unsent.push(reply);
  }

  /** Sends what has gathered, in one go. */
  flush(): void {
    const socket = this.#socket;
    if (this.#unsent.length > 0 && !socket.destroyed) {
      socket.cork();
      for (const message of this.#unsent) {
        // Only a reply that fills its buffer goes back: an error's is the beginning of a longer one.
        const isWhole = message.byteLength === message.buffer.byteLength;
        if (isWhole) socket.write(message, () => this.#owner.sent(message));
        else socket.write(message);
      }
      socket.uncork();
      this.#unsent.length = 0;
    }
    if (this.#over === 'yes' && this.outstanding === 0) socket.end();
    else this.#resume();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#owner.gone(this);
  }

  #received(chunk: Buffer): void {
    this.#session?.receive(chunk);
    if (this.#isBehind()) this.#socket.pause();
    this.flush();
  }

  #isBehind(): boolean {
    return this.outstanding >= OUTSTANDING_MAX || this.#socket.writableLength > UNSENT_BYTES_MAX;
  }

  #resume(): void {
    if (this.#session !== undefined && !this.#isBehind() && this.#socket.isPaused()) {
      this.#socket.resume();
    }
  }

  /** No more requests: answers what is outstanding, then hangs up. */
  #finish(): void {
    this.#over = 'yes';
    this.flush();
  }
}

/** A socket file that a killed process left behind is in the way of a new one; any other file is not touched. */
function removeStaleSocket(path: string): void {
  if (existsSync(path) && statSync(path).isSocket()) unlinkSync(path);
}
