/** Reads what stands in a frame (see `fields.ts`), and says it in words. */

import { checksumAdd, checksumFinish } from '../../board/internet-checksum.ts';
import type { FrameFacts } from './fields.ts';

const TYPE_IP = 0x0800;
const TYPE_ARP = 0x0806;
const IP_AT = 14;
const IP_BYTES = 20;
const PROTOCOL_UDP = 17;
const PROTOCOL_ICMP = 1;
const SHOWN_BYTES = 16;

export function decodeFrame(bytes: Uint8Array): FrameFacts {
  const facts = new Map<string, string | number>([
    ['len', bytes.length],
    ['raw', hexOf(bytes)],
  ]);
  if (bytes.length < IP_AT) return facts;
  const type = get16(bytes, 12);
  facts.set('eth', 'there').set('eth.to', macText(bytes, 0)).set('eth.from', macText(bytes, 6));
  facts.set('eth.type', type);
  if (type === TYPE_ARP && bytes.length >= IP_AT + 28) addArp(bytes, facts);
  if (type === TYPE_IP && bytes.length >= IP_AT + IP_BYTES) addIp(bytes, facts);
  return facts;
}

/** @returns such as `udp 10.0.2.15:1235 to 10.0.2.2:40000, "hello", 60 bytes` */
export function frameWords(facts: FrameFacts): string {
  const size = `${facts.get('len')} bytes`;
  if (facts.has('arp')) {
    const [op, from, to] = ['arp.op', 'arp.from', 'arp.to'].map((name) => facts.get(name));
    return `arp ${op} from ${from} (${facts.get('arp.from-mac')}) to ${to}, ${size}`;
  }
  for (const name of ['udp', 'icmp']) {
    if (!facts.has(name)) continue;
    const kind = name === 'icmp' ? `icmp ${facts.get('icmp.type')}` : 'udp';
    return `${kind} ${facts.get(`${name}.from`)} to ${facts.get(`${name}.to`)}, ${dataWords(facts, name)}, ${size}`;
  }
  return `type ${Number(facts.get('eth.type') ?? 0).toString(16)} from ${facts.get('eth.from')} to ${facts.get('eth.to')}, ${size}`;
}

function dataWords(facts: FrameFacts, name: string): string {
  const text = String(facts.get(`${name}.text`));
  const count = Number(facts.get(`${name}.bytes`));
  if (count <= 2 * SHOWN_BYTES && /^[\x20-\x7e]*$/.test(text)) return JSON.stringify(text);
  const more = count > SHOWN_BYTES ? '…' : '';
  return `${String(facts.get(`${name}.hex`)).slice(0, 2 * SHOWN_BYTES)}${more}`;
}

function addArp(bytes: Uint8Array, facts: Map<string, string | number>): void {
  const op = get16(bytes, IP_AT + 6);
  facts.set('arp', 'there');
  facts.set('arp.op', op === 1 ? 'request' : op === 2 ? 'reply' : op);
  facts.set('arp.from-mac', macText(bytes, IP_AT + 8)).set('arp.from', ipText(bytes, IP_AT + 14));
  facts.set('arp.to-mac', macText(bytes, IP_AT + 18)).set('arp.to', ipText(bytes, IP_AT + 24));
}

function addIp(bytes: Uint8Array, facts: Map<string, string | number>): void {
  const headerBytes = ((bytes[IP_AT] ?? 0) & 0xf) * 4;
  const end = Math.min(bytes.length, IP_AT + get16(bytes, IP_AT + 2));
  const at = IP_AT + headerBytes;
  if (headerBytes < IP_BYTES || at > end) return;
  const protocol = bytes[IP_AT + 9] ?? 0;
  const [from, to] = [ipText(bytes, IP_AT + 12), ipText(bytes, IP_AT + 16)];
  const isGood = checksumFinish(checksumAdd(bytes, IP_AT, headerBytes, 0)) === 0;
  facts.set('ip', 'there').set('ip.from', from).set('ip.to', to);
  facts.set('ip.ttl', bytes[IP_AT + 8] ?? 0).set('ip.protocol', protocol);
  facts.set('ip.checksum', isGood ? 'good' : 'bad');
  if (end - at < 8) return;
  const data = bytes.subarray(at + 8, end);
  if (protocol === PROTOCOL_UDP) addUdp(bytes.subarray(at, end), { from, to }, facts);
  if (protocol !== PROTOCOL_ICMP) return;
  const type = bytes[at] ?? 0;
  facts.set('icmp', 'there').set('icmp.from', from).set('icmp.to', to);
  facts.set('icmp.type', type === 8 ? 'echo' : type === 0 ? 'reply' : type);
  facts.set('icmp.id', get16(bytes, at + 4)).set('icmp.seq', get16(bytes, at + 6));
  addData('icmp', data, facts);
}

function addUdp(
  datagram: Uint8Array,
  { from, to }: { readonly from: string; readonly to: string },
  facts: Map<string, string | number>,
): void {
  facts.set('udp', 'there').set('udp.from', `${from}:${get16(datagram, 0)}`);
  facts.set('udp.to', `${to}:${get16(datagram, 2)}`);
  const addresses = [...from.split('.'), ...to.split('.')].map(Number);
  const pseudo = Uint8Array.from([...addresses, 0, PROTOCOL_UDP]);
  const length = get16(datagram, 4);
  const sum = checksumAdd(pseudo, 0, pseudo.length, length);
  const whole = Math.min(length, datagram.length);
  const isGood = checksumFinish(checksumAdd(datagram, 0, whole, sum)) === 0;
  facts.set('udp.checksum', get16(datagram, 6) === 0 ? 'none' : isGood ? 'good' : 'bad');
  addData('udp', datagram.subarray(8, whole), facts);
}

function addData(name: string, data: Uint8Array, facts: Map<string, string | number>): void {
  facts.set(`${name}.text`, new TextDecoder().decode(data));
  facts.set(`${name}.hex`, hexOf(data)).set(`${name}.bytes`, data.length);
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function macText(bytes: Uint8Array, at: number): string {
  return hexOf(bytes.subarray(at, at + 6)).replaceAll(/..(?!$)/g, '$&:');
}

function ipText(bytes: Uint8Array, at: number): string {
  return bytes.subarray(at, at + 4).join('.');
}

function get16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
