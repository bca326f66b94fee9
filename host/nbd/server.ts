/**
 * The sockets of the NBD server: connections in, sessions, replies out. Requests are kept until the
 * protection domain, rung by the doorbell, takes them; see `program.ts`.
 */

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { formatStreamAddress, type StreamAddress } from '../net/socket-address.ts';
import { listenAt, type OwnPath } from '../own-path.ts';
import { explainSystemError } from '../problem.ts';
import type { Job } from './block-client.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import * as P from './protocol.ts';
import type { NbdExport, NbdRequest } from './session.ts';

export interface NbdCounters {
  sessions: number;
  requests: number;
  refused: number;
  errors: number;
  bytesRead: number;
  bytesWritten: number;
  /** Most bytes of buffers that were held at one time, for all clients. */
  heldBytesMax: number;
  /** Connections that were ended, or not taken, because there were too many. */
  tooManyClients: number;
}

/** Reply buffers kept: up to this long, of so many lengths, so many of each. */
const POOLED_BYTES_MAX = 65_536 + P.CHUNK_HEADER_BYTES + P.CHUNK_OFFSET_BYTES;
const POOLED_LENGTHS_MAX = 16;
const POOLED_COUNT_MAX = 256;
/** Clients at one time. Each may hold 4 MiB (`connection.ts`), so that all together hold 64. */
export const CLIENTS_MAX = 16;

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
    heldBytesMax: 0,
    tooManyClients: 0,
  };
  readonly #address: StreamAddress;
  readonly #server: Server;
  readonly #connections: Connection[] = [];
  readonly #replies = new ReplyBuffers();
  readonly #owner: ConnectionOwner;
  #exported: Exported = { kind: 'unknown' };
  #ring: () => void = () => undefined;
  /** Whose turn it is to have a part begun. */
  #turn = 0;
  #heldBytes = 0;
  #ownPath: OwnPath | undefined;

  constructor(address: StreamAddress) {
    this.#address = address;
    this.#owner = this.#makeOwner();
    // A client that has said all may still be answered.
    const options = { allowHalfOpen: true, pauseOnConnect: true };
    this.#server = createServer(options, (socket) => this.#accept(socket));
  }

  /** Bytes of buffers that are held now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Called when there is something to begin. */
  onRequests(ring: () => void): void {
    this.#ring = ring;
  }

  /** @returns the address that clients use @throws UserMistake when it cannot be listened on */
  async listen(): Promise<string> {
    const address = this.#address;
    const where = formatStreamAddress(address);
    if (address.kind === 'unix') {
      this.#ownPath = await listenAt(this.#server, address.path, `--nbd ${where}`);
      return `nbd+unix:///?socket=${address.path}`;
    }
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(address.port, address.host, resolve);
      });
    } catch (error) {
      throw explainSystemError(error, `--nbd ${where}`);
    }
    const { address: host, port } = this.#server.address() as AddressInfo;
    return `nbd://${host}:${port}`;
  }

  /** The program knows the device now: sessions that wait may begin. */
  publish(exported: NbdExport | undefined): void {
    this.#exported = exported === undefined ? { kind: 'none' } : { kind: 'known', exported };
    for (const connection of [...this.#connections]) connection.begin(exported);
  }

  /** @returns a part of a request to begin, of each client in turn */
  nextJob(): Job | undefined {
    const clients = this.#connections.length;
    for (let i = 0; i < clients; i += 1) {
      const at = (this.#turn + i) % clients;
      const job = this.#connections[at]?.nextJob();
      if (job === undefined) continue;
      this.#turn = at + 1;
      return job;
    }
    return undefined;
  }

  /** The program has answered a batch: what it has written goes out together. */
  flush(): void {
    for (const connection of this.#connections) connection.flush();
  }

  async close(): Promise<void> {
    for (const connection of [...this.#connections]) connection.destroy();
    this.#exported = { kind: 'unknown' };
    this.#ownPath?.release();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(socket: Socket): void {
    this.counters.sessions += 1;
    if (!this.#makeRoom()) {
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, this.#owner);
    this.#connections.push(connection);
    if (this.#exported.kind === 'known') connection.begin(this.#exported.exported);
    if (this.#exported.kind === 'none') connection.begin(undefined);
  }

  /** One that has not come as far as choosing the export gives way to a new one. */
  #makeRoom(): boolean {
    if (this.#connections.length < CLIENTS_MAX) return true;
    this.counters.tooManyClients += 1;
    const idle = this.#connections.find((connection) => connection.isShakingHands);
    idle?.destroy();
    return idle !== undefined;
  }

  #makeOwner(): ConnectionOwner {
    return {
      faultOf: (request) => this.#faultOf(request),
      workWaits: () => this.#ring(),
      answered: (request, error) => this.#answered(request, error),
      held: (changeBytes) => {
        this.#heldBytes += changeBytes;
        this.counters.heldBytesMax = Math.max(this.counters.heldBytesMax, this.#heldBytes);
      },
      takeBuffer: (lengthBytes) => this.#replies.take(lengthBytes),
      giveBuffer: (buffer) => this.#replies.give(buffer),
      gone: (from) => {
        const at = this.#connections.indexOf(from);
        if (at >= 0) this.#connections.splice(at, 1);
      },
    };
  }

  #answered(request: NbdRequest, error: number): void {
    if (error !== 0) this.counters.errors += 1;
    else if (request.type === P.CMD_READ) this.counters.bytesRead += request.length;
    else if (request.type === P.CMD_WRITE) this.counters.bytesWritten += request.length;
  }

  #faultOf(request: NbdRequest): number {
    this.counters.requests += 1;
    const fault = this.#refusal(request);
    if (fault !== 0) this.counters.refused += 1;
    return fault;
  }

  #refusal(request: NbdRequest): number {
    if (this.#exported.kind !== 'known') return P.ERROR_ESHUTDOWN;
    const { exported } = this.#exported;
    const { type, offset, length } = request;
    const takesRoom = type === P.CMD_WRITE || type === P.CMD_WRITE_ZEROES;
    const isChange = takesRoom || type === P.CMD_TRIM;
    if (!isChange && type !== P.CMD_READ && type !== P.CMD_FLUSH) return P.ERROR_EINVAL;
    if (isChange && exported.readOnly) return P.ERROR_EPERM;
    const fits = offset <= exported.sizeBytes && length <= exported.sizeBytes - offset;
    if (!fits) return takesRoom ? P.ERROR_ENOSPC : P.ERROR_EINVAL;
    if (type === P.CMD_READ && length > P.PAYLOAD_BYTES_MAX) return P.ERROR_EINVAL;
    return 0;
  }
}

/**
 * Buffers of replies that have been sent, for the next ones of the same length: sparing the
 * collector is worth it.
 */
class ReplyBuffers {
  readonly #idle = new Map<number, Buffer[]>();

  take(length: number): Buffer {
    return this.#idle.get(length)?.pop() ?? Buffer.allocUnsafeSlow(length);
  }

  give(buffer: Buffer): void {
    // Other messages are part of larger buffers.
    if (buffer.length > POOLED_BYTES_MAX || buffer.length !== buffer.buffer.byteLength) return;
    const known = this.#idle.get(buffer.length);
    if (known === undefined) {
      if (this.#idle.size < POOLED_LENGTHS_MAX) this.#idle.set(buffer.length, [buffer]);
    } else if (known.length < POOLED_COUNT_MAX) {
      known.push(buffer);
    }
  }
}
