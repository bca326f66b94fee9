/**
 * The user-mode network with its sockets: one UDP socket for each `hostfwd`.
 *
 * A datagram that is too large for a frame cannot reach the guest: it is dropped, counted, and said
 * once.
 */

import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { explainSystemError } from '../problem.ts';
import { Ingress } from './bridge.ts';
import type { BoardPort, Bridge, DropListener, NoticeListener } from './bridge.ts';
import { DATAGRAM_BYTES_MAX } from '../../board/packets.ts';
import type { UdpAddress } from './socket-address.ts';
import { UserNetwork } from './user-network.ts';
import type { Forward } from './user-network.ts';

export interface HostForward extends Forward {
  readonly host: UdpAddress;
}

export interface UserBridgeOptions {
  readonly port: BoardPort;
  readonly forwards: readonly HostForward[];
  /** As {@link UserNetworkOptions} has them. */
  readonly dhcpStart?: number;
  readonly fixedAddresses?: readonly number[];
  readonly nowNs: () => number;
  /** Called for each frame that has been offered to the board. */
  readonly wake: () => void;
  readonly onNotice: NoticeListener;
  readonly onDrop?: DropListener;
}

/**
 * Bytes of the kernel's receive buffer that is asked for: a burst of some hundred large datagrams.
 */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

export class UserBridge implements Bridge {
  readonly #options: UserBridgeOptions;
  readonly #ingress: Ingress;
  readonly #network: UserNetwork;
  readonly #sockets: Socket[] = [];
  #saidTooLarge = false;
  #sendErrors = 0;

  private constructor(options: UserBridgeOptions) {
    this.#options = options;
    this.#ingress = new Ingress(options.port, options.onDrop);
    this.#network = new UserNetwork({
      forwards: options.forwards,
      fixedAddresses: options.fixedAddresses ?? [],
      ...(options.dhcpStart === undefined ? {} : { dhcpStart: options.dhcpStart }),
      nowNs: options.nowNs,
      onNotice: options.onNotice,
      toBoard: (frame) => this.#ingress.offerOrDrop(frame),
      toHost: (forward, peer, payload) => {
        // The socket keeps the bytes until they are sent, and the frame is valid during this call
        // only.
        const bytes = Buffer.from(payload);
        this.#sockets[forward]?.send(bytes, peer.port, peer.address, (error) => {
          if (error !== null) this.#sendErrors += 1;
        });
      },
    });
  }

  /** @throws UserMistake when an address cannot be had */
  static async open(options: UserBridgeOptions): Promise<UserBridge> {
    const bridge = new UserBridge(options);
    try {
      for (let forward = 0; forward < options.forwards.length; forward += 1) {
        await bridge.#bind(forward);
      }
    } catch (error) {
      await bridge.close();
      throw error;
    }
    return bridge;
  }

  async #bind(forward: number): Promise<void> {
    const address = this.#options.forwards[forward]?.host;
    if (address === undefined) throw new RangeError(`there is no forward ${String(forward)}`);
    const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close();
        const where = `${address.host}:${String(address.port)}/udp`;
        reject(explainSystemError(error, where));
      });
      socket.bind(address.port, address.host, resolve);
    });
    socket.removeAllListeners('error');
    // An ICMP "port unreachable" for an earlier answer: the peer has gone, nothing is wrong here.
    socket.on('error', () => {
      this.#sendErrors += 1;
    });
    socket.on('message', (payload, peer) => {
      if (payload.length > DATAGRAM_BYTES_MAX) this.#sayTooLarge(payload.length, peer.address);
      this.#network.fromHost(forward, peer, payload);
      this.#options.wake();
    });
    this.#sockets[forward] = socket;
  }

  #sayTooLarge(lengthBytes: number, from: string): void {
    if (this.#saidTooLarge) return;
    this.#saidTooLarge = true;
    this.#options.onNotice(
      `a datagram of ${String(lengthBytes)} bytes from ${from} does not fit a frame and was dropped; ` +
        `send at most ${String(DATAGRAM_BYTES_MAX)} bytes (further ones are only counted)`,
    );
  }

  /**
   * Where each forward listens: the ports that the system chose for those that asked for port 0.
   */
  listening(): readonly UdpAddress[] {
    return this.#sockets.map((socket) => {
      const { address, port } = socket.address();
      return { host: address, port };
    });
  }

  transmit(frame: Uint8Array): void {
    this.#network.fromBoard(frame);
    this.#options.wake(); // it may have answered
  }

  flush(): void {
    // Nothing gathers here: a datagram leaves at once.
  }

  async close(): Promise<void> {
    const sockets = this.#sockets.splice(0);
    await Promise.all(
      sockets.map((socket) => new Promise<void>((resolve) => void socket.close(() => resolve()))),
    );
  }

  counters(): Record<string, number> {
    return {
      ...this.#ingress.counters(),
      ...this.#network.count,
      ...this.#network.dhcp,
      translations: this.#network.translations,
      translationsEvicted: this.#network.translationsEvicted,
      sendErrors: this.#sendErrors,
    };
  }
}
