// The user-mode network against a guest played by hand: what it answers itself, what it translates,
// what it refuses.

import { describe, expect, it } from 'vitest';
import { AddressTranslation } from './address-translation.ts';
import { UserNetwork } from './user-network.ts';

const GUEST_IP = 0x0a00_020f;
const GUEST_MAC = '52540100000a';
const OTHER_MAC = '52540100000b';
const GATEWAY_MAC = '52550a000202';

interface Rig {
  readonly network: UserNetwork;
  readonly toBoard: Buffer[];
  readonly toHost: string[];
  readonly notices: string[];
  tick(deltaNs: number): void;
}

function rig(): Rig {
  const toBoard: Buffer[] = [];
  const toHost: string[] = [];
  const notices: string[] = [];
  let now = 0;
  const network = new UserNetwork({
    toBoard: (frame) => toBoard.push(Buffer.from(frame)),
    toHost: (forward, peer, payload) => {
      const text = Buffer.from(payload).toString();
      toHost.push(`${String(forward)} ${peer.address}:${String(peer.port)} ${text}`);
    },
    forwards: [
      { guestIp: GUEST_IP, guestPort: 1235 },
      { guestIp: GUEST_IP + 1, guestPort: 7 },
    ],
    nowNs: () => now,
    onNotice: (text) => notices.push(text),
  });
  return { network, toBoard, toHost, notices, tick: (deltaNs) => (now += deltaNs) };
}

function sum16(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function arp(operation: number, senderMac: string, senderIp: number, targetIp: number): Buffer {
  const frame = Buffer.from(
    `ffffffffffff${senderMac}0806000108000604${operation.toString(16).padStart(4, '0')}${senderMac}`,
    'hex',
  );
  const rest = Buffer.alloc(14);
  rest.writeUInt32BE(senderIp, 0);
  rest.writeUInt32BE(targetIp, 10);
  return Buffer.concat([frame, rest]);
}

/** Writes the checksum of the IPv4 header anew. */
function sealHeader(frame: Buffer): void {
  frame.writeUInt16BE(0, 24);
  frame.writeUInt16BE(~sum16(frame.subarray(14, 34)) & 0xffff, 24);
}

function answerArp(test: Rig): void {
  test.network.fromBoard(arp(2, GUEST_MAC, GUEST_IP, 0x0a00_0202));
}

/** Turns a datagram frame round, as an echo client does: the checksums stay right. */
function echoed(frame: Buffer): Buffer {
  const out = Buffer.from(frame);
  frame.copy(out, 0, 6, 12);
  frame.copy(out, 6, 0, 6);
  frame.copy(out, 26, 30, 34);
  frame.copy(out, 30, 26, 30);
  frame.copy(out, 34, 36, 38);
  frame.copy(out, 36, 34, 36);
  return out;
}

const peer = { address: '127.0.0.1', port: 40_000 };

describe('the user-mode network', () => {
  it('answers ARP for the gateway and for nobody else', () => {
    const test = rig();
    test.network.fromBoard(arp(1, GUEST_MAC, GUEST_IP, 0x0a00_0202));
    test.network.fromBoard(arp(1, GUEST_MAC, GUEST_IP, 0x0a00_0203));

    expect(test.toBoard).toHaveLength(1);
    const reply = test.toBoard[0] ?? Buffer.alloc(0);
    expect(reply.toString('hex')).toBe(
      `${GUEST_MAC}${GATEWAY_MAC}08060001080006040002${GATEWAY_MAC}0a000202${GUEST_MAC}0a00020f`,
    );
  });

  it('asks for the MAC of a guest once, and then delivers what was held, in order', () => {
    const test = rig();
    test.network.fromHost(0, peer, Buffer.from('one'));
    test.network.fromHost(0, peer, Buffer.from('two'));
    expect(test.toBoard).toHaveLength(1);
    expect(test.toBoard[0]?.subarray(0, 6).toString('hex')).toBe('ffffffffffff');

    answerArp(test);

    expect(test.toBoard.slice(1).map((frame) => frame.subarray(42).toString())).toEqual([
      'one',
      'two',
    ]);
    expect(test.toBoard[1]?.subarray(0, 6).toString('hex')).toBe(GUEST_MAC);
  });

  it('asks again when nobody answers, and holds a bounded number', () => {
    const test = rig();
    for (let index = 0; index < 300; index += 1) test.network.fromHost(0, peer, Buffer.alloc(1));
    test.tick(200_000_000);
    test.network.fromHost(0, peer, Buffer.alloc(1));

    expect(test.network.count.arpRequests).toBe(2);
    expect(test.network.count.unresolvedDropped).toBe(301 - 256);
  });

  it('sends datagrams with correct checksums from the gateway', () => {
    const test = rig();
    test.network.fromHost(0, peer, Buffer.from('odd'));
    answerArp(test);

    const frame = test.toBoard[1] ?? Buffer.alloc(0);
    expect(sum16(frame.subarray(14, 34))).toBe(0xffff);
    const pseudo = Buffer.concat([frame.subarray(26, 34), Buffer.from([0, 17, 0, 11])]);
    expect(sum16(Buffer.concat([pseudo, frame.subarray(34)]))).toBe(0xffff);
    expect(frame.readUInt16BE(34)).toBe(40_000);
    expect(frame.readUInt16BE(36)).toBe(1235);
  });

  it('sends an answer back to the peer that asked', () => {
    const test = rig();
    const other = { address: '127.0.0.1', port: 40_001 };
    test.network.fromHost(0, peer, Buffer.from('a'));
    test.network.fromHost(0, other, Buffer.from('b'));
    answerArp(test);
    for (const frame of test.toBoard.slice(1)) test.network.fromBoard(echoed(frame));

    expect(test.toHost).toEqual(['0 127.0.0.1:40000 a', '0 127.0.0.1:40001 b']);
  });

  it('keeps peers with the same port apart', () => {
    const test = rig();
    test.network.fromHost(0, { address: '127.0.0.1', port: 5 }, Buffer.from('a'));
    test.network.fromHost(0, { address: '127.0.0.2', port: 5 }, Buffer.from('b'));
    answerArp(test);
    for (const frame of test.toBoard.slice(1)) test.network.fromBoard(echoed(frame));

    expect(test.toHost).toEqual(['0 127.0.0.1:5 a', '0 127.0.0.2:5 b']);
    expect(test.network.translations).toBe(2);
  });

  it('drops what no peer asked for, and answers from the wrong guest port', () => {
    const test = rig();
    test.network.fromHost(0, peer, Buffer.from('a'));
    answerArp(test);
    const answer = echoed(test.toBoard[1] ?? Buffer.alloc(0));
    const wrongPort = Buffer.from(answer);
    wrongPort.writeUInt16BE(1236, 34);
    wrongPort.writeUInt16BE(0, 40); // no checksum
    const unknown = Buffer.from(answer);
    unknown.writeUInt16BE(9, 36);
    unknown.writeUInt16BE(0, 40);
    test.network.fromBoard(wrongPort);
    test.network.fromBoard(unknown);

    expect(test.toHost).toEqual([]);
    expect(test.network.count.noTranslationDropped).toBe(2);
  });

  it('drops damaged datagrams, fragments and what is too short, by name', () => {
    const test = rig();
    test.network.fromHost(0, peer, Buffer.from('abcd'));
    answerArp(test);
    const answer = echoed(test.toBoard[1] ?? Buffer.alloc(0));
    const damaged = Buffer.from(answer);
    damaged[43] = 0;
    const fragment = Buffer.from(answer);
    fragment[20] = 0x20;
    sealHeader(fragment);
    test.network.fromBoard(damaged);
    test.network.fromBoard(fragment);
    test.network.fromBoard(answer.subarray(0, 40));
    test.network.fromBoard(answer.subarray(0, 20));

    expect(test.network.count.malformedDropped).toBe(3);
    expect(test.network.count.fragmentsDropped).toBe(1);
    expect(test.toHost).toEqual([]);
  });

  it('drops a packet whose IPv4 header is damaged, as malformed', () => {
    const test = rig();
    test.network.fromHost(0, peer, Buffer.from('abcd'));
    answerArp(test);
    const answer = echoed(test.toBoard[1] ?? Buffer.alloc(0));
    const damaged = Buffer.from(answer);
    damaged[22] = (damaged[22] ?? 0) ^ 1; // time to live: nothing but the header's checksum covers it
    test.network.fromBoard(damaged);

    expect(test.toHost).toEqual([]);
    expect(test.network.count.malformedDropped).toBe(1);
    test.network.fromBoard(answer);
    expect(test.toHost).toEqual(['0 127.0.0.1:40000 abcd']);
  });

  it('leaves an address to the guest that had it first, and says once that another claims it', () => {
    const test = rig();
    test.network.fromHost(0, peer, Buffer.from('one'));
    answerArp(test);
    test.network.fromBoard(arp(2, OTHER_MAC, GUEST_IP, 0x0a00_0202));
    test.network.fromBoard(arp(1, OTHER_MAC, GUEST_IP, 0x0a00_0202));
    answerArp(test); // the owner again: no conflict
    test.network.fromHost(0, peer, Buffer.from('two'));

    const last = test.toBoard.at(-1) ?? Buffer.alloc(0);
    expect(last.subarray(42).toString()).toBe('two');
    expect(last.subarray(0, 6).toString('hex')).toBe(GUEST_MAC);
    expect(test.network.count.arpConflicts).toBe(2);
    expect(test.notices).toEqual([expect.stringContaining('10.0.2.15')]);
  });

  it('learns nothing from ARP frames that come from another MAC than they say', () => {
    const test = rig();
    test.network.fromHost(0, peer, Buffer.from('one'));
    const forged = arp(2, OTHER_MAC, GUEST_IP, 0x0a00_0202);
    forged.write(GUEST_MAC, 6, 'hex');
    test.network.fromBoard(forged);
    expect(test.toBoard).toHaveLength(1);
    expect(test.network.count.arpForgedDropped).toBe(1);

    answerArp(test);
    expect(test.toBoard[1]?.subarray(0, 6).toString('hex')).toBe(GUEST_MAC);
  });

  it('answers ping to the gateway', () => {
    const test = rig();
    const icmp = Buffer.from('0800000000010002616263', 'hex');
    icmp.writeUInt16BE(~sum16(icmp) & 0xffff, 2);
    const header = Buffer.from('4500001f000100004001000000000000000a000202', 'hex').subarray(0, 20);
    header.writeUInt32BE(GUEST_IP, 12);
    header.writeUInt32BE(0x0a00_0202, 16);
    const ethernet = Buffer.from(`${GATEWAY_MAC}${GUEST_MAC}0800`, 'hex');
    const ping = Buffer.concat([ethernet, header, icmp]);
    sealHeader(ping);
    test.network.fromBoard(ping);

    const reply = test.toBoard[0] ?? Buffer.alloc(0);
    expect(reply[34]).toBe(0);
    expect(sum16(reply.subarray(34))).toBe(0xffff);
    expect(reply.subarray(42).toString()).toBe('abc');
    expect(reply.readUInt32BE(30)).toBe(GUEST_IP);
  });

  it('carries 1472 bytes and drops 1473', () => {
    const test = rig();
    test.network.fromHost(0, peer, Buffer.alloc(1472));
    test.network.fromHost(0, peer, Buffer.alloc(1473));
    answerArp(test);

    expect(test.toBoard[1]).toHaveLength(1514);
    expect(test.toBoard).toHaveLength(2);
    expect(test.network.count.tooLargeDropped).toBe(1);
  });
});

describe('address translation', () => {
  it('evicts the entry that has been quiet for longest', () => {
    const table = new AddressTranslation(3);
    const port = (number: number) => table.ofPeer(0, { address: '127.0.0.1', port: number });
    const first = port(1);
    port(2);
    port(3);
    port(1); // used again
    port(4); // 2 has to go

    expect(table.size).toBe(3);
    expect(table.evicted).toBe(1);
    expect(table.ofPort(first.gatewayPort)?.peer.port).toBe(1);
    expect(table.ofPort(2)).toBeUndefined();
  });
});
