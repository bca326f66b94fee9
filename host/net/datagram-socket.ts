/**
 * A UDP socket of a forward, of which there are two kinds: Node's, everywhere (here); and our own,
 * where koffi is, which reads and writes many datagrams in one system call (`batch-socket.ts`).
 */

import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { explainSystemError } from '../problem.ts';
import type { HostPeer } from './address-translation.ts';
import type { UdpAddress } from './socket-address.ts';

/**
 * Bytes of the kernel's receive buffer that is asked for: a burst of some hundred large datagrams.
 */
export const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

export interface DatagramOptions {
  readonly address: UdpAddress;
  /** The bytes are valid during the call only; `lengthBytes` may be more than there is of them. */
  readonly onDatagram: (payload: Uint8Array, peer: HostPeer, lengthBytes: number) => void;
  /**
   * Datagrams that may be given now. While there are fewer than a batch, the socket is not read,
   * and what comes waits in the kernel's buffer. (Node's gives them all the same.)
   */
  readonly room: () => number;
  /** A turn's datagrams have all been given. */
  readonly onTurn: () => void;
  readonly onSendError: () => void;
}

export interface DatagramSocket {
  /** Where it listens: the port that the system chose, if it was asked to. */
  readonly address: UdpAddress;
  readonly kind: 'node' | 'batches';
  /** Takes a copy of the bytes; they leave with {@link flush} at the latest. */
  send(payload: Uint8Array, peer: HostPeer): void;
  flush(): void;
  /** Datagrams that the host has lost because its buffer was full; where it says so. */
  hostDropped?(): number;
  close(): Promise<void>;
}

/** @throws UserMistake when the address cannot be had */
export async function openNodeSocket(options: DatagramOptions): Promise<DatagramSocket> {
  const { address, onDatagram, onTurn, onSendError } = options;
  const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
  await bind(socket, address);
  // An ICMP "port unreachable" for an earlier answer: the peer has gone, nothing is wrong here.
  socket.on('error', onSendError);
  socket.on('message', (payload, peer) => {
    onDatagram(payload, peer, payload.length);
    onTurn();
  });
  const { address: host, port } = socket.address();
  return {
    kind: 'node',
    address: { host, port },
    send: (payload, peer) => {
      socket.send(Buffer.from(payload), peer.port, peer.address, (error) => {
        if (error !== null) onSendError();
      });
    },
    flush: () => undefined,
    close: () => new Promise<void>((resolve) => void socket.close(() => resolve())),
  };
}

async function bind(socket: Socket, { host, port }: UdpAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(explainSystemError(error, `${host}:${String(port)}/udp`));
    });
    socket.bind(port, host, resolve);
  });
  socket.removeAllListeners('error');
}
