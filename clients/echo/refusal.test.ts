// What closed ports are answered with, byte by byte, and what gets no answer. That Linux takes the
// answers for what they are is test/edge/descriptors.test.ts's.

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { Region } from '../../memory/region.ts';
import { checksum, SOURCE_IP, SOURCE_MAC, udpFrame } from '../../test/support/udp-frame.ts';
import { Refusals } from './refusal.ts';

const MAC = '52:54:01:00:00:0a';
const OUR_MAC = [0x52, 0x54, 0x01, 0, 0, 0x0a];
const OUR_IP = [10, 0, 2, 15];
const BUFFER_BYTES = 2048;
const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];

class Rig {
  readonly #ram = new Ram({ sizeBytes: 65_536 });
  readonly #received = this.#region(0);
  readonly #sent = this.#region(BUFFER_BYTES);
  nowNs = 0;
  readonly #refusals = new Refusals({
    received: this.#received,
    sent: this.#sent,
    now: () => this.nowNs,
  });

  #region(at: number): Region {
    return new Region({ ram: this.#ram, at, sizeBytes: BUFFER_BYTES, vaddr: at });
  }

  /** @returns the answer; the number when there is none */
  answer(frame: Uint8Array, how: 'reset' | 'portUnreachable'): number[] | number {
    this.#received.write(0, frame);
    const bytes = this.#refusals[how](0, 0);
    if (bytes <= 0) return bytes;
    const answer = new Uint8Array(bytes);
    this.#sent.read(0, answer);
    return [...answer];
  }
}

function datagram(payload = Uint8Array.of(1, 2, 3)): Uint8Array {
  return udpFrame({ mac: MAC, ip: OUR_IP.join('.'), payload, port: 9 });
}

/** A segment from port 40000 to port 80, sequence 1000, acknowledging 2000. */
function segment(flags: number, payload: readonly number[] = []): Uint8Array {
  const frame = new Uint8Array(54 + payload.length);
  const view = new DataView(frame.buffer);
  frame.set(datagram().subarray(0, 34));
  view.setUint16(16, 40 + payload.length);
  view.setUint8(23, 6);
  view.setUint16(24, 0);
  view.setUint16(24, checksum(frame.subarray(14, 34)));
  view.setUint16(34, 40_000);
  view.setUint16(36, 80);
  view.setUint32(38, 1000);
  view.setUint32(42, 2000);
  view.setUint8(46, 0x50);
  view.setUint8(47, flags);
  frame.set(payload, 54);
  view.setUint16(50, tcpSum(frame));
  return frame;
}

/** 0 over a segment that holds its own right checksum. */
function tcpSum(frame: Uint8Array): number {
  const length = frame.length - 34;
  return checksum(Uint8Array.of(...frame.subarray(26, 34), 0, 6, 0, length, ...frame.subarray(34)));
}

describe('a segment for a closed port', () => {
  it.each([
    ['SYN', SYN, [], 0, 1001, RST | ACK],
    ['SYN and FIN with data', SYN | FIN, [1, 2, 3], 0, 1005, RST | ACK],
    ['data without ACK', 0, [1, 2, 3], 0, 1003, RST | ACK],
    ['ACK', ACK, [1], 2000, 0, RST],
  ])('is reset (%s)', (_, flags, payload, sequence, acknowledged, answered) => {
    const answer = new Rig().answer(segment(flags, payload), 'reset') as number[];
    const view = new DataView(Uint8Array.from(answer).buffer);

    expect(answer.slice(0, 14)).toEqual([...SOURCE_MAC, ...OUR_MAC, 8, 0]);
    expect(answer.slice(26, 34)).toEqual([...OUR_IP, ...SOURCE_IP]);
    expect([view.getUint16(34), view.getUint16(36)]).toEqual([80, 40_000]);
    expect([view.getUint32(38), view.getUint32(42)]).toEqual([sequence, acknowledged]);
    expect([view.getUint8(46), view.getUint8(47)]).toEqual([0x50, answered]);
    expect(checksum(Uint8Array.from(answer.slice(14, 34)))).toBe(0);
    expect(tcpSum(Uint8Array.from(answer))).toBe(0);
    expect(answer).toHaveLength(54);
  });

  it('gets no answer when it is a reset, damaged, cut short, or from all', () => {
    const rig = new Rig();
    const damaged = segment(SYN);
    damaged[40] = 99;
    const short = segment(SYN);
    short[46] = 0x40;
    const fromAll = segment(SYN);
    fromAll[26] = 224;

    expect(rig.answer(segment(RST), 'reset')).toBe(0);
    for (const frame of [damaged, short, fromAll]) expect(rig.answer(frame, 'reset')).toBe(0);
  });
});

describe('a datagram for a closed port', () => {
  it('is answered with its header and eight bytes in an ICMP error', () => {
    const frame = datagram();
    const answer = new Rig().answer(frame, 'portUnreachable') as number[];

    expect(answer.slice(0, 14)).toEqual([...SOURCE_MAC, ...OUR_MAC, 8, 0]);
    expect(answer.slice(26, 34)).toEqual([...OUR_IP, ...SOURCE_IP]);
    expect(answer[23]).toBe(1);
    expect(answer.slice(34, 36)).toEqual([3, 3]);
    expect(answer.slice(42)).toEqual([...frame.subarray(14, 42)]);
    expect(checksum(Uint8Array.from(answer.slice(14, 34)))).toBe(0);
    expect(checksum(Uint8Array.from(answer.slice(34)))).toBe(0);
  });

  it('gets none when it is damaged, or its source is no host', () => {
    const rig = new Rig();
    const damaged = datagram();
    damaged[43] = 99;
    const loop = datagram();
    loop[26] = 127;
    loop.fill(0, 40, 42);
    const cut = datagram();
    cut[39] = 7;

    for (const frame of [damaged, loop, cut]) {
      expect(rig.answer(frame, 'portUnreachable')).toBe(0);
    }
  });

  it('is answered fifty times at once, then a thousand times a second', () => {
    const rig = new Rig();
    const answered = (count: number): number =>
      Array.from({ length: count }, () => rig.answer(datagram(), 'portUnreachable')).filter(
        (answer) => answer !== -1,
      ).length;

    expect(answered(60)).toBe(50);
    rig.nowNs = 5_000_000;
    expect(answered(60)).toBe(5);
    rig.nowNs = 10e9;
    expect(answered(60)).toBe(50);
  });
});
