/**
 * A UDP socket that reads and writes many datagrams in one system call: `recvmmsg`, `sendmmsg`
 * (Linux). Structs are those of a 64-bit Linux, each in a table of its own, with the addresses of
 * the others in them: nothing is allocated for a datagram.
 */

import { hostNow } from '../host-time.ts';
import { explainSystemError } from '../problem.ts';
import type { HostPeer } from './address-translation.ts';
import { READ_NS } from './bridge.ts';
import { type CFunction, type CLibrary, systemError } from './c-library.ts';
import {
  type DatagramOptions,
  type DatagramSocket,
  RECEIVE_BUFFER_BYTES,
} from './datagram-socket.ts';
import { ipv4Number, ipv4Text, type UdpAddress } from './socket-address.ts';

const AF_INET = 2;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 0x8_0802;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
/** Answers with words, of which the last says what the socket has dropped (linux/sock_diag.h). */
const SO_MEMINFO = 55;
const SK_MEMINFO_DROPS = 8;
const SK_MEMINFO_BYTES = 36;
const MSG_DONTWAIT = 0x40;
/** With it, the length of a datagram is its own, also when it is cut. */
const MSG_TRUNC = 0x20;
const EAGAIN = 11;

/** Datagrams in one system call. */
const BATCH = 64;
/** More than fits a frame: what is longer is dropped, whatever is in it. */
const SLOT_BYTES = 2048;
const NAME_BYTES = 16;
const IOVEC_BYTES = 16;
/** `struct mmsghdr`: a `struct msghdr` and the datagram's length. */
const MMSGHDR_BYTES = 64;
const NAME_LENGTH_AT = 8;
const IOVEC_AT = 16;
const IOVEC_COUNT_AT = 24;
const LENGTH_AT = 56;
/** Peers whose address is kept as text; with more, all are made anew. */
const PEERS_MAX = 4096;

/** Slots for datagrams, and the tables that the system call reads. */
class Batch {
  readonly headers = new ArrayBuffer(BATCH * MMSGHDR_BYTES);
  readonly names = new DataView(new ArrayBuffer(BATCH * NAME_BYTES));
  readonly data = new Uint8Array(BATCH * SLOT_BYTES);
  readonly view = new DataView(this.headers);
  readonly headerBytes = new Uint8Array(this.headers);
  readonly #iovecs = new DataView(new ArrayBuffer(BATCH * IOVEC_BYTES));

  /** @param addressOf where C finds a buffer of ours */
  constructor(addressOf: (bytes: Uint8Array) => bigint) {
    const names = addressOf(new Uint8Array(this.names.buffer));
    const iovecs = addressOf(new Uint8Array(this.#iovecs.buffer));
    const data = addressOf(this.data);
    for (let slot = 0; slot < BATCH; slot += 1) {
      const at = slot * MMSGHDR_BYTES;
      this.view.setBigUint64(at, names + BigInt(slot * NAME_BYTES), true);
      this.view.setUint32(at + NAME_LENGTH_AT, NAME_BYTES, true);
      this.view.setBigUint64(at + IOVEC_AT, iovecs + BigInt(slot * IOVEC_BYTES), true);
      this.view.setBigUint64(at + IOVEC_COUNT_AT, 1n, true);
      const dataAt = data + BigInt(slot * SLOT_BYTES);
      this.#iovecs.setBigUint64(slot * IOVEC_BYTES, dataAt, true);
      this.setRoom(slot, SLOT_BYTES);
    }
  }

  setRoom(slot: number, bytes: number): void {
    this.#iovecs.setUint32(slot * IOVEC_BYTES + 8, bytes, true);
  }

  /** `struct sockaddr_in`: family, port, address. */
  setName(slot: number, ip: number, port: number): void {
    const at = slot * NAME_BYTES;
    this.names.setUint16(at, AF_INET, true);
    this.names.setUint16(at + 2, port);
    this.names.setUint32(at + 4, ip);
  }
}

/** @throws UserMistake when the address cannot be had */
export function openBatchSocket(library: CLibrary, options: DatagramOptions): DatagramSocket {
  return new BatchSocket(library, options);
}

class BatchSocket implements DatagramSocket {
  readonly kind = 'batches';
  readonly address: UdpAddress;
  readonly #options: DatagramOptions;
  readonly #fd: number;
  readonly #received: Batch;
  readonly #outgoing: Batch;
  #outgoingCount = 0;
  /** The board has no room, and the socket is not read. */
  #isHeld = false;
  /** Of the last datagram that went out: mostly the next one's, too. */
  #lastAddress = '';
  #lastIp = 0;
  /** By address and port as one number. */
  readonly #peers = new Map<number, HostPeer>();
  readonly #receive: CFunction;
  readonly #send: CFunction;
  readonly #close: CFunction;
  readonly #errno: () => number;
  readonly #ask: CFunction;
  readonly #watch: ReturnType<CLibrary['watch']>;

  constructor(library: CLibrary, options: DatagramOptions) {
    this.#options = options;
    this.#errno = () => library.errno();
    const message = 'int fd, _Inout_ uint8_t *messages, unsigned int count, int flags';
    this.#receive = library.function(`int recvmmsg(${message}, uintptr_t timeout)`);
    this.#send = library.function(`int sendmmsg(${message})`);
    this.#close = library.function('int close(int fd)');
    this.#ask = library.function(
      'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint8_t *bytes)',
    );
    const same = library.function('uint64_t memcpy(uint8_t *to, uint8_t *from, size_t bytes)');
    const addressOf = (bytes: Uint8Array): bigint => BigInt(same(bytes, bytes, 0));
    this.#received = new Batch(addressOf);
    this.#outgoing = new Batch(addressOf);
    const socket = library.function('int socket(int family, int type, int protocol)');
    this.#fd = socket(AF_INET, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
    this.address = this.#bind(library, options.address);
    this.#watch = library.watch(this.#fd, () => this.#onReadable());
  }

  #bind(library: CLibrary, { host, port }: UdpAddress): UdpAddress {
    const size = Buffer.alloc(4);
    size.writeInt32LE(RECEIVE_BUFFER_BYTES);
    library.function(
      'int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t bytes)',
    )(this.#fd, SOL_SOCKET, SO_RCVBUF, size, size.length);
    const name = Buffer.alloc(NAME_BYTES);
    name.writeUInt16LE(AF_INET, 0);
    name.writeUInt16BE(port, 2);
    name.writeUInt32BE(ipv4Number(host), 4);
    const bind = library.function('int bind(int fd, const uint8_t *name, uint32_t bytes)');
    if (bind(this.#fd, name, name.length) < 0) {
      const error = systemError('bind', library.errno());
      this.#close(this.#fd);
      throw explainSystemError(error, `${host}:${String(port)}/udp`);
    }
    const length = Buffer.alloc(4);
    length.writeInt32LE(NAME_BYTES);
    library.function('int getsockname(int fd, _Out_ uint8_t *name, _Inout_ uint8_t *bytes)')(
      this.#fd,
      name,
      length,
    );
    return { host: ipv4Text(name.readUInt32BE(4)), port: name.readUInt16BE(2) };
  }

  #onReadable(): void {
    const endNs = hostNow() + READ_NS;
    while (this.#receiveBatch() === 'more' && hostNow() < endNs);
    this.#options.onTurn();
  }

  /** @returns whether there may be more */
  #receiveBatch(): 'more' | 'none' {
    if (this.#options.room() < BATCH) {
      this.#isHeld = true;
      this.#watch.pause();
      return 'none';
    }
    const { headerBytes } = this.#received;
    const count = this.#receive(this.#fd, headerBytes, BATCH, MSG_DONTWAIT | MSG_TRUNC, 0);
    for (let slot = 0; slot < count; slot += 1) this.#take(slot);
    return count < BATCH ? 'none' : 'more';
  }

  #take(slot: number): void {
    const { view, names, data } = this.#received;
    const lengthBytes = view.getUint32(slot * MMSGHDR_BYTES + LENGTH_AT, true);
    const at = slot * SLOT_BYTES;
    const payload = data.subarray(at, at + Math.min(lengthBytes, SLOT_BYTES));
    const nameAt = slot * NAME_BYTES;
    const peer = this.#peerOf(names.getUint32(nameAt + 4), names.getUint16(nameAt + 2));
    // What it was set to: the call says in the same field how much of the name it has written.
    view.setUint32(slot * MMSGHDR_BYTES + NAME_LENGTH_AT, NAME_BYTES, true);
    this.#options.onDatagram(payload, peer, lengthBytes);
  }

  #peerOf(ip: number, port: number): HostPeer {
    const key = ip * 65_536 + port;
    const known = this.#peers.get(key);
    if (known !== undefined) return known;
    if (this.#peers.size >= PEERS_MAX) this.#peers.clear();
    const peer = { address: ipv4Text(ip), port };
    this.#peers.set(key, peer);
    return peer;
  }

  send(payload: Uint8Array, { address, port }: HostPeer): void {
    const slot = this.#outgoingCount;
    this.#outgoing.data.set(payload, slot * SLOT_BYTES);
    this.#outgoing.setRoom(slot, payload.length);
    if (address !== this.#lastAddress) {
      this.#lastAddress = address;
      this.#lastIp = ipv4Number(address);
    }
    this.#outgoing.setName(slot, this.#lastIp, port);
    this.#outgoingCount += 1;
    if (this.#outgoingCount === BATCH) this.flush();
  }

  flush(): void {
    if (this.#isHeld && this.#options.room() >= BATCH) {
      this.#isHeld = false;
      this.#watch.resume();
    }
    const count = this.#outgoingCount;
    if (count === 0) return;
    this.#outgoingCount = 0;
    const { headerBytes } = this.#outgoing;
    for (let sent = 0; sent < count;) {
      const rest = headerBytes.subarray(sent * MMSGHDR_BYTES);
      const done = this.#send(this.#fd, rest, count - sent, MSG_DONTWAIT);
      if (done > 0) {
        sent += done;
        continue;
      }
      this.#options.onSendError();
      // No room for any: what is left is lost, as on a wire. Else it is this one that cannot go.
      if (this.#errno() === EAGAIN) {
        for (let lost = sent + 1; lost < count; lost += 1) this.#options.onSendError();
        return;
      }
      sent += 1;
    }
  }

  hostDropped(): number {
    const words = Buffer.alloc(SK_MEMINFO_BYTES);
    const length = Buffer.alloc(4);
    length.writeInt32LE(words.length);
    this.#ask(this.#fd, SOL_SOCKET, SO_MEMINFO, words, length);
    return words.readUInt32LE(SK_MEMINFO_DROPS * 4);
  }

  close(): Promise<void> {
    this.flush();
    this.#watch.close();
    this.#close(this.#fd);
    return Promise.resolve();
  }
}
