/**
 * QEMU's `-netdev socket,mcast=` as a bridge: whoever has joined the group is on one cable, and
 * each datagram is one frame.
 *
 * We send from a socket of our own, so that what the group gives back of it can be told from what
 * others have sent; QEMU takes frames from any address. QEMU's own come back to itself.
 */

import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { explainSystemError, systemErrorCode, UserMistake } from '../problem.ts';
import { Ingress } from './bridge.ts';
import type { BoardPort, Bridge, DropListener } from './bridge.ts';
import type { UdpAddress } from './socket-address.ts';

const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

export interface McastBridgeOptions {
  readonly port: BoardPort;
  /** The group's address and port. */
  readonly group: UdpAddress;
  /** The address of the host's interface to use; the system chooses unless told. */
  readonly local?: string;
  readonly wake: () => void;
  readonly onDrop?: DropListener;
}

export class McastBridge implements Bridge {
  readonly #options: McastBridgeOptions;
  readonly #ingress: Ingress;
  readonly #receiver: Socket;
  readonly #sender: Socket;
  readonly #count = { framesOut: 0, bytesOut: 0, sendErrors: 0, ownDropped: 0 };

  private constructor(options: McastBridgeOptions, receiver: Socket, sender: Socket) {
    this.#options = options;
    this.#ingress = new Ingress(options.port, options.onDrop);
    this.#receiver = receiver;
    this.#sender = sender;
    const ownPort = sender.address().port;
    const own = ownAddresses();
    for (const socket of [receiver, sender]) {
      socket.on('error', () => {
        this.#count.sendErrors += 1;
      });
    }
    receiver.on('message', (frame, from) => {
      if (from.port === ownPort && own.has(from.address)) {
        this.#count.ownDropped += 1;
        return;
      }
      this.#ingress.offerOrDrop(frame);
      options.wake();
    });
  }

  /** @throws UserMistake when the group cannot be joined */
  static async open(options: McastBridgeOptions): Promise<McastBridge> {
    const { host, port } = options.group;
    const receiver = createSocket({
      type: 'udp4',
      reuseAddr: true,
      recvBufferSize: RECEIVE_BUFFER_BYTES,
    });
    const sender = createSocket('udp4');
    try {
      await bind(receiver, port, host);
      await bind(sender, 0, options.local ?? '0.0.0.0');
      receiver.addMembership(host, options.local);
      if (options.local !== undefined) sender.setMulticastInterface(options.local);
      sender.setMulticastLoopback(true);
    } catch (error) {
      receiver.close();
      sender.close();
      throw explain(error, `--net socket,mcast=${host}:${String(port)}`);
    }
    return new McastBridge(options, receiver, sender);
  }

  transmit(frame: Uint8Array): void {
    const { host, port } = this.#options.group;
    this.#count.framesOut += 1;
    this.#count.bytesOut += frame.length;
    // The socket keeps the bytes until they are sent, and the frame is valid during this call only.
    this.#sender.send(Buffer.from(frame), port, host, (error) => {
      if (error !== null) this.#count.sendErrors += 1;
    });
  }

  flush(): void {
    // Nothing gathers here: a datagram leaves at once.
  }

  async close(): Promise<void> {
    for (const socket of [this.#receiver, this.#sender]) {
      await new Promise<void>((resolve) => void socket.close(() => resolve()));
    }
  }

  counters(): Record<string, number> {
    return { ...this.#ingress.counters(), ...this.#count };
  }
}

async function bind(socket: Socket, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, resolve);
  });
  socket.removeAllListeners('error');
}

function explain(error: unknown, where: string): UserMistake {
  const code = systemErrorCode(error);
  // Of IP_ADD_MEMBERSHIP and IP_MULTICAST_IF.
  if (code === 'ENODEV' || code === 'EADDRNOTAVAIL' || code === 'EINVAL') {
    return new UserMistake(
      `${where}: no interface of this machine takes part; name one's address, as in localaddr=127.0.0.1`,
    );
  }
  return explainSystemError(error, where);
}

function ownAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return new Set(all.map(({ address }) => address));
}
