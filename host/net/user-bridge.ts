/**
 * The user-mode network with its sockets: one UDP socket for each `hostfwd`.
 *
 * A datagram that is too large for a frame cannot reach the guest: it is dropped, counted, and said
 * once.
 */

import { UserMistake } from '../problem.ts';
import { Ingress } from './bridge.ts';
import type { BoardPort, Bridge, DropListener, NoticeListener } from './bridge.ts';
import { DATAGRAM_BYTES_MAX } from '../../board/packets.ts';
import { openBatchSocket } from './batch-socket.ts';
import { type CLibrary, loadCLibrary } from './c-library.ts';
import { type DatagramOptions, type DatagramSocket, openNodeSocket } from './datagram-socket.ts';
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
  /** Our own sockets where there can be some, unless told: see `datagram-socket.ts`. */
  readonly sockets?: 'best' | 'node';
  readonly nowNs: () => number;
  /** Called for each frame that has been offered to the board. */
  readonly wake: () => void;
  readonly onNotice: NoticeListener;
  readonly onDrop?: DropListener;
}

export class UserBridge implements Bridge {
  readonly #options: UserBridgeOptions;
  readonly #ingress: Ingress;
  readonly #network: UserNetwork;
  readonly #sockets: DatagramSocket[] = [];
  #saidTooLarge = false;
  #sendErrors = 0;
  #hostDropped = 0;

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
      toHost: (forward, peer, payload) => this.#sockets[forward]?.send(payload, peer),
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
    const options: DatagramOptions = {
      address,
      onDatagram: (payload, peer, lengthBytes) => {
        if (lengthBytes > DATAGRAM_BYTES_MAX) this.#sayTooLarge(lengthBytes, peer.address);
        this.#network.fromHost(forward, peer, payload);
      },
      room: () => this.#options.port.roomLeft?.() ?? Infinity,
      onTurn: this.#options.wake,
      onSendError: () => {
        this.#sendErrors += 1;
      },
    };
    const library = this.#options.sockets === 'node' ? undefined : await libc();
    this.#sockets[forward] =
      library === undefined ? await openNodeSocket(options) : openBatchSocket(library, options);
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
    return this.#sockets.map(({ address }) => address);
  }

  transmit(frame: Uint8Array): void {
    this.#network.fromBoard(frame);
    this.#options.wake(); // it may have answered
  }

  flush(): void {
    for (const socket of this.#sockets) socket.flush();
  }

  async close(): Promise<void> {
    this.#lookAtHost();
    const sockets = this.#sockets.splice(0);
    await Promise.all(sockets.map((socket) => socket.close()));
  }

  /** While there are sockets that can be asked. */
  #lookAtHost(): void {
    if (this.#sockets.length === 0) return;
    this.#hostDropped = this.#sockets.reduce((sum, each) => sum + (each.hostDropped?.() ?? 0), 0);
  }

  counters(): Record<string, number> {
    this.#lookAtHost();
    return {
      ...this.#ingress.counters(),
      ...this.#network.count,
      ...this.#network.dhcp,
      translations: this.#network.translations,
      translationsEvicted: this.#network.translationsEvicted,
      sendErrors: this.#sendErrors,
      hostDropped: this.#hostDropped,
    };
  }
}

/** Undefined without koffi, and on other systems. */
function libc(): Promise<CLibrary | undefined> {
  const request = { where: '--net user', file: 'libc.so.6', package: 'libc6', instead: '' };
  return loadCLibrary(request).catch((error: unknown) => {
    if (error instanceof UserMistake) return undefined;
    throw error;
  });
}
