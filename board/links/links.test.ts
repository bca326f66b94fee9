/**
 * Staged link, observed and impaired wires: what goes in comes out, or is counted, or happens by
 * the seed.
 */

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import type { EthernetWire } from '../ethernet.ts';
import { Random } from '../random.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { ObservedWire } from './observed-wire.ts';
import { type Impairment, ImpairedWire } from './impair.ts';
import { StagedLink } from './staged-link.ts';

const PROBE_AT = 0x1000;

function frame(tag: number, lengthBytes = 60): Uint8Array {
  return Uint8Array.from({ length: lengthBytes }, (_, i) => (tag * 31 + i) & 0xff);
}

/** Plays the NIC: takes everything that waits. */
class TestNic {
  arrivals = 0;
  linkChanges = 0;
  readonly #wire: EthernetWire;
  readonly #ram: Ram;

  constructor(wire: EthernetWire, ram: Ram) {
    this.#wire = wire;
    this.#ram = ram;
    wire.attach(this);
  }

  frameArrived(): void {
    this.arrivals += 1;
  }

  linkChanged(): void {
    this.linkChanges += 1;
  }

  next(): Uint8Array | undefined {
    const lengthBytes = this.#wire.nextLength();
    if (lengthBytes === 0) return undefined;
    // In two parts, as a NIC with two buffers does.
    const first = Math.min(5, lengthBytes);
    this.#wire.copyNext(0, PROBE_AT, first);
    this.#wire.copyNext(first, PROBE_AT + first, lengthBytes - first);
    return this.#ram.u8.slice(PROBE_AT, PROBE_AT + lengthBytes);
  }

  takeAll(): Uint8Array[] {
    const taken: Uint8Array[] = [];
    for (let bytes = this.next(); bytes !== undefined; bytes = this.next()) {
      this.#wire.takeNext();
      taken.push(bytes);
    }
    return taken;
  }

  transmit(bytes: Uint8Array): void {
    this.#ram.u8.set(bytes, PROBE_AT);
    this.#wire.transmit(PROBE_AT, bytes.length);
    this.#ram.fill(PROBE_AT, 0xa5, bytes.length);
  }
}

function parts(slots = 4) {
  const ram = new Ram({ sizeBytes: 1 << 16, stagingBytes: 1 << 22 });
  const link = new StagedLink({ ram, slots });
  const clock = new VirtualClock();
  const drained = (): Uint8Array[] => {
    const frames: Uint8Array[] = [];
    link.drain({ transmit: (bytes) => frames.push(bytes.slice()) });
    return frames;
  };
  return { ram, link, clock, drained };
}

describe('staged link', () => {
  it('carries frames both ways, in order', () => {
    const { ram, link, drained } = parts();
    const nic = new TestNic(link, ram);
    expect(link.send(frame(1), 0, 60)).toBe('ok');
    expect(link.send(frame(2, 100), 20, 50)).toBe('ok');
    ram.u8.set(frame(3), 0x2000);
    expect(link.sendFrom(0x2000, 60)).toBe('ok');
    expect(nic.arrivals).toBe(3);
    expect(nic.takeAll()).toEqual([frame(1), frame(2, 100).slice(20, 70), frame(3)]);

    nic.transmit(frame(4));
    nic.transmit(frame(5, 1514));
    expect(link.waiting).toBe(2);
    expect(drained()).toEqual([frame(4), frame(5, 1514)]);
    expect(drained()).toEqual([]);
  });

  it('refuses when it is full, and counts', () => {
    const { ram, link, drained } = parts(2);
    const nic = new TestNic(link, ram);
    const answers = [1, 2, 3].map((tag) => link.send(frame(tag), 0, 60));
    expect(answers).toEqual(['ok', 'ok', 'full']);
    expect(link.offer(frame(3))).toBe('full');
    for (const tag of [1, 2, 3]) nic.transmit(frame(tag));
    expect(drained()).toEqual([frame(1), frame(2)]);
    expect(link.counters).toEqual({
      sent: 2,
      full: 1,
      badLength: 0,
      down: 0,
      transmitted: 2,
      overrun: 1,
    });
    expect(nic.takeAll()).toHaveLength(2);
    expect(link.offer(frame(3))).toBe('ok');
  });

  it('refuses what no slot holds, and everything while the link is down', () => {
    const { ram, link } = parts();
    const nic = new TestNic(link, ram);
    expect(link.send(frame(1, 2049), 0, 2049)).toBe('refused');
    expect(link.send(frame(1), 0, 0)).toBe('refused');
    link.setLink('down');
    expect(link.send(frame(1), 0, 60)).toBe('refused');
    expect(link.linkUp()).toBe(false);
    link.setLink('down');
    link.setLink('up');
    expect(nic.linkChanges).toBe(2);
    expect(link.counters).toMatchObject({ sent: 0, badLength: 2, down: 1 });
  });

  it('tells when the first frame to drain has come', () => {
    const ram = new Ram({ sizeBytes: 1 << 16, stagingBytes: 1 << 20 });
    let calls = 0;
    const link = new StagedLink({ ram, slots: 4, onTransmit: () => (calls += 1) });
    const nic = new TestNic(link, ram);
    nic.transmit(frame(1));
    nic.transmit(frame(2));
    expect(calls).toBe(1);
    link.drain({ transmit: () => undefined });
    nic.transmit(frame(3));
    expect(calls).toBe(2);
  });

  it('goes round its slots many times', () => {
    const { ram, link, drained } = parts(4);
    const nic = new TestNic(link, ram);
    for (let tag = 0; tag < 50; tag++) {
      link.send(frame(tag), 0, 60);
      nic.transmit(frame(tag + 1));
      expect(nic.takeAll()).toEqual([frame(tag)]);
      expect(drained()).toEqual([frame(tag + 1)]);
    }
  });
});

describe('observed wire', () => {
  it('shows every frame with direction, time and loss, and passes it on', () => {
    const { ram, link, clock, drained } = parts();
    const seen: unknown[] = [];
    const observer = {
      frame: (direction: string, nowNs: number, bytes: Uint8Array, reason?: string) =>
        seen.push([direction, nowNs, bytes.slice(), reason]),
    };
    const wire = new ObservedWire({ wire: link, ram, clock, observer });
    const nic = new TestNic(wire, ram);
    link.send(frame(1), 0, 60);
    link.send(frame(2), 0, 60);
    clock.charge(100);
    expect(nic.next()).toEqual(frame(1));
    wire.takeNext();
    wire.dropNext('no buffer');
    clock.charge(50);
    nic.transmit(frame(3));
    ram.u8.set(frame(4), PROBE_AT);
    wire.dropTransmit(PROBE_AT, 60, 'link down');

    expect(drained()).toEqual([frame(3)]);
    expect(wire.nextLength()).toBe(0);
    expect(seen).toEqual([
      ['in', 100, frame(1), undefined],
      ['in', 100, frame(2), 'no buffer'],
      ['out', 150, frame(3), undefined],
      ['out', 150, frame(4), 'link down'],
    ]);
  });
});

describe('impaired wire', () => {
  function impaired(plan: { toNic?: Impairment; fromNic?: Impairment; slots?: number }, seed = 1) {
    const base = parts(256);
    const { ram, link, clock } = base;
    const random = new Random(seed);
    const wire = new ImpairedWire({ wire: link, ram, clock, random, ...plan });
    const nic = new TestNic(wire, ram);
    const sendMany = (count: number) => {
      for (let tag = 0; tag < count; tag++) link.send(frame(tag), 0, 60);
    };
    return { ...base, wire, nic, sendMany };
  }

  it('changes nothing without a plan', () => {
    const { nic, sendMany, drained, wire } = impaired({});
    sendMany(10);
    expect(nic.takeAll()).toEqual(Array.from({ length: 10 }, (_, tag) => frame(tag)));
    nic.transmit(frame(7));
    expect(drained()).toEqual([frame(7)]);
    expect(wire.counters.toNic).toMatchObject({ passed: 10, lost: 0 });
  });

  it('carries packets as long as the wire behind it does', () => {
    const { ram, clock } = parts(4);
    const long = new StagedLink({ ram, slots: 4, mtu: 1700 });
    const random = new Random(1);
    expect(new ImpairedWire({ wire: long, ram, clock, random, slots: 4 }).mtu).toBe(1700);
  });

  it('loses about the share that it is told, the same frames for the same seed', () => {
    const survivors = (seed: number) => {
      const { nic, sendMany, wire } = impaired({ toNic: { loss: 0.3 } }, seed);
      sendMany(200);
      const { passed, lost } = wire.counters.toNic;
      expect(passed + lost).toBe(200);
      return nic.takeAll().map((bytes) => bytes[0]);
    };
    const first = survivors(1);
    expect(first.length).toBeGreaterThan(110);
    expect(first.length).toBeLessThan(170);
    expect(survivors(1)).toEqual(first);
    expect(survivors(2)).not.toEqual(first);
  });

  it('draws the fate of a frame independently of other probabilities', () => {
    const survivors = (toNic: Impairment) => {
      const { nic, sendMany } = impaired({ toNic });
      sendMany(100);
      return nic.takeAll().map((bytes) => bytes.length);
    };
    expect(survivors({ loss: 0.3, corrupt: 0.9 })).toEqual(survivors({ loss: 0.3 }));
  });

  it('flips exactly one bit', () => {
    const { nic, sendMany, wire } = impaired({ toNic: { corrupt: 1 } });
    sendMany(50);
    nic.takeAll().forEach((bytes, tag) => {
      const original = frame(tag);
      let bits = 0;
      bytes.forEach((byte, i) => {
        for (let diff = byte ^ (original[i] ?? 0); diff !== 0; diff &= diff - 1) bits += 1;
      });
      expect(bits).toBe(1);
    });
    expect(wire.counters.toNic.corrupted).toBe(50);
  });

  it('truncates to at least one byte', () => {
    const { nic, sendMany } = impaired({ toNic: { truncate: 1 } });
    sendMany(50);
    const lengths = nic.takeAll().map((bytes) => bytes.length);
    expect(lengths).toHaveLength(50);
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...lengths)).toBeLessThan(60);
  });

  it('duplicates', () => {
    const { nic, sendMany } = impaired({ toNic: { duplicate: 1 } });
    sendMany(3);
    expect(nic.takeAll().map((bytes) => bytes[0])).toEqual([0, 0, 31, 31, 62, 62]);
  });

  it('delays, and keeps the order under jitter', () => {
    const { nic, sendMany, clock } = impaired({ toNic: { delayNs: 1000, jitterNs: 500 } });
    sendMany(20);
    expect(nic.takeAll()).toEqual([]);
    clock.runUntil(999);
    expect(nic.arrivals).toBe(0);
    const order: (number | undefined)[] = [];
    for (let at = 1000; at <= 1500; at += 10) {
      clock.runUntil(at);
      order.push(...nic.takeAll().map((bytes) => bytes[0]));
    }
    expect(order).toEqual(Array.from({ length: 20 }, (_, tag) => frame(tag)[0]));
    expect(clock.nextEventAt()).toBe(Infinity);
  });

  it('lets frames overtake one that is held back', () => {
    const { nic, sendMany, clock, wire } = impaired({ toNic: { reorder: 0.2, reorderNs: 5000 } });
    sendMany(50);
    const first = nic.takeAll();
    clock.runUntil(5000);
    const late = nic.takeAll();
    expect(first.length + late.length).toBe(50);
    expect(late.length).toBe(wire.counters.toNic.reordered);
    expect(late.length).toBeGreaterThan(0);
  });

  it('treats the other direction by its own plan', () => {
    const { ram, nic, clock, drained, wire } = impaired({
      fromNic: { delayNs: 100, duplicate: 1 },
    });
    nic.transmit(frame(1));
    ram.fill(PROBE_AT, 0, 60);
    expect(drained()).toEqual([]);
    clock.runUntil(100);
    expect(drained()).toEqual([frame(1), frame(1)]);
    expect(wire.counters.toNic.passed).toBe(0);
  });

  it('tells captures behind it what it lost', () => {
    const { ram, link, clock } = parts(16);
    const reasons: (string | undefined)[] = [];
    const observer = {
      frame: (_direction: string, _nowNs: number, _bytes: Uint8Array, reason?: string) =>
        reasons.push(reason),
    };
    const inner = new ObservedWire({ wire: link, ram, clock, observer });
    const plan = { toNic: { loss: 1 }, fromNic: { loss: 1 } };
    const random = new Random(1);
    const wire = new ImpairedWire({ wire: inner, ram, clock, random, ...plan });
    const nic = new TestNic(wire, ram);
    link.send(frame(1), 0, 60);
    nic.transmit(frame(2));
    expect(reasons).toEqual(['impairment: loss', 'impairment: loss']);
    expect(nic.arrivals).toBe(0);
  });

  it('counts what it cannot hold', () => {
    const { nic, sendMany, wire } = impaired({ toNic: { delayNs: 10 }, slots: 4 });
    sendMany(6);
    expect(wire.counters.toNic).toMatchObject({ passed: 4, overflow: 2 });
    expect(nic.takeAll()).toEqual([]);
  });

  it('pulls the cable', () => {
    const { nic, wire, link } = impaired({});
    wire.setLink('down');
    expect(wire.linkUp()).toBe(false);
    link.setLink('down');
    wire.setLink('up');
    expect(wire.linkUp()).toBe(false);
    link.setLink('up');
    expect(wire.linkUp()).toBe(true);
    expect(nic.linkChanges).toBe(4);
  });
});
