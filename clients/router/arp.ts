/** The router's ARP (RFC 826): answers who asks for its address, and asks for those of others. */

import * as wire from '../../queues/net/wire.ts';
import { addressAt } from './packet.ts';
import type { Port } from './port.ts';

const ARP_AT = wire.Ethernet.SIZE;
const ARP = ARP_AT >>> 1;
const FRAME_BYTES = ARP_AT + wire.Arp.SIZE;
const BROADCAST = 0xffff;
const at = (offset: number): number => ARP + (offset >>> 1);
const SENDER_MAC = at(wire.Arp.senderMac0.offset);
const SENDER_IP = at(wire.Arp.senderIp0.offset);
const TARGET_IP = at(wire.Arp.targetIp0.offset);

type Mac = readonly [number, number, number];

/** What a good message for us says. */
export interface ArpMessage {
  readonly kind: 'request' | 'reply';
  /** Whoever has sent it. */
  readonly ip: number;
  readonly mac: Mac;
}

export class ArpResponder {
  readonly #frame = new Uint8Array(FRAME_BYTES);
  readonly #view = new DataView(this.#frame.buffer);

  /** Reads the frame that the port has taken. @returns undefined when it is not for us */
  read(port: Port): ArpMessage | undefined {
    const { reader, lenBytes } = port;
    if (lenBytes < FRAME_BYTES) return undefined;
    const isArp =
      reader.half(ARP) === wire.swap16(wire.ARP_HARDWARE_ETHERNET) &&
      reader.half(at(wire.Arp.protocolType.offset)) === wire.swap16(wire.ETHERTYPE_IPV4) &&
      reader.half(at(wire.Arp.hardwareBytes.offset)) === wire.ARP_ADDRESS_BYTES;
    const operation = wire.swap16(reader.half(at(wire.Arp.operation.offset)));
    const isKnown = operation === wire.ARP_REQUEST || operation === wire.ARP_REPLY;
    const ip = addressAt(reader, SENDER_IP);
    const mac: Mac = [
      reader.half(SENDER_MAC),
      reader.half(SENDER_MAC + 1),
      reader.half(SENDER_MAC + 2),
    ];
    // An address of many, or one of ours, is nobody's to claim.
    const isSender = port.holds(ip) && ip !== port.ip && (mac[0] & 1) === 0;
    if (!isArp || !isKnown || !isSender || addressAt(reader, TARGET_IP) !== port.ip) {
      return undefined;
    }
    return { kind: operation === wire.ARP_REQUEST ? 'request' : 'reply', ip, mac };
  }

  /** @returns the frame that asks for an address; valid until the next call */
  request(port: Port, ip: number): Uint8Array {
    const everybody: Mac = [BROADCAST, BROADCAST, BROADCAST];
    return this.#write(port, { operation: wire.ARP_REQUEST, to: everybody, mac: [0, 0, 0], ip });
  }

  /** @returns the frame that answers a request; valid until the next call */
  reply(port: Port, { ip, mac }: ArpMessage): Uint8Array {
    return this.#write(port, { operation: wire.ARP_REPLY, to: mac, mac, ip });
  }

  #write(
    port: Port,
    target: {
      readonly operation: number;
      readonly to: Mac;
      readonly mac: Mac;
      readonly ip: number;
    },
  ): Uint8Array {
    const view = this.#view;
    this.#setMac(0, target.to);
    this.#setMac(6, port.mac);
    wire.Ethernet.type.set(view, 0, wire.ETHERTYPE_ARP);
    wire.Arp.hardwareType.set(view, ARP_AT, wire.ARP_HARDWARE_ETHERNET);
    wire.Arp.protocolType.set(view, ARP_AT, wire.ETHERTYPE_IPV4);
    wire.Arp.hardwareBytes.set(view, ARP_AT, wire.ARP_ADDRESS_BYTES & 0xff);
    wire.Arp.protocolBytes.set(view, ARP_AT, wire.ARP_ADDRESS_BYTES >>> 8);
    wire.Arp.operation.set(view, ARP_AT, target.operation);
    this.#setMac(ARP_AT + wire.Arp.senderMac0.offset, port.mac);
    view.setInt32(ARP_AT + wire.Arp.senderIp0.offset, port.ip);
    this.#setMac(ARP_AT + wire.Arp.targetMac0.offset, target.mac);
    view.setInt32(ARP_AT + wire.Arp.targetIp0.offset, target.ip);
    return this.#frame;
  }

  /** @param mac halfwords as memory holds them */
  #setMac(offset: number, mac: Mac): void {
    mac.forEach((half, index) => this.#view.setUint16(offset + 2 * index, half, true));
  }
}
