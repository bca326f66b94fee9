/**
 * QEMU's `-netdev stream` as a bridge: a UNIX or TCP socket that carries frames behind their
 * lengths.
 *
 * One peer at a time. A peer that goes away is not the end of the board: a server waits for the
 * next one, a client tries again every second. Bad framing ends the connection, because the place
 * in the stream is lost. Nothing is lost on the way in: while the board has no room, the socket is
 * not read.
 */

import { createConnection, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { after } from '../event-loop.ts';
import type { HostTimer } from '../event-loop.ts';
import { hostNow } from '../host-time.ts';
import { listenAt } from '../own-path.ts';
import type { OwnPath } from '../own-path.ts';
import { explainSystemError, systemErrorCode } from '../problem.ts';
import { FRAMES_PER_LOOK, Ingress, READ_NS } from './bridge.ts';
import type { BoardPort, Bridge, DropListener, NoticeListener } from './bridge.ts';
import { formatStreamAddress } from './socket-address.ts';
import type { StreamAddress } from './socket-address.ts';
import { StreamDecoder, StreamEncoder } from './stream-framing.ts';

const RETRY_MS = 1000;
/** How long a peer may take to read what was sent before we close. */
const CLOSE_MS = 500;
/** A peer that reads this much too slowly loses frames, as on a wire. */
const UNSENT_BYTES_MAX = 4 * 1024 * 1024;

export interface StreamBridgeOptions {
  readonly port: BoardPort;
  readonly role: 'server' | 'client';
  readonly address: StreamAddress;
  readonly wake: () => void;
  readonly onNotice: NoticeListener;
  readonly onDrop?: DropListener;
}

/** A peer that is there already, and that no other one follows. */
export interface StreamPeer extends Pick<
  StreamBridgeOptions,
  'port' | 'wake' | 'onNotice' | 'onDrop'
> {
  readonly socket: Socket;
  /** For messages. */
  readonly name: string;
}

export class StreamBridge implements Bridge {
  readonly #options: Omit<StreamBridgeOptions, 'address' | 'role'>;
  /** What comes after a peer has gone: the next one, another attempt, nothing. */
  readonly #role: 'server' | 'client' | 'single';
  readonly #where: string;
  readonly #ingress: Ingress;
  readonly #decoder = new StreamDecoder();
  readonly #encoder = new StreamEncoder();
  #server: Server | undefined;
  #ownPath: OwnPath | undefined;
  #peer: Socket | undefined;
  #retry: HostTimer | undefined;
  /** Of a client: the next attempt. */
  #again = (): void => undefined;
  #state: 'open' | 'closed' = 'open';
  #saidWaiting = false;
  /** What has come has not all been delivered, and the socket is paused. */
  #isHeld = false;
  /** A frame that the board had no room for. */
  #waiting: Uint8Array | undefined;
  readonly #count = {
    framesOut: 0,
    bytesOut: 0,
    noPeerDropped: 0,
    slowPeerDropped: 0,
    badLengths: 0,
    peersAccepted: 0,
    peersRefused: 0,
    peersLost: 0,
  };

  private constructor(
    options: Omit<StreamBridgeOptions, 'address' | 'role'>,
    role: 'server' | 'client' | 'single',
    where: string,
  ) {
    this.#options = options;
    this.#role = role;
    this.#where = where;
    this.#ingress = new Ingress(options.port, options.onDrop);
  }

  /** A server listens when this resolves; a client may still be waiting for its peer. */
  static async open(options: StreamBridgeOptions): Promise<StreamBridge> {
    const { role, address } = options;
    const bridge = new StreamBridge(options, role, formatStreamAddress(address));
    if (role === 'server') await bridge.#listen(address);
    else bridge.#connect(address);
    return bridge;
  }

  static over({ socket, name, ...options }: StreamPeer): StreamBridge {
    const bridge = new StreamBridge(options, 'single', name);
    bridge.#adopt(socket);
    return bridge;
  }

  async #listen(address: StreamAddress): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    if (address.kind === 'unix') {
      this.#ownPath = await listenAt(server, address.path, this.#where);
    } else {
      try {
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen(address.port, address.host, resolve);
        });
      } catch (error) {
        throw explainSystemError(error, this.#where);
      }
    }
    this.#server = server;
  }

  #accept(socket: Socket): void {
    if (this.#peer !== undefined) {
      this.#count.peersRefused += 1;
      this.#options.onNotice(`${this.#where}: a second peer was refused, one is connected already`);
      socket.destroy();
      return;
    }
    this.#adopt(socket);
  }

  #connect(address: StreamAddress): void {
    this.#again = () => this.#connect(address);
    const socket = createConnection(socketTarget(address));
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      if (this.#state === 'closed') socket.destroy();
      else this.#adopt(socket);
    });
    socket.once('error', (error) => {
      socket.destroy();
      if (!this.#saidWaiting) {
        this.#saidWaiting = true;
        const why = systemErrorCode(error) ?? error.message;
        this.#options.onNotice(`${this.#where}: no peer yet (${why}); trying again every second`);
      }
      this.#retryLater();
    });
  }

  #retryLater(): void {
    if (this.#state === 'closed') return;
    this.#retry = after(RETRY_MS, this.#again);
  }

  #adopt(socket: Socket): void {
    this.#peer = socket;
    this.#saidWaiting = false;
    this.#count.peersAccepted += 1;
    this.#decoder.reset();
    this.#waiting = undefined;
    this.#isHeld = false;
    if (this.#role !== 'single') socket.setNoDelay(true);
    socket.on('data', (piece) => {
      this.#decoder.push(piece);
      this.#deliver(socket);
      this.#options.wake();
    });
    socket.on('error', () => undefined); // 'close' follows and says so
    socket.on('close', () => this.#onClose(socket));
    if (this.#role !== 'single') this.#options.onNotice(`${this.#where}: peer connected`);
  }

  #onClose(socket: Socket): void {
    if (this.#peer !== socket) return;
    this.#peer = undefined;
    this.#deliverRest();
    if (this.#state === 'closed') return;
    this.#count.peersLost += 1;
    const next =
      this.#role === 'single'
        ? 'has ended; what the board sends is dropped from now on'
        : 'the peer has gone; waiting for the next one';
    this.#options.onNotice(`${this.#where}: ${next}`);
    if (this.#role === 'client') this.#retryLater();
  }

  #deliver(socket: Socket): void {
    const endNs = hostNow() + READ_NS;
    do {
      if (this.#deliverSome(socket) === 'all') return;
    } while (this.#waiting === undefined && hostNow() < endNs);
    this.#isHeld = true;
    socket.pause();
  }

  /** @returns whether all that has come is delivered, or will never be */
  #deliverSome(socket: Socket): 'all' | 'more' {
    for (let delivered = 0; delivered < FRAMES_PER_LOOK; delivered += 1) {
      const frame = this.#waiting ?? this.#decoder.next();
      if (frame === undefined) return 'all';
      if (frame === 'badLength') {
        this.#count.badLengths += 1;
        this.#options.onNotice(`${this.#where}: bad frame length in the stream; disconnected`);
        socket.destroy();
        return 'all';
      }
      if (this.#ingress.offer(frame) === 'full') {
        this.#waiting = frame;
        return 'more';
      }
      this.#waiting = undefined;
    }
    return 'more';
  }

  /** What a peer had sent before it went finds room at once, or is counted as lost. */
  #deliverRest(): void {
    for (;;) {
      const frame = this.#waiting ?? this.#decoder.next();
      if (frame === undefined || frame === 'badLength') break;
      this.#ingress.offerOrDrop(frame);
      this.#waiting = undefined;
    }
    this.#options.wake();
  }

  transmit(frame: Uint8Array): void {
    if (this.#peer === undefined) {
      this.#count.noPeerDropped += 1;
      return;
    }
    if (this.#peer.writableLength + this.#encoder.length > UNSENT_BYTES_MAX) {
      this.#count.slowPeerDropped += 1;
      return;
    }
    this.#encoder.add(frame);
    this.#count.framesOut += 1;
    this.#count.bytesOut += frame.length;
  }

  flush(): void {
    const peer = this.#peer;
    if (this.#encoder.length > 0) {
      const bytes = this.#encoder.take();
      if (peer !== undefined) peer.write(bytes);
    }
    if (peer !== undefined && this.#isHeld) {
      this.#isHeld = false;
      this.#deliver(peer);
      if (!this.#isHeld) peer.resume();
      this.#options.wake();
    }
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    this.#retry?.cancel();
    const peer = this.#peer;
    if (peer !== undefined) {
      this.flush();
      const impatience = after(CLOSE_MS, () => peer.destroy());
      await new Promise<void>((resolve) => {
        peer.once('close', () => resolve());
        peer.destroySoon();
      });
      impatience.cancel();
    }
    const server = this.#server;
    this.#server = undefined;
    this.#ownPath?.release();
    if (server !== undefined) {
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    }
  }

  /** The TCP port that the system chose when port 0 was asked for. */
  get listeningPort(): number | undefined {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : undefined;
  }

  counters(): Record<string, number> {
    return { ...this.#ingress.counters(), ...this.#count };
  }
}

function socketTarget(address: StreamAddress): { path: string } | { host: string; port: number } {
  return address.kind === 'unix'
    ? { path: address.path }
    : { host: address.host, port: address.port };
}
