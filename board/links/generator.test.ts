/**
 * The traffic generator against an echo server of a few lines, written from the RFCs and not with
 * the generator's own functions.
 */

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { Random } from '../random.ts';
import { VirtualClock } from '../virtual-clock.ts';
import type { GeneratorOptions } from './generator-options.ts';
import { TrafficGenerator } from './generator.ts';

const SOURCE = { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), ip: 0x0a00_0202, port: 40_000 };
const A = { mac: Uint8Array.of(2, 0, 0, 0, 0, 0xa), ip: 0x0a00_020f, port: 1235 };
const B = { mac: Uint8Array.of(2, 0, 0, 0, 0, 0xb), ip: 0x0a00_0210, port: 7 };
const NIC_AT = 0x1000;

function onesComplement(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65_536);
  return sum;
}

function pseudoHeaderSum(frame: Uint8Array): number {
  return onesComplement(frame.subarray(26, 34), 17 + frame.length - 34);
}

/** Swaps source and destination of Ethernet, IPv4 and UDP: no checksum changes by that. */
function echo(frame: Uint8Array): Uint8Array {
  const answer = frame.slice();
  answer.set(frame.subarray(6, 12), 0);
  answer.set(frame.subarray(0, 6), 6);
  answer.set(frame.subarray(30, 34), 26);
  answer.set(frame.subarray(26, 30), 30);
  answer.set(frame.subarray(36, 38), 34);
  answer.set(frame.subarray(34, 36), 36);
  return answer;
}

function bench(options: Partial<GeneratorOptions> = {}) {
  const ram = new Ram({ sizeBytes: 1 << 16, stagingBytes: 1 << 21 });
  const clock = new VirtualClock();
  const generator = new TrafficGenerator({
    ram,
    clock,
    random: new Random(1),
    source: SOURCE,
    targets: [A, B],
    frameBytes: 64,
    window: 8,
    burst: 4,
    verify: 'payload',
    ...options,
  });
  const end = {
    arrivals: 0,
    frameArrived: () => (end.arrivals += 1),
    linkChanged: () => undefined,
  };
  generator.attach(end);
  const take = (): Uint8Array[] => {
    const frames: Uint8Array[] = [];
    for (let n = generator.nextLength(); n > 0; n = generator.nextLength()) {
      generator.copyNext(0, NIC_AT, n);
      generator.takeNext();
      frames.push(ram.u8.slice(NIC_AT, NIC_AT + n));
    }
    return frames;
  };
  const answer = (frame: Uint8Array): void => {
    ram.u8.set(frame, NIC_AT);
    generator.transmit(NIC_AT, frame.length);
  };
  return { ram, clock, generator, end, take, answer };
}

describe('traffic generator', () => {
  it('sends valid datagrams to each target in turn', () => {
    const { generator, take } = bench({ frameBytes: 101 });
    generator.start();
    const frames = take();
    expect(frames).toHaveLength(8);
    frames.forEach((frame, i) => {
      const target = i % 2 === 0 ? A : B;
      const view = new DataView(frame.buffer, frame.byteOffset);
      expect(frame).toHaveLength(101);
      expect(frame.subarray(0, 6)).toEqual(target.mac);
      expect(frame.subarray(6, 12)).toEqual(SOURCE.mac);
      expect(view.getUint16(12)).toBe(0x0800);
      expect(view.getUint16(16)).toBe(101 - 14);
      expect(view.getUint8(23)).toBe(17);
      expect([view.getUint32(26), view.getUint32(30)]).toEqual([SOURCE.ip, target.ip]);
      expect([view.getUint16(34), view.getUint16(36)]).toEqual([SOURCE.port, target.port]);
      expect(view.getUint16(38)).toBe(101 - 34);
      expect(onesComplement(frame.subarray(14, 34))).toBe(0xffff);
      expect(onesComplement(frame.subarray(34), pseudoHeaderSum(frame))).toBe(0xffff);
    });
    expect(new Set(frames.map((frame) => frame.subarray(42).join())).size).toBe(8);
  });

  it('keeps a window in flight and refills it burst by burst', () => {
    const { generator, take, answer, end } = bench();
    expect(generator.nextLength()).toBe(0);
    generator.start();
    const frames = take();
    expect(frames).toHaveLength(8);
    const arrivals = end.arrivals;
    for (const frame of frames.slice(0, 3)) answer(echo(frame));
    expect(generator.nextLength()).toBe(0);
    expect(end.arrivals).toBe(arrivals);
    answer(echo(frames[3] as Uint8Array));
    expect(end.arrivals).toBe(arrivals + 1);
    expect(take()).toHaveLength(4);
    expect(generator.counters).toMatchObject({ sent: 12, answered: 4 });
  });

  it('measures round-trip times', () => {
    const { generator, take, answer, clock } = bench({ burst: 8 });
    generator.start();
    const frames = take();
    frames.forEach((frame, i) => {
      clock.charge(i === 7 ? 1000 : 10);
      answer(echo(frame));
    });
    expect(generator.roundTrip.summary()).toMatchObject({ count: 8, min: 10, max: 1070 });
    expect(generator.roundTrip.percentile(0.5)).toBe(40);
  });

  it('leaves round trips alone when it is told to', () => {
    const { generator, take, answer, clock } = bench({ burst: 8, roundTrips: 'unmeasured' });
    generator.start();
    const frames = take();
    clock.charge(10);
    for (const frame of frames) answer(echo(frame));
    expect(generator.counters.answered).toBe(8);
    expect(generator.roundTrip.count).toBe(0);
  });

  it('names answers that are wrong', () => {
    const { generator, take, answer } = bench();
    generator.start();
    const [first, second, third, fourth] = take().map(echo) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    answer(first);
    answer(first);
    expect(generator.counters).toMatchObject({ answered: 1, unexpected: 1 });
    second[60] = (second[60] ?? 0) ^ 1;
    answer(second);
    third[25] = (third[25] ?? 0) ^ 1; // checksum of the IPv4 header
    answer(third);
    answer(fourth.subarray(0, 63));
    expect(generator.counters.corrupt).toBe(3);
    const elsewhere = fourth.slice();
    elsewhere[37] = 1;
    answer(elsewhere);
    answer(new Uint8Array(60));
    expect(generator.counters).toMatchObject({ answered: 1, other: 2 });
  });

  it('gives up on datagrams after the time-out and sends others', () => {
    const { generator, take, answer, clock } = bench({ timeoutNs: 1000, frames: 12 });
    generator.start();
    const frames = take();
    clock.runUntil(400);
    frames.slice(0, 4).forEach((frame) => answer(echo(frame)));
    expect(take()).toHaveLength(4);
    expect(generator.over).toBe(false);
    clock.runUntil(1000);
    expect(generator.counters.lost).toBe(4);
    clock.runUntil(1400);
    expect(generator.counters).toMatchObject({ sent: 12, answered: 4, lost: 8 });
    expect(generator.over).toBe(true);
    expect(clock.nextEventAt()).toBe(Infinity);
  });

  it('gives up also where times have fractions of a nanosecond', () => {
    const { generator, take, clock } = bench({
      rate: 700_000,
      burst: 1,
      window: 8,
      frames: 200,
      timeoutNs: 1000,
    });
    generator.start();
    for (let sent = 0; sent < 200;) {
      clock.runUntil(clock.nextEventAt());
      sent += take().length;
    }

    clock.runUntil(1_000_000);

    expect(generator.counters).toMatchObject({ sent: 200, lost: 200 });
  });

  it('stops after its number of frames and leaves no event behind', () => {
    const { generator, take, answer, clock } = bench({ frames: 10 });
    generator.start();
    for (let round = 0; round < 5; round++) take().forEach((frame) => answer(echo(frame)));
    expect(generator.counters).toMatchObject({ sent: 10, answered: 10, lost: 0 });
    expect(generator.over).toBe(true);
    expect(clock.nextEventAt()).toBe(Infinity);
  });

  it('sends at a rate, and counts what the window does not hold', () => {
    const { generator, take, clock } = bench({ rate: 1_000_000, burst: 2 });
    generator.start();
    clock.runUntil(1999);
    expect(take()).toHaveLength(2);
    clock.runUntil(6000);
    expect(take()).toHaveLength(6);
    expect(generator.counters.skipped).toBe(0);
    clock.runUntil(8000);
    expect(take()).toHaveLength(0);
    expect(generator.counters.skipped).toBe(2);
  });

  it('stops at once, but waits for what is in flight', () => {
    const { generator, take, answer, clock } = bench({ rate: 1_000_000, burst: 1 });
    generator.start();
    clock.runUntil(2000);
    const frames = take();
    generator.stop();
    expect(generator.over).toBe(false);
    frames.forEach((frame) => answer(echo(frame)));
    expect(generator.over).toBe(true);
    clock.runUntil(20_000);
    expect(take()).toEqual([]);
  });

  it('counts what the NIC drops', () => {
    const { generator, take } = bench({ frames: 8 });
    generator.start();
    generator.dropNext();
    expect(take()).toHaveLength(7);
    expect(generator.counters).toMatchObject({ sent: 8, dropped: 1 });
  });

  it('answers ARP requests for its own address', () => {
    const { generator, take, answer } = bench();
    const request = new Uint8Array(60);
    const view = new DataView(request.buffer);
    request.fill(0xff, 0, 6);
    request.set(A.mac, 6);
    view.setUint16(12, 0x0806);
    view.setUint16(14, 1);
    view.setUint16(16, 0x0800);
    request.set([6, 4, 0, 1], 18);
    request.set(A.mac, 22);
    view.setUint32(28, A.ip);
    view.setUint32(38, SOURCE.ip + 1);
    answer(request);
    expect(generator.counters).toMatchObject({ other: 1, arpAnswered: 0 });
    view.setUint32(38, SOURCE.ip);
    answer(request);

    const [reply] = take() as [Uint8Array];
    const replyView = new DataView(reply.buffer, reply.byteOffset);
    expect(reply).toHaveLength(60);
    expect(reply.subarray(0, 6)).toEqual(A.mac);
    expect(reply.subarray(6, 12)).toEqual(SOURCE.mac);
    expect([12, 14, 16, 18, 20].map((at) => replyView.getUint16(at))).toEqual([
      0x0806, 1, 0x0800, 0x0604, 2,
    ]);
    expect(reply.subarray(22, 28)).toEqual(SOURCE.mac);
    expect(replyView.getUint32(28)).toBe(SOURCE.ip);
    expect(reply.subarray(32, 38)).toEqual(A.mac);
    expect(replyView.getUint32(38)).toBe(A.ip);
  });

  it('makes the same traffic from the same seed', () => {
    const traffic = (seed: number) => {
      const { generator, take } = bench({ random: new Random(seed) });
      generator.start();
      return take();
    };
    expect(traffic(7)).toEqual(traffic(7));
    expect(traffic(7)).not.toEqual(traffic(8));
  });

  it('forgets the warm-up, not what is in flight', () => {
    const { generator, take, answer } = bench();
    generator.start();
    const frames = take();
    answer(echo(frames[0] as Uint8Array));
    generator.clearMeasurements();
    expect(generator.counters.sent).toBe(0);
    expect(generator.roundTrip.count).toBe(0);
    answer(echo(frames[1] as Uint8Array));
    expect(generator.counters).toMatchObject({ answered: 1, unexpected: 0 });
  });
});
