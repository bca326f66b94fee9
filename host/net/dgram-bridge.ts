/**
 * QEMU's `-netdev dgram` as a bridge: each UDP datagram is one frame. Only the remote address that
 * was named may send; what others send is counted and dropped.
 */

import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { explainSystemError } from '../problem.ts';
import { Ingress } from './bridge.ts';
import type { BoardPort, Bridge, DropListener } from './bridge.ts';
import type { UdpAddress } from './socket-address.ts';

const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

export interface DgramBridgeOptions {
  readonly port: BoardPort;
  readonly local: UdpAddress;
  readonly remote: UdpAddress;
  readonly wake: () => void;
  readonly onDrop?: DropListener;
}

export class DgramBridge implements Bridge {
  readonly #options: DgramBridgeOptions;
  readonly #ingress: Ingress;
  readonly #socket: Socket;
  readonly #count = { framesOut: 0, bytesOut: 0, sendErrors: 0, strangersDropped: 0 };

  private constructor(options: DgramBridgeOptions, socket: Socket) {
    this.#options = options;
    this.#ingress = new Ingress(options.port, options.onDrop);
    this.#socket = socket;
    socket.on('error', () => {
      this.#count.sendErrors += 1; // "port unreachable": the peer is not there yet, or no more
    });
    socket.on('message', (frame, from) => {
      const { host, port } = options.remote;
      if (from.address !== host || from.port !== port) {
        this.#count.strangersDropped += 1;
        return;
      }
      this.#ingress.offerOrDrop(frame);
      options.wake();
    });
  }

  /** @throws UserMistake when the local address cannot be had */
  static async open(options: DgramBridgeOptions): Promise<DgramBridge> {
    const { host, port } = options.local;
    const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close();
        reject(explainSystemError(error, `${host}:${String(port)}/udp`));
      });
      socket.bind(port, host, resolve);
    });
    socket.removeAllListeners('error');
    return new DgramBridge(options, socket);
  }

  transmit(frame: Uint8Array): void {
    const { host, port } = this.#options.remote;
    this.#count.framesOut += 1;
    this.#count.bytesOut += frame.length;
    // The socket keeps the bytes until they are sent, and the frame is valid during this call only.
    this.#socket.send(Buffer.from(frame), port, host, (error) => {
      if (error !== null) this.#count.sendErrors += 1;
    });
  }

  flush(): void {
    // Nothing gathers here: a datagram leaves at once.
  }

  close(): Promise<void> {
    return new Promise((resolve) => void this.#socket.close(() => resolve()));
  }

  counters(): Record<string, number> {
    return { ...this.#ingress.counters(), ...this.#count };
  }
}
