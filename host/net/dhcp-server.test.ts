// The DHCP server of the user-mode network, against messages written by hand from RFC 2131 and RFC
// 2132: who gets which address, what is refused, what is dropped and counted. Frames go through the
// whole network, as a guest's do.

import { describe, expect, it } from 'vitest';
import { UserNetwork } from './user-network.ts';

const MAC_A = '525401000007';
const MAC_B = '525401000008';
const SERVER = '0a000202';
const DAY = '00015180';

interface Message {
  readonly type?: number;
  readonly mac?: string;
  readonly sourceMac?: string;
  readonly clientIp?: string;
  readonly relayIp?: string;
  readonly flags?: string;
  /** Options but for the message type, as hexadecimal digits. */
  readonly options?: string;
}

interface Answer {
  readonly targetMac: string;
  readonly targetIp: string;
  readonly yourIp: string;
  readonly options: Readonly<Record<number, string>>;
}

const DISCOVER = 1;
const REQUEST = 3;
const DECLINE = 4;
const RELEASE = 7;
const INFORM = 8;
const OFFER = '02';
const ACK = '05';
const NAK = '06';

function sum16(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function udpFrame(payload: Buffer, sourceMac: string, targetIp = 'ffffffff'): Buffer {
  const head = Buffer.from(
    `ffffffffffff${sourceMac}080045000000000000004011000000000000${targetIp}0044004300000000`,
    'hex',
  );
  head.writeUInt16BE(28 + payload.length, 16);
  head.writeUInt16BE(8 + payload.length, 38);
  head.writeUInt16BE(~sum16(head.subarray(14, 34)) & 0xffff, 24);
  return Buffer.concat([head, payload]);
}

function message(given: Message): Buffer {
  const mac = given.mac ?? MAC_A;
  const head = Buffer.alloc(240);
  Buffer.from(`0101060012345678000a${given.flags ?? '0000'}`, 'hex').copy(head, 0);
  Buffer.from(given.clientIp ?? '00000000', 'hex').copy(head, 12);
  Buffer.from(given.relayIp ?? '00000000', 'hex').copy(head, 24);
  Buffer.from(mac, 'hex').copy(head, 28);
  Buffer.from('63825363', 'hex').copy(head, 236);
  const type = given.type === undefined ? '' : `3501${given.type.toString(16).padStart(2, '0')}`;
  return Buffer.concat([head, Buffer.from(`${type}${given.options ?? ''}ff`, 'hex')]);
}

function answerOf(frame: Buffer): Answer {
  expect(sum16(frame.subarray(14, 34)), 'checksum of the IPv4 header').toBe(0xffff);
  expect(frame.readUInt16BE(34), 'source port').toBe(67);
  expect(frame.readUInt16BE(36), 'target port').toBe(68);
  const dhcp = frame.subarray(42);
  expect(dhcp.length).toBe(300);
  expect(dhcp.subarray(0, 8).toString('hex'), 'a reply to this transaction').toBe(
    '0201060012345678',
  );
  const options: Record<number, string> = {};
  let at = 240;
  while (dhcp[at] !== 255) {
    const length = dhcp[at + 1] ?? 0;
    options[dhcp[at] ?? 0] = dhcp.subarray(at + 2, at + 2 + length).toString('hex');
    at += 2 + length;
  }
  return {
    targetMac: frame.subarray(0, 6).toString('hex'),
    targetIp: frame.subarray(30, 34).toString('hex'),
    yourIp: dhcp.subarray(16, 20).toString('hex'),
    options,
  };
}

function rig(options: { dhcpStart?: number; fixedAddresses?: readonly number[] } = {}) {
  const frames: Buffer[] = [];
  let nowNs = 0;
  const network = new UserNetwork({
    toBoard: (frame) => frames.push(Buffer.from(frame)),
    toHost: () => undefined,
    forwards: [{ guestIp: 0x0a00_020f, guestPort: 1235 }],
    nowNs: () => nowNs,
    ...options,
  });
  const send = (given: Message, sourceMac = given.mac ?? MAC_A): Answer | undefined => {
    frames.length = 0;
    network.fromBoard(udpFrame(message(given), sourceMac));
    const [frame] = frames;
    return frame && answerOf(frame);
  };
  /** From DISCOVER to ACK. */
  const lease = (mac: string): string | undefined => {
    const offer = send({ type: DISCOVER, mac });
    const options = `3604${SERVER}3204${offer?.yourIp ?? ''}`;
    return send({ type: REQUEST, mac, options })?.yourIp;
  };
  return { network, frames, send, lease, pass: (seconds: number) => (nowNs += seconds * 1e9) };
}

describe('a client that asks for an address', () => {
  it('is offered the first one with what QEMU says of the network', () => {
    const offer = rig().send({ type: DISCOVER });

    expect(offer).toEqual({
      targetMac: MAC_A,
      targetIp: '0a00020f',
      yourIp: '0a00020f',
      options: { 53: OFFER, 54: SERVER, 51: DAY, 1: 'ffffff00', 3: SERVER, 6: '0a000203' },
    });
  });

  it('gets what it was offered', () => {
    const test = rig();
    test.send({ type: DISCOVER });
    const ack = test.send({ type: REQUEST, options: `3604${SERVER}32040a00020f` });

    expect(ack).toMatchObject({ yourIp: '0a00020f', options: { 53: ACK, 51: DAY, 54: SERVER } });
    expect(test.network.dhcp).toMatchObject({ dhcpOffers: 1, dhcpAcks: 1, dhcpNaks: 0 });
  });

  it('is not given what another has: two clients have .15 and .16, in the order in which they ask', () => {
    const test = rig();

    expect([test.lease(MAC_B), test.lease(MAC_A)]).toEqual(['0a00020f', '0a000210']);
    expect([test.lease(MAC_A), test.lease(MAC_B)], 'and again').toEqual(['0a000210', '0a00020f']);
  });

  it('gets none that a guest has by its configuration, and begins where it is told', () => {
    expect(rig({ fixedAddresses: [0x0a00_020f] }).lease(MAC_A)).toBe('0a000210');
    expect(rig({ dhcpStart: 0x0a00_0240 }).lease(MAC_A)).toBe('0a000240');
  });

  it('is answered by broadcast when it says so', () => {
    const offer = rig().send({ type: DISCOVER, flags: '8000' });

    expect(offer).toMatchObject({ targetMac: 'ffffffffffff', targetIp: 'ffffffff' });
  });

  it('gets an address that it had before if that is free, and a refusal to all if not', () => {
    const test = rig();
    const asked = { type: REQUEST, mac: MAC_A, options: '32040a000212' };
    expect(test.send(asked)).toMatchObject({ yourIp: '0a000212', options: { 53: ACK } });

    const refused = test.send({ ...asked, mac: MAC_B });
    expect(refused).toEqual({
      targetMac: 'ffffffffffff',
      targetIp: 'ffffffff',
      yourIp: '00000000',
      options: { 53: NAK, 54: SERVER },
    });
    const foreign = test.send({ type: REQUEST, mac: MAC_B, options: '3204c0a80001' });
    expect(foreign?.options[53]).toBe(NAK);
  });

  it('may not take another address than was offered', () => {
    const test = rig();
    test.send({ type: DISCOVER });
    const answer = test.send({ type: REQUEST, options: `3604${SERVER}32040a000211` });

    expect(answer?.options[53]).toBe(NAK);
  });

  it('renews its lease at its own address', () => {
    const test = rig();
    test.lease(MAC_A);
    test.pass(86_000);
    const ack = test.send({ type: REQUEST, clientIp: '0a00020f' });
    test.pass(86_000);

    expect(ack).toMatchObject({ targetIp: '0a00020f', targetMac: MAC_A, options: { 53: ACK } });
    expect(test.lease(MAC_B), 'still not free').toBe('0a000210');
  });

  it('is told the rest when it has an address of its own', () => {
    const ack = rig().send({ type: INFORM, clientIp: '0a000250' });

    expect(ack).toEqual({
      targetMac: MAC_A,
      targetIp: '0a000250',
      yourIp: '00000000',
      options: { 53: ACK, 54: SERVER, 1: 'ffffff00', 3: SERVER, 6: '0a000203' },
    });
  });
});

describe('an address', () => {
  it('is free again when it is released, but only by its client', () => {
    const test = rig();
    test.lease(MAC_A);
    expect(test.send({ type: RELEASE, mac: MAC_B, clientIp: '0a00020f' })).toBeUndefined();
    expect(test.lease(MAC_B)).toBe('0a000210');
    expect(test.send({ type: RELEASE, mac: MAC_A, clientIp: '0a00020f' })).toBeUndefined();

    expect(test.lease('525401000009')).toBe('0a00020f');
  });

  it('is free again when an offer is not taken up for a minute, and when a lease is over', () => {
    const test = rig();
    test.send({ type: DISCOVER, mac: MAC_A });
    expect(test.send({ type: DISCOVER, mac: MAC_B })?.yourIp).toBe('0a000210');
    test.pass(60);
    expect(test.lease('525401000009')).toBe('0a00020f');
    test.pass(86_400);
    expect(test.lease('52540100000a')).toBe('0a00020f');
  });

  it('of an offer is free when the client names another server', () => {
    const test = rig();
    test.send({ type: DISCOVER, mac: MAC_A });
    test.send({ type: REQUEST, mac: MAC_A, options: '36040a00026332040a00020f' });

    expect(test.frames, 'no answer').toEqual([]);
    expect(test.lease(MAC_B)).toBe('0a00020f');
  });

  it('that a client found in use is left alone for a minute', () => {
    const test = rig();
    test.lease(MAC_A);
    test.send({ type: DECLINE, mac: MAC_A, options: '32040a00020f' });
    expect(test.lease(MAC_A)).toBe('0a000210');
    test.pass(86_401);

    expect(test.lease(MAC_B)).toBe('0a00020f');
  });

  it('has at most 16 leases; who comes then is not answered', () => {
    const test = rig();
    for (let index = 0; index < 16; index += 1) test.lease(`5254010001${10 + index}`);

    expect(test.lease(MAC_A)).toBeUndefined();
    expect(test.network.dhcp['dhcpNoAddress']).toBe(1);
  });

  it.each(['is released', 'has expired'])(
    'that %s and goes to another is asked for anew',
    (how) => {
      const test = rig();
      const arp = (mac: string): void =>
        test.network.fromBoard(
          Buffer.from(
            `52550a000202${mac}08060001080006040002${mac}0a00020f52550a0002020a000202`,
            'hex',
          ),
        );
      const datagram = (): string => {
        test.frames.length = 0;
        test.network.fromHost(0, { address: '127.0.0.1', port: 4000 }, Buffer.from('x'));
        return test.frames.map((frame) => frame.subarray(0, 6).toString('hex')).join();
      };
      test.lease(MAC_A);
      datagram();
      arp(MAC_A);
      expect(datagram()).toBe(MAC_A);
      if (how === 'is released') test.send({ type: RELEASE, mac: MAC_A, clientIp: '0a00020f' });
      else test.pass(86_400);
      test.lease(MAC_B);
      test.pass(1);

      expect(datagram(), 'a question').toBe('ffffffffffff');
      arp(MAC_B);
      expect(datagram()).toBe(MAC_B);
      expect(test.network.count.arpConflicts).toBe(0);
    },
  );
});

describe('a message that is none', () => {
  const whole = message({ type: DISCOVER, options: `32040a00020f` });
  const changed = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(whole);
    bytes[at] = value;
    return bytes;
  };
  it.each([
    ['is cut before its options', whole.subarray(0, 239)],
    ['is a reply', changed(0, 2)],
    ['is not of Ethernet', changed(1, 6)],
    ['has a hardware address of 7 bytes', changed(2, 7)],
    ['has no cookie', changed(236, 0)],
    ['has no type', message({ options: '32040a00020f' })],
    ['has a type of two bytes', message({ options: '35020101' })],
    ['has an address of three bytes', message({ type: DISCOVER, options: '32030a0002' })],
    ['ends within an option', message({ type: DISCOVER, options: '3240' })],
    ['ends behind the name of an option', whole.subarray(0, 244)],
  ])('because it %s is dropped and counted', (_, payload) => {
    const test = rig();
    test.network.fromBoard(udpFrame(Buffer.from(payload), MAC_A));

    expect(test.frames).toEqual([]);
    expect(test.network.count.dhcpMalformedDropped).toBe(1);
  });

  it('because it asks for somebody else, or comes by a relay, is dropped and counted', () => {
    const test = rig();
    test.send({ type: DISCOVER, mac: MAC_A }, MAC_B);
    test.send({ type: DISCOVER, relayIp: '0a000263' });

    expect(test.frames).toEqual([]);
    expect(test.network.count.dhcpForgedDropped).toBe(2);
  });

  it('because no client sends its type is ignored', () => {
    const test = rig();
    expect(test.send({ type: 2 })).toBeUndefined();
    expect(test.network.dhcp['dhcpIgnored']).toBe(1);
  });

  it('of any bytes at all ends in an answer or a counter', () => {
    const test = rig();
    for (let at = 0; at < whole.length; at += 1) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        test.network.fromBoard(udpFrame(changed(at, value), MAC_A));
        test.network.fromBoard(udpFrame(Buffer.from(whole.subarray(0, at)), MAC_A));
      }
    }
    const { dhcpMalformedDropped, dhcpForgedDropped } = test.network.count;
    const { dhcp } = test.network;
    const seen = Object.values(dhcp).reduce((sum, each) => sum + each, 0);
    // Types 4 and 7, which have no answer, do not occur among the values.
    expect(dhcpMalformedDropped + dhcpForgedDropped + seen).toBe(whole.length * 8);
  });
});

it('a datagram to all that is no question for an address is dropped', () => {
  const test = rig();
  const frame = udpFrame(Buffer.from('x'), MAC_A);
  frame.writeUInt16BE(4000, 36);
  test.network.fromBoard(frame);

  expect(test.network.count.otherDropped).toBe(1);
});
