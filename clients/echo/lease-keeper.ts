/**
 * Keeps an address by DHCP: the client's states (`dhcp-client.ts`) between frames and a clock. Its
 * own messages are the only frames that the echo client begins with.
 */

import type { ReadonlyRegion, Region } from '../../memory/region.ts';
import { NET_BUFFER_BYTES } from '../../queues/net/queue.ts';
import { checksum, fold } from '../../queues/net/checksum.ts';
import { DhcpClient } from './dhcp-client.ts';
import {
  DHCP_BYTES,
  DHCP_CLIENT_PORT,
  DHCP_SERVER_PORT,
  type DhcpReply,
  type DhcpRequest,
  readReply,
  writeRequest,
} from './dhcp-message.ts';
import * as wire from '../../queues/net/wire.ts';

const IP_AT = wire.Ethernet.SIZE;
const UDP_AT = IP_AT + wire.Ipv4.SIZE;
const DATA_AT = UDP_AT + wire.Udp.SIZE;
const FRAME_BYTES = DATA_AT + DHCP_BYTES;
const FRAGMENT_MASK = 0x3fff;
const BROADCAST = new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
const BROADCAST_IP = 0xffff_ffff;
const TIME_TO_LIVE = 64;
/** Where a message's checksum is, for whoever completes it: see `NetProducer.enqueuePartial`. */
export const UDP_CHECKSUM = UDP_AT | (wire.Udp.checksum.offset << 16);

export interface LeaseKeeperOptions {
  readonly received: ReadonlyRegion;
  readonly sent: Region;
  /** Six bytes. */
  readonly mac: Uint8Array;
  /** Nanoseconds from any start. */
  readonly now: () => number;
  /** Whether UDP's checksum is left to the device. */
  readonly leavesChecksums?: boolean;
}

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #client: DhcpClient;
  readonly #frame = new Uint8Array(NET_BUFFER_BYTES);
  readonly #view = new DataView(this.#frame.buffer);
  readonly #message = new Uint8Array(FRAME_BYTES);
  readonly #messageView = new DataView(this.#message.buffer);
  /** Where the lease came from: the server, or whoever relays it. */
  readonly #serverMac = BROADCAST.slice();

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    const { buffer, byteOffset } = options.mac;
    this.#client = new DhcpClient(new DataView(buffer, byteOffset).getUint32(2));
  }

  /** The address that may be used now. */
  get ip(): number | undefined {
    return this.#client.ip;
  }

  get nextAtNs(): number {
    return this.#client.nextAtNs;
  }

  /** Whether it waits for a server's answer. */
  get isAsking(): boolean {
    return this.#client.state !== 'bound';
  }

  /**
   * Time has passed.
   * @param to buffer for a message
   * @returns bytes of the message; 0 for none
   */
  tick(to: number): number {
    return this.#send(to, this.#client.tick(this.#options.now()));
  }

  /**
   * A frame has come.
   * @param from its buffer @param to buffer for a message
   * @returns bytes of the message, 0 for none; -1 for a frame that is no server's answer to us
   */
  take(from: number, lengthBytes: number, to: number): number {
    const reply = this.#read(from, lengthBytes);
    if (reply === undefined) return -1;
    const wasAsking = this.isAsking;
    const request = this.#client.receive(reply, this.#options.now());
    // An answer to another's question, or to an older one of ours, says nothing of our server.
    if (wasAsking && !this.isAsking) this.#serverMac.set(this.#frame.subarray(6, 12));
    return this.#send(to, request);
  }

  #read(from: number, lengthBytes: number): DhcpReply | undefined {
    if (lengthBytes < DATA_AT || lengthBytes > NET_BUFFER_BYTES) return undefined;
    const frame = this.#frame.subarray(0, lengthBytes);
    this.#options.received.read(from * NET_BUFFER_BYTES, frame);
    const view = this.#view;
    const isPlain =
      wire.Ethernet.type.get(view, 0) === wire.ETHERTYPE_IPV4 &&
      wire.Ipv4.versionAndIhl.get(view, IP_AT) === 0x45 &&
      wire.Ipv4.protocol.get(view, IP_AT) === wire.IP_PROTOCOL_UDP &&
      (wire.Ipv4.flagsAndFragmentOffset.get(view, IP_AT) & FRAGMENT_MASK) === 0 &&
      wire.Udp.sourcePort.get(view, UDP_AT) === DHCP_SERVER_PORT &&
      wire.Udp.destinationPort.get(view, UDP_AT) === DHCP_CLIENT_PORT;
    if (!isPlain || !this.#isForUs(frame)) return undefined;
    const udpBytes = wire.Udp.length.get(view, UDP_AT);
    if (udpBytes < wire.Udp.SIZE || UDP_AT + udpBytes > lengthBytes) return undefined;
    if (checksum(view, IP_AT, wire.Ipv4.SIZE) !== 0xffff) return undefined;
    if (wire.Udp.checksum.get(view, UDP_AT) !== 0) {
      if (udpSum(view, udpBytes) !== 0xffff) return undefined;
    }
    const data = new DataView(this.#frame.buffer, DATA_AT, udpBytes - wire.Udp.SIZE);
    return readReply(data, this.#options.mac);
  }

  #isForUs(frame: Uint8Array): boolean {
    const { mac } = this.#options;
    return [mac, BROADCAST].some((each) => each.every((byte, index) => frame[index] === byte));
  }

  #send(to: number, request: DhcpRequest | undefined): number {
    if (request === undefined) return 0;
    const view = this.#messageView;
    const server = this.#client.serverIp;
    this.#message.set(server === undefined ? BROADCAST : this.#serverMac, 0);
    this.#message.set(this.#options.mac, 6);
    wire.Ethernet.type.set(view, 0, wire.ETHERTYPE_IPV4);
    wire.Ipv4.versionAndIhl.set(view, IP_AT, 0x45);
    wire.Ipv4.totalLength.set(view, IP_AT, FRAME_BYTES - IP_AT);
    wire.Ipv4.timeToLive.set(view, IP_AT, TIME_TO_LIVE);
    wire.Ipv4.protocol.set(view, IP_AT, wire.IP_PROTOCOL_UDP);
    view.setUint32(IP_AT + wire.Ipv4.source0.offset, request.clientIp);
    view.setUint32(IP_AT + wire.Ipv4.destination0.offset, server ?? BROADCAST_IP);
    wire.Ipv4.headerChecksum.set(view, IP_AT, 0);
    wire.Ipv4.headerChecksum.set(view, IP_AT, ~checksum(view, IP_AT, wire.Ipv4.SIZE) & 0xffff);
    wire.Udp.sourcePort.set(view, UDP_AT, DHCP_CLIENT_PORT);
    wire.Udp.destinationPort.set(view, UDP_AT, DHCP_SERVER_PORT);
    wire.Udp.length.set(view, UDP_AT, wire.Udp.SIZE + DHCP_BYTES);
    wire.Udp.checksum.set(view, UDP_AT, 0);
    writeRequest(view, DATA_AT, this.#options.mac, request);
    const udpBytes = wire.Udp.SIZE + DHCP_BYTES;
    if (this.#options.leavesChecksums === true) {
      wire.Udp.checksum.set(view, UDP_AT, pseudoSum(view, udpBytes));
    } else {
      const sum = ~udpSum(view, udpBytes) & 0xffff;
      wire.Udp.checksum.set(view, UDP_AT, sum === 0 ? 0xffff : sum);
    }
    this.#options.sent.write(to * NET_BUFFER_BYTES, this.#message);
    return FRAME_BYTES;
  }
}

/** The sum of a datagram and its pseudo-header. */
function udpSum(view: DataView, udpBytes: number): number {
  return checksum(view, UDP_AT, udpBytes, pseudoSum(view, udpBytes));
}

function pseudoSum(view: DataView, udpBytes: number): number {
  const addresses = checksum(view, IP_AT + wire.Ipv4.source0.offset, 8);
  return fold(addresses + wire.IP_PROTOCOL_UDP + udpBytes);
}
