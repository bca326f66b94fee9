/** Makes frames of their fields (see `fields.ts`): what is not said has a usual value. */

import { checksumAdd, checksumFinish } from '../../board/internet-checksum.ts';
import { hexBytes, type FrameFacts } from './fields.ts';

/** 52:55:0a:00:02:02, as QEMU's user network calls itself. */
const OWN_MAC = '52:55:0a:00:02:02';
const OWN_IP = '10.0.2.2';
const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const NO_MAC = '00:00:00:00:00:00';
const ETH_BYTES = 14;
const ARP_BYTES = 28;
const IP_BYTES = 20;
const UDP_BYTES = 8;
const ICMP_BYTES = 8;
const TYPE_IP = 0x0800;
const TYPE_ARP = 0x0806;
const PROTOCOL_UDP = 17;
const PROTOCOL_ICMP = 1;
/** Without the frame check sequence. */
const FRAME_BYTES_MIN = 60;

/** Who has an address, so that frames to it need not say its MAC. */
export type Neighbours = ReadonlyMap<string, string>;

/** @returns the bytes; at least 60 unless `len` says otherwise */
export function encodeFrame(facts: FrameFacts, neighbours: Neighbours = new Map()): Uint8Array {
  const raw = facts.get('raw');
  const bytes = raw === undefined ? new Encoder(facts, neighbours).encode() : hexBytes(String(raw));
  const len = Number(
    facts.get('len') ??
      (raw === undefined ? Math.max(bytes.length, FRAME_BYTES_MIN) : bytes.length),
  );
  const frame = new Uint8Array(len);
  frame.set(bytes.subarray(0, len));
  return frame;
}

class Encoder {
  readonly #facts: FrameFacts;
  readonly #neighbours: Neighbours;

  constructor(facts: FrameFacts, neighbours: Neighbours) {
    this.#facts = facts;
    this.#neighbours = neighbours;
  }

  encode(): Uint8Array {
    if (this.#facts.has('arp')) return this.#ethernet(TYPE_ARP, this.#arp(), this.#arpTarget());
    if (this.#facts.has('udp')) return this.#ip(PROTOCOL_UDP, 'udp', this.#udp());
    if (this.#facts.has('icmp')) return this.#ip(PROTOCOL_ICMP, 'icmp', this.#icmp());
    return this.#ethernet(TYPE_IP, new Uint8Array(0), BROADCAST);
  }

  #ethernet(type: number, payload: Uint8Array, to: string): Uint8Array {
    const bytes = new Uint8Array(ETH_BYTES + payload.length);
    bytes.set(macOf(this.#text('eth.to', to)), 0);
    bytes.set(macOf(this.#text('eth.from', OWN_MAC)), 6);
    put16(bytes, 12, this.#number('eth.type', type));
    bytes.set(payload, ETH_BYTES);
    return bytes;
  }

  #arpTarget(): string {
    if (this.#text('arp.op', 'request') === 'request') return BROADCAST;
    return this.#text('arp.to-mac', this.#macAt(this.#text('arp.to', OWN_IP)));
  }

  #arp(): Uint8Array {
    const isRequest = this.#text('arp.op', 'request') === 'request';
    const to = this.#text('arp.to', OWN_IP);
    const bytes = new Uint8Array(ARP_BYTES);
    bytes.set([0, 1, 8, 0, 6, 4, 0, isRequest ? 1 : 2]);
    bytes.set(macOf(this.#text('arp.from-mac', this.#text('eth.from', OWN_MAC))), 8);
    bytes.set(ipOf(this.#text('arp.from', OWN_IP)), 14);
    bytes.set(macOf(this.#text('arp.to-mac', isRequest ? NO_MAC : this.#macAt(to))), 18);
    bytes.set(ipOf(to), 24);
    return bytes;
  }

  #udp(): Uint8Array {
    const data = this.#data('udp');
    const bytes = new Uint8Array(UDP_BYTES + data.length);
    put16(bytes, 0, portOf(this.#text('udp.from', `${OWN_IP}:40000`)));
    put16(bytes, 2, portOf(this.#text('udp.to', `${OWN_IP}:9`)));
    put16(bytes, 4, bytes.length);
    bytes.set(data, UDP_BYTES);
    const how = this.#text('udp.checksum', 'good');
    if (how !== 'none') put16(bytes, 6, this.#udpSum(bytes) ^ (how === 'bad' ? 0x5555 : 0));
    return bytes;
  }

  #udpSum(bytes: Uint8Array): number {
    const pseudo = Uint8Array.from([
      ...this.#source('udp'),
      ...this.#target('udp'),
      0,
      PROTOCOL_UDP,
    ]);
    const sum = checksumAdd(pseudo, 0, pseudo.length, bytes.length);
    return checksumFinish(checksumAdd(bytes, 0, bytes.length, sum)) || 0xffff;
  }

  #icmp(): Uint8Array {
    const data = this.#data('icmp');
    const bytes = new Uint8Array(ICMP_BYTES + data.length);
    bytes[0] = this.#text('icmp.type', 'echo') === 'echo' ? 8 : 0;
    put16(bytes, 4, this.#number('icmp.id', 1));
    put16(bytes, 6, this.#number('icmp.seq', 1));
    bytes.set(data, ICMP_BYTES);
    put16(bytes, 2, checksumFinish(checksumAdd(bytes, 0, bytes.length, 0)));
    return bytes;
  }

  #ip(protocol: number, name: string, payload: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(IP_BYTES + payload.length);
    bytes[0] = 0x45;
    put16(bytes, 2, bytes.length);
    bytes[8] = this.#number('ip.ttl', 64);
    bytes[9] = this.#number('ip.protocol', protocol);
    bytes.set(this.#source(name), 12);
    bytes.set(this.#target(name), 16);
    const sum = checksumFinish(checksumAdd(bytes, 0, IP_BYTES, 0));
    put16(bytes, 10, this.#text('ip.checksum', 'good') === 'bad' ? sum ^ 0x5555 : sum);
    bytes.set(payload, IP_BYTES);
    return this.#ethernet(
      TYPE_IP,
      bytes,
      this.#macAt(this.#text(`${name}.to`, OWN_IP).split(':')[0] ?? ''),
    );
  }

  #source(name: string): Uint8Array {
    return ipOf(this.#text(`${name}.from`, OWN_IP));
  }

  #target(name: string): Uint8Array {
    return ipOf(this.#text(`${name}.to`, OWN_IP));
  }

  #macAt(ip: string): string {
    return this.#neighbours.get(ip) ?? BROADCAST;
  }

  #data(protocol: string): Uint8Array {
    const hex = this.#facts.get(`${protocol}.hex`);
    if (hex !== undefined) return hexBytes(String(hex));
    const text = new TextEncoder().encode(this.#text(`${protocol}.text`, ''));
    const bytes = this.#number(`${protocol}.bytes`, text.length);
    return Uint8Array.from({ length: bytes }, (_, i) => text[i] ?? i & 0xff);
  }

  #text(name: string, usual: string): string {
    return String(this.#facts.get(name) ?? usual);
  }

  #number(name: string, usual: number): number {
    return Number(this.#facts.get(name) ?? usual);
  }
}

function macOf(text: string): Uint8Array {
  return Uint8Array.from(text.split(':'), (pair) => Number.parseInt(pair, 16));
}

/** The address of an address with or without a port. */
function ipOf(text: string): Uint8Array {
  return Uint8Array.from((text.split(':')[0] ?? '').split('.'), Number);
}

function portOf(text: string): number {
  return Number(text.split(':')[1] ?? 0);
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value & 0xff;
}
