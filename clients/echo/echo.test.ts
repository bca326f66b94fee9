/**
 * Goal: the echo client answers exactly what it should, with bytes that a real network would
 * accept, on each path. Method: frames written field by field in the test go in at the device, and
 * what comes out is compared byte for byte.
 */

import { describe, expect, it } from 'vitest';
import { readCounters } from '../../queues/counters.ts';
import { bareEcho, clientIp, clientMac, type EchoPath, IRQ } from '../../test/support/bare-echo.ts';
import { ScriptedNic } from '../../test/support/scripted-nic.ts';
import { checksum, SOURCE_IP, SOURCE_MAC, udpFrame } from '../../test/support/udp-frame.ts';
import { NET_DRIVER_COUNTERS } from '../../drivers/network/virtio/counters.ts';
import { ECHO_COUNTERS } from './responder.ts';

const MAC0 = [0x52, 0x54, 0x01, 0, 0, 0x0a];
const IP0 = [10, 0, 2, 15];
const PATHS: readonly EchoPath[] = ['5pd', '4pd', '2pd', 'dummy'];

const F_GUEST_CSUM = 1 << 1;
/** Flags of a received frame's header, virtio 1.2 §5.1.6. */
const NEEDS_CSUM = 1;
const DATA_VALID = 2;

function echoSystem(path: EchoPath = '5pd', features?: number) {
  const made: { nic?: ScriptedNic } = {};
  const echo = bareEcho({
    path,
    clients: 2,
    buffers: 16,
    startIndex: 65_530,
    device: (system) => {
      const offered = features === undefined ? {} : { features };
      return (made.nic = new ScriptedNic({ ram: system.ram, ...offered }));
    },
  });
  const nic = made.nic as ScriptedNic;
  const interrupt = (): void => {
    nic.interruptStatus = 1;
    echo.driver.raise(IRQ);
    echo.system.run();
  };
  const free = nic.rx.takeAll();
  /** @returns the frames that come back for this one */
  const exchange = (frame: Uint8Array, flags = 0): number[][] => {
    const chain = free.shift();
    if (chain === undefined) throw new Error('the device has no buffer');
    nic.rx.receive(chain, frame, flags);
    interrupt();
    const sent = nic.tx.takeAll();
    const frames = sent.map((one) => [...nic.tx.frame(one)]);
    for (const one of sent) nic.tx.complete(one.head, 0);
    interrupt();
    free.push(...nic.rx.takeAll());
    return frames;
  };
  const counters = () => readCounters(ECHO_COUNTERS, echo.system.region('client0_stats'));
  const driver = () => readCounters(NET_DRIVER_COUNTERS, echo.system.region('driver_stats'));
  return { exchange, counters, driver };
}

const to = { mac: clientMac(0), ip: clientIp(0) };

function payloadOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + length) & 0xff);
}

/** The answer that a correct echo server gives. */
function answerTo(request: Uint8Array): number[] {
  const answer = request.slice();
  answer.set(request.subarray(6, 12), 0);
  answer.set(request.subarray(0, 6), 6);
  answer.set(request.subarray(26, 30), 30);
  answer.set(request.subarray(30, 34), 26);
  const udp = 14 + ((request[14] as number) & 15) * 4;
  answer.set(request.subarray(udp, udp + 2), udp + 2);
  answer.set(request.subarray(udp + 2, udp + 4), udp);
  return [...answer];
}

function arpRequest(target: readonly number[], padding = 18): Uint8Array {
  // prettier-ignore
  return Uint8Array.of(
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...SOURCE_MAC, 0x08, 0x06,
    0, 1, 8, 0, 6, 4, 0, 1,
    ...SOURCE_MAC, ...SOURCE_IP, 0, 0, 0, 0, 0, 0, ...target,
    ...Array.from({ length: padding }, () => 0),
  );
}

function ping(payload: Uint8Array): Uint8Array {
  const frame = udpFrame({ ...to, payload });
  const view = new DataView(frame.buffer);
  view.setUint8(23, 1);
  view.setUint16(24, 0);
  view.setUint16(24, checksum(frame.subarray(14, 34)));
  frame.set([8, 0, 0, 0, 0xab, 0xcd, 0, 7], 34);
  view.setUint16(36, checksum(frame.subarray(34)));
  return frame;
}

/** A datagram with `options` (a multiple of 4 bytes) between IPv4 header and UDP. */
function withOptions(options: readonly number[]): Uint8Array {
  const plain = udpFrame({ ...to, payload: payloadOf(20) });
  const frame = Uint8Array.from([...plain.subarray(0, 34), ...options, ...plain.subarray(34)]);
  const view = new DataView(frame.buffer);
  view.setUint8(14, 0x45 + options.length / 4);
  view.setUint16(16, frame.length - 14);
  view.setUint16(24, 0);
  view.setUint16(24, checksum(frame.subarray(14, 34 + options.length)));
  return frame;
}

/** Changes bytes of a good datagram, and makes the header's checksum right again. */
function changed(change: (frame: Uint8Array, view: DataView) => void): Uint8Array {
  const frame = udpFrame({ ...to, payload: payloadOf(30) });
  const view = new DataView(frame.buffer);
  change(frame, view);
  view.setUint16(24, 0);
  view.setUint16(24, checksum(frame.subarray(14, 34)));
  return frame;
}

describe.each(PATHS)('the echo client on the path %s', (path) => {
  it('echoes datagrams of every kind of length, bytes and checksums as they must be', () => {
    const { exchange, counters } = echoSystem(path);
    for (const length of [0, 1, 2, 3, 17, 18, 22, 100, 1471, 1472]) {
      const request = udpFrame({ ...to, payload: payloadOf(length) });
      expect(exchange(request)).toEqual([answerTo(request)]);
    }
    expect(counters()).toMatchObject({ udpEchoed: 10, txPackets: 10, copies: 10 });
  });

  it('answers on port 7 too', () => {
    const { exchange } = echoSystem(path);
    const request = udpFrame({ ...to, payload: payloadOf(5), port: 7 });

    expect(exchange(request)).toEqual([answerTo(request)]);
  });

  it('goes on for longer than it has buffers', () => {
    const { exchange } = echoSystem(path);
    for (let i = 0; i < 100; i += 1) {
      const request = udpFrame({ ...to, payload: payloadOf(i) });
      expect(exchange(request)).toEqual([answerTo(request)]);
    }
  });
});

describe('ARP', () => {
  it('answers a request for its own address', () => {
    const { exchange, counters } = echoSystem();

    // prettier-ignore
    const answer = [
      ...SOURCE_MAC, ...MAC0, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2,
      ...MAC0, ...IP0, ...SOURCE_MAC, ...SOURCE_IP,
      ...Array.from({ length: 18 }, () => 0),
    ];
    expect(exchange(arpRequest(IP0))).toEqual([answer]);
    expect(counters().arpAnswered).toBe(1);
  });

  it('leaves other addresses, answers and other protocols alone', () => {
    const { exchange, counters } = echoSystem();
    const answer = arpRequest(IP0);
    answer[21] = 2;
    const otherProtocol = arpRequest(IP0);
    otherProtocol[16] = 9;

    expect(exchange(arpRequest([10, 0, 2, 99]))).toEqual([]);
    expect(exchange(answer)).toEqual([]);
    expect(exchange(otherProtocol)).toEqual([]);
    expect(exchange(arpRequest(IP0).subarray(0, 41))).toEqual([]);
    expect(counters()).toMatchObject({ arpAnswered: 0, dropArp: 4 });
  });
});

describe('ICMP echo', () => {
  it.each([0, 1, 56, 57, 1464])('answers a ping of %i bytes with a right checksum', (length) => {
    const { exchange } = echoSystem();
    const request = ping(payloadOf(length));
    const [answer] = exchange(request) as [number[]];

    expect(answer.slice(0, 12)).toEqual([...SOURCE_MAC, ...MAC0]);
    expect(answer.slice(26, 34)).toEqual([...IP0, ...SOURCE_IP]);
    expect(checksum(Uint8Array.from(answer.slice(14, 34)))).toBe(0);
    expect(answer.slice(34, 36)).toEqual([0, 0]);
    expect(checksum(Uint8Array.from(answer.slice(34)))).toBe(0);
    expect(answer.slice(38)).toEqual([...request.subarray(38)]);
  });

  it('drops a wrong checksum and other types', () => {
    const { exchange, counters } = echoSystem();
    const damaged = ping(payloadOf(8));
    damaged[45] = 0xee;
    const other = ping(payloadOf(8));
    other[34] = 13;

    expect(exchange(damaged)).toEqual([]);
    expect(exchange(other)).toEqual([]);
    expect(counters().dropIcmp).toBe(2);
  });
});

describe('what is not answered is counted by its reason', () => {
  it.each<[keyof typeof ECHO_COUNTERS, Uint8Array]>([
    ['dropEthertype', changed((_, view) => view.setUint16(12, 0x86dd))],
    ['dropIpHeader', changed((_, view) => view.setUint8(14, 0x44))],
    ['dropIpHeader', changed((_, view) => view.setUint8(14, 0x65))],
    ['dropIpHeader', changed((_, view) => view.setUint16(16, 1000))],
    ['dropIpHeader', changed((_, view) => view.setUint16(16, 19))],
    ['dropIpHeader', changed(() => undefined).subarray(0, 33)],
    ['dropFragment', changed((_, view) => view.setUint16(20, 0x2000))],
    ['dropFragment', changed((_, view) => view.setUint16(20, 1))],
    ['dropProtocol', changed((_, view) => view.setUint8(23, 6))],
    ['dropNotForUs', changed((frame) => frame.set([10, 0, 2, 77], 30))],
    ['dropNotForUs', changed((frame) => frame.fill(0xff, 0, 6))],
    ['dropUdpLength', changed((_, view) => view.setUint16(38, 7))],
    ['dropUdpLength', changed((_, view) => view.setUint16(38, 39))],
    ['dropUdpLength', changed((_, view) => view.setUint16(16, 27))],
    ['dropUdpPort', changed((_, view) => view.setUint16(36, 1236))],
    ['dropUdpLoop', changed((_, view) => view.setUint16(34, 7))],
  ])('%s', (reason, frame) => {
    const { exchange, counters } = echoSystem();

    expect(exchange(frame)).toEqual([]);
    expect(counters()).toMatchObject({ [reason]: 1, txPackets: 0 });
  });

  it('dropIpChecksum, for any single bit of the header', () => {
    const { exchange, counters } = echoSystem();
    for (let byte = 24; byte < 34; byte += 1) {
      const frame = udpFrame({ ...to, payload: payloadOf(4) });
      frame[byte] = (frame[byte] as number) ^ (1 << (byte % 8));
      expect(exchange(frame)).toEqual([]);
    }
    expect(counters().dropIpChecksum).toBe(10);
  });

  it.each([0, 1, 2, 5, 33, 1472])('dropUdpChecksum, for any byte of %i', (length) => {
    const { exchange, counters } = echoSystem();
    const good = udpFrame({ ...to, payload: payloadOf(length) });
    const step = Math.max(1, Math.floor(length / 8));
    let damaged = 0;
    // The checksum, and the payload; what the pseudo-header has is judged before.
    for (let byte = 40; byte < good.length; byte += step) {
      const frame = good.slice();
      frame[byte] = (frame[byte] as number) ^ (1 << (byte % 8));
      expect(exchange(frame), `byte ${byte}`).toEqual([]);
      damaged += 1;
    }
    expect(exchange(good)).toEqual([answerTo(good)]);
    expect(counters()).toMatchObject({ dropUdpChecksum: damaged, udpEchoed: 1 });
  });

  it('dropUdpChecksum, behind a header with options', () => {
    const { exchange, counters } = echoSystem();
    const frame = withOptions([7, 7, 4, 0]);
    frame[frame.length - 1] = (frame.at(-1) as number) ^ 1;

    expect(exchange(frame)).toEqual([]);
    expect(counters().dropUdpChecksum).toBe(1);
  });

  it.each(PATHS)('believes a device that vouches for a checksum, on path %s', (path) => {
    const { exchange, counters } = echoSystem(path, F_GUEST_CSUM);
    const damaged = changed((frame) => frame.set([1, 2], 42));

    expect(exchange(damaged, DATA_VALID)).toEqual([answerTo(damaged)]);
    expect(exchange(damaged)).toEqual([]);
    expect(counters()).toMatchObject({ udpEchoed: 1, dropUdpChecksum: 1 });
  });

  it('believes no flags that were not negotiated', () => {
    const { exchange, counters, driver } = echoSystem('5pd', 0);
    const damaged = changed((frame) => frame.set([1, 2], 42));

    expect(exchange(damaged, DATA_VALID)).toEqual([]);
    expect(exchange(damaged, NEEDS_CSUM)).toEqual([]);
    expect(counters()).toMatchObject({ dropUdpChecksum: 2 });
    expect(driver().rxPartialChecksum).toBe(0);
  });

  it('passes on no frame whose checksum its sender has left to the device', () => {
    const { exchange, counters, driver } = echoSystem('5pd', F_GUEST_CSUM);
    const partial = changed((_, view) => view.setUint16(40, 0x1234));

    for (const flags of [NEEDS_CSUM, NEEDS_CSUM | DATA_VALID]) {
      expect(exchange(partial, flags)).toEqual([]);
    }
    expect(driver().rxPartialChecksum).toBe(2);
    expect(counters().dropUdpChecksum).toBe(0);
    expect(exchange(changed(() => undefined))).toHaveLength(1);
  });

  it('keeps a missing UDP checksum missing, and answers frames with options and with padding', () => {
    const { exchange } = echoSystem();
    const without = changed((_, view) => view.setUint16(40, 0));
    const padded = Uint8Array.from([
      ...udpFrame({ ...to, payload: payloadOf(1) }),
      ...payloadOf(17),
    ]);

    for (const frame of [
      without,
      padded,
      withOptions([7, 7, 4, 0]),
      withOptions(Array.from({ length: 40 }, () => 1)),
    ]) {
      expect(exchange(frame)).toEqual([answerTo(frame)]);
    }
  });
});
