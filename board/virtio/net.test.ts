/**
 * The virtio NIC against a mock driver: both directions, every layout of chains, offloads, filter,
 * link, and each counted loss. Numbers are repeated from virtio 1.2 §5.1.
 */

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { RangedDmaWindow } from '../dma.ts';
import { LintLog } from '../lint.ts';
import { StagedLink } from '../links/staged-link.ts';
import { LiveTurns } from '../turns.ts';
import { MockDriver, type MockQueue, type MockSegment } from '../../test/support/mock-driver.ts';
import { NetConfig, NetHeader } from './net-registers.ts';
import { VirtioNet, type VirtioNetOptions } from './net.ts';
import { Misuse } from '../../memory/misuse.ts';
import { replaceMethod } from '../../memory/replace-method.ts';

const CSUM = 0;
const GUEST_CSUM = 1;
const MTU = 3;
const MAC = 5;
const MRG_RXBUF = 15;
const STATUS = 16;
const CTRL_VQ = 17;
const CTRL_RX = 18;
const INDIRECT_DESC = 28;
const EVENT_IDX = 29;
const VERSION_1 = 32;
const HEADER_BYTES = 12;
const OWN_MAC = [0x52, 0x54, 0x01, 0x00, 0x00, 0x01];

function frame(lengthBytes: number, destination: readonly number[] = OWN_MAC): Uint8Array {
  const bytes = Uint8Array.from({ length: lengthBytes }, (_, i) => (i * 7 + lengthBytes) & 0xff);
  bytes.set(destination.slice(0, lengthBytes));
  return bytes;
}

type Tweaks = Partial<VirtioNetOptions> & {
  readonly mtu?: number;
  readonly features?: readonly number[];
  readonly version1?: 'accepted' | 'left out';
};

function nic(tweaks: Tweaks = {}) {
  const { features = [], version1 = 'accepted', mtu = 1500, ...options } = tweaks;
  const ram = new Ram({ sizeBytes: 1 << 21, stagingBytes: 1 << 21 });
  const dma = new RangedDmaWindow(ram, [{ paddr: ram.base, sizeBytes: ram.sizeBytes }]);
  const link = new StagedLink({ ram, slots: 32, mtu });
  const turns = new LiveTurns();
  const lint = new LintLog();
  const line = { level: 'low' };
  const irqLine = { raise: () => (line.level = 'high'), lower: () => (line.level = 'low') };
  const mac = Uint8Array.from(OWN_MAC);
  const base = { name: 'net', wire: link, ram, dma, irqLine, lint, turns, mac };
  const net = new VirtioNet({ ...base, ...options });
  const startIndex = options.startIndex ?? 0;
  const driver = new MockDriver({ device: net.transport, ram, startIndex });
  const status = driver.negotiate(...features, ...(version1 === 'accepted' ? [VERSION_1] : []));
  const rx = driver.setUpQueue(0, 16);
  const tx = driver.setUpQueue(1, 16);
  const ctrl = driver.setUpQueue(2, 8);
  driver.driverOk();
  turns.work();
  const received = (): Uint8Array[] => {
    const frames: Uint8Array[] = [];
    link.drain({ transmit: (bytes) => frames.push(bytes.slice()) });
    return frames;
  };
  return { ram, link, turns, lint, line, net, driver, status, rx, tx, ctrl, received };
}

type Nic = ReturnType<typeof nic>;

/** Posts a receive buffer and remembers where it is. */
function post(bench: Nic, lengthBytes = 2048): { readonly head: number; readonly at: number } {
  const at = bench.driver.memory(lengthBytes);
  return { head: bench.rx.add({ at, lengthBytes, access: 'writable' }), at };
}

/**
 * Makes a frame available to send, its header and bytes cut into segments of these lengths (the
 * last takes the rest).
 */
function send(
  bench: Nic,
  bytes: Uint8Array,
  cuts: readonly number[] = [],
  header = new Uint8Array(12),
): number {
  const all = new Uint8Array([...header, ...bytes]);
  const segments: MockSegment[] = [];
  let from = 0;
  for (const lengthBytes of [...cuts, all.length]) {
    const part = all.subarray(from, from + lengthBytes);
    from += part.length;
    if (part.length === 0) continue;
    const at = bench.driver.memoryWith(part);
    segments.push({ at, lengthBytes: part.length, access: 'readable' });
  }
  const head = bench.tx.add(...segments);
  bench.driver.notify(1);
  return head;
}

function drops(bench: Nic): Record<string, number> {
  return Object.fromEntries(Object.entries(bench.net.counters.drops).filter(([, n]) => n > 0));
}

describe('virtio-net registers', () => {
  it.each([0, 67, 65_536, 1.5, NaN])('is not made for a wire with an MTU of %s', (mtu) => {
    expect(() => nic({ mtu })).toThrow(Misuse);
  });

  it('are laid out as in the specification', () => {
    expect(
      Object.entries(NetHeader).map(([name, field]) => [
        name,
        typeof field === 'number' ? field : field.offset,
      ]),
    ).toEqual([
      ['flags', 0],
      ['gsoType', 1],
      ['hdrLen', 2],
      ['gsoSize', 4],
      ['csumStart', 6],
      ['csumOffset', 8],
      ['numBuffers', 10],
      ['SIZE', 12],
    ]);
    expect([
      NetConfig.status.offset,
      NetConfig.maxVirtqueuePairs.offset,
      NetConfig.mtu.offset,
    ]).toEqual([6, 8, 10]);
  });

  it('offer exactly what the device can do', () => {
    const { driver } = nic();
    const offered = Array.from({ length: 64 }, (_, bit) => bit).filter((bit) =>
      driver.offered(bit),
    );
    expect(offered).toEqual([
      CSUM,
      GUEST_CSUM,
      MTU,
      MAC,
      MRG_RXBUF,
      STATUS,
      CTRL_VQ,
      CTRL_RX,
      INDIRECT_DESC,
      EVENT_IDX,
      VERSION_1,
    ]);
  });

  it('show MAC address, link and MTU', () => {
    const { net, driver } = nic();
    expect(driver.read(0x008)).toBe(1);
    expect(OWN_MAC.map((_, i) => net.transport.read(0x100 + i, 1))).toEqual(OWN_MAC);
    expect(net.transport.read(0x106, 2)).toBe(1);
    expect(net.transport.read(0x10a, 2)).toBe(1500);
    expect(net.transport.read(0x110, 4)).toBe(0);
  });

  it('refuse CTRL_RX without CTRL_VQ', () => {
    expect(nic({ features: [CTRL_RX], rules: 'strict' }).status & 8).toBe(0);
    expect(nic({ features: [CTRL_RX, CTRL_VQ], rules: 'strict' }).status & 8).toBe(8);
  });
});

describe('without VERSION_1', () => {
  const short = { version1: 'left out' } as const;

  it('is refused by strict rules', () => {
    expect(nic({ ...short, rules: 'strict' }).net.transport.live).toBe(false);
  });

  const received: Record<string, readonly number[]> = {
    'in one buffer': [1600],
    'with its header apart': [10, 1514],
    'with its header cut': [5, 5, 1514],
    'behind a buffer of 12 bytes': [12, 1514],
    'in many pieces': [3, 20, 1, 1500],
  };
  for (const [name, lengths] of Object.entries(received)) {
    for (const features of [[], [INDIRECT_DESC]]) {
      it(`receives a frame ${name} behind a header of 10 bytes (features ${features.join()})`, () => {
        const bench = nic({ ...short, features });
        const segments = lengths.map((lengthBytes) => ({
          at: bench.driver.memory(lengthBytes),
          lengthBytes,
          access: 'writable' as const,
        }));
        const isIndirect = features.length > 0;
        const head = isIndirect ? bench.rx.addIndirect(...segments) : bench.rx.add(...segments);
        bench.link.send(frame(100), 0, 100);
        bench.turns.work();

        expect(bench.rx.takeUsed()).toEqual({ id: head, lengthBytes: 110 });
        const written = segments.flatMap((s) => [...bench.driver.bytes(s.at, s.lengthBytes)]);
        expect(written.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 0));
        expect(Uint8Array.from(written.slice(10, 110))).toEqual(frame(100));
        expect(written[110]).toBe(0xa5);
      });
    }
  }

  for (const cuts of [[], [10], [7], [12], [10, 14, 1]]) {
    it(`sends a frame behind a header of 10 bytes, cut after ${cuts.join() || 'nothing'}`, () => {
      const bench = nic(short);
      send(bench, frame(100), cuts, new Uint8Array(10));
      bench.turns.work();
      expect(bench.received()).toEqual([frame(100)]);
    });
  }

  it('has headers of 12 bytes with MRG_RXBUF', () => {
    const bench = nic({ ...short, features: [MRG_RXBUF] });
    const { at } = post(bench);
    bench.link.send(frame(60), 0, 60);
    bench.turns.work();
    expect(bench.driver.bytes(at + HEADER_BYTES, 60)).toEqual(frame(60));
    send(bench, frame(60));
    bench.turns.work();
    expect(bench.received()).toEqual([frame(60)]);
  });

  it('takes a MAC address that the driver writes, until the reset, and reports it', () => {
    const { net, driver, lint } = nic(short);
    const shown = () => OWN_MAC.map((_, i) => net.transport.read(0x100 + i, 1));
    const other = [0x52, 0x54, 0x01, 0x00, 0x00, 0x07];
    for (const [i, byte] of other.entries()) net.transport.write(0x100 + i, byte, 1);
    net.transport.write(0x106, 0, 2);
    expect(shown()).toEqual(other);
    expect(net.transport.read(0x106, 2)).toBe(1);
    expect(lint.count('net', 'virtio 1.2 §2.5')).toBe(7);
    driver.write(0x070, 0);
    expect(shown()).toEqual(OWN_MAC);
  });
});

describe('receive', () => {
  it('writes header and frame to one buffer, in its turn and not before', () => {
    const bench = nic();
    const { head, at } = post(bench);
    bench.link.send(frame(60), 0, 60);
    expect(bench.rx.usedIdx).toBe(0);

    bench.turns.work();
    expect(bench.rx.takeUsed()).toEqual({ id: head, lengthBytes: HEADER_BYTES + 60 });
    expect([...bench.driver.bytes(at, HEADER_BYTES)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(bench.driver.bytes(at + HEADER_BYTES, 60)).toEqual(frame(60));
    expect(bench.driver.bytes(at + HEADER_BYTES + 60, 1)[0]).toBe(0xa5);
    expect(bench.line.level).toBe('high');
    expect(bench.driver.acknowledge()).toBe(1);
  });

  const layouts: Record<string, readonly number[]> = {
    'header and frame apart': [12, 1514],
    'header cut in two': [5, 7, 1514],
    'num_buffers cut in two': [11, 1600],
    'frame beginning behind the header': [20, 1600],
    'frame in many pieces': [20, 1, 100, 3, 1500],
    'an empty buffer in between': [12, 0, 1514],
  };
  for (const [name, lengths] of Object.entries(layouts)) {
    it(`fills a chain with ${name}`, () => {
      const bench = nic();
      const segments = lengths.map((lengthBytes) => ({
        at: bench.driver.memory(Math.max(1, lengthBytes)),
        lengthBytes,
        access: 'writable' as const,
      }));
      const head = bench.rx.add(...segments);
      bench.link.send(frame(1000), 0, 1000);
      bench.turns.work();

      expect(bench.rx.takeUsed()).toEqual({ id: head, lengthBytes: 1012 });
      const written = segments.flatMap((s) => [...bench.driver.bytes(s.at, s.lengthBytes)]);
      expect(written.slice(0, 12)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
      expect(Uint8Array.from(written.slice(12, 1012))).toEqual(frame(1000));
      expect(written[1012]).toBe(0xa5);
    });
  }

  it('receives the answers to what it sends in the same turn', () => {
    const bench = nic();
    const answered = post(bench);
    replaceMethod(bench.link, 'transmit', () => void bench.link.send(frame(60), 0, 60));
    send(bench, frame(64));

    expect(bench.turns.work()).toBe(1);
    expect(bench.rx.takeUsed()).toEqual({ id: answered.head, lengthBytes: 72 });
    expect(bench.turns.anyDue).toBe(false);
  });

  it('fills a batch and interrupts once', () => {
    const bench = nic();
    const heads = [post(bench), post(bench), post(bench)].map((buffer) => buffer.head);
    for (const lengthBytes of [60, 61, 1514]) bench.link.send(frame(lengthBytes), 0, lengthBytes);
    bench.turns.work();
    expect(bench.rx.drainUsed()).toEqual([
      { id: heads[0], lengthBytes: 72 },
      { id: heads[1], lengthBytes: 73 },
      { id: heads[2], lengthBytes: 1526 },
    ]);
    expect(bench.net.transport.interrupts).toBe(1);
  });

  it('takes several chains for one frame with MRG_RXBUF', () => {
    const bench = nic({ features: [MRG_RXBUF] });
    const buffers = [post(bench, 100), post(bench, 30), post(bench, 500)];
    bench.link.send(frame(300), 0, 300);
    bench.turns.work();

    expect(bench.rx.usedIdx).toBe(3);
    expect(bench.rx.drainUsed()).toEqual([
      { id: buffers[0]?.head, lengthBytes: 100 },
      { id: buffers[1]?.head, lengthBytes: 30 },
      { id: buffers[2]?.head, lengthBytes: 182 },
    ]);
    const parts = [100, 30, 182].flatMap((n, i) => [...bench.driver.bytes(buffers[i]?.at ?? 0, n)]);
    expect(parts.slice(0, 12)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0]);
    expect(Uint8Array.from(parts.slice(12))).toEqual(frame(300));
  });

  it('puts merged chains back when there are too few for a frame', () => {
    const bench = nic({ features: [MRG_RXBUF] });
    const buffers = [post(bench, 100), post(bench, 100)];
    bench.link.send(frame(300), 0, 300);
    bench.link.send(frame(60), 0, 60);
    bench.turns.work();
    expect(drops(bench)).toEqual({ rxNoBuffer: 1 });
    expect(bench.rx.drainUsed()).toEqual([{ id: buffers[0]?.head, lengthBytes: 72 }]);
  });

  it('drops a frame that is larger than its chain without MRG_RXBUF, and keeps the chain', () => {
    const bench = nic();
    const { head } = post(bench, 100);
    bench.link.send(frame(89), 0, 89);
    bench.link.send(frame(88), 0, 88);
    bench.turns.work();
    expect(drops(bench)).toEqual({ rxBufferTooSmall: 1 });
    expect(bench.rx.drainUsed()).toEqual([{ id: head, lengthBytes: 100 }]);
  });

  it('drops a burst for which there are no buffers, and goes on after', () => {
    const bench = nic();
    post(bench);
    for (let i = 0; i < 3; i++) bench.link.send(frame(60), 0, 60);
    bench.turns.work();
    expect(drops(bench)).toEqual({ rxNoBuffer: 2 });
    post(bench);
    bench.link.send(frame(60), 0, 60);
    bench.turns.work();
    expect(bench.rx.drainUsed()).toHaveLength(2);
  });

  it('holds frames back when it is told to, and asks to be notified of buffers', () => {
    const bench = nic({ whenNoBuffer: 'hold', features: [EVENT_IDX] });
    bench.link.send(frame(60), 0, 60);
    bench.turns.work();
    expect(drops(bench)).toEqual({});
    expect(bench.rx.availEvent).toBe(0);
    post(bench);
    bench.driver.notify(0);
    bench.turns.work();
    expect(bench.rx.drainUsed()).toHaveLength(1);
  });

  it('drops frames shorter than 14 and longer than 1514 bytes', () => {
    const bench = nic();
    for (const lengthBytes of [13, 14, 1514, 1515]) {
      post(bench);
      bench.link.send(frame(lengthBytes), 0, lengthBytes);
    }
    bench.turns.work();
    expect(drops(bench)).toEqual({ rxTooShort: 1, rxTooLong: 1 });
    expect(bench.rx.drainUsed().map((used) => used.lengthBytes)).toEqual([26, 1526]);
  });

  it('gives back chains that it cannot write to, and uses the next', () => {
    const bench = nic();
    const outside = { at: -0x1000, lengthBytes: 2048, access: 'writable' as const };
    const bad = bench.rx.add(outside);
    const short = bench.rx.add({ at: bench.driver.memory(8), lengthBytes: 8, access: 'writable' });
    const { head } = post(bench);
    bench.link.send(frame(60), 0, 60);
    bench.turns.work();
    expect(bench.rx.drainUsed()).toEqual([
      { id: bad, lengthBytes: 0 },
      { id: short, lengthBytes: 0 },
      { id: head, lengthBytes: 72 },
    ]);
    expect(bench.net.counters.rxBadChains).toBe(2);
    expect(bench.lint.total).toBe(1);
  });

  it('leaves frames on the wire before DRIVER_OK', () => {
    const bench = nic();
    bench.driver.write(0x070, 0);
    bench.link.send(frame(60), 0, 60);
    bench.turns.work();
    bench.driver.negotiate(VERSION_1);
    const rx = bench.driver.setUpQueue(0, 16);
    const at = bench.driver.memory(2048);
    rx.add({ at, lengthBytes: 2048, access: 'writable' });
    bench.driver.driverOk();
    bench.turns.work();
    expect(rx.drainUsed()).toHaveLength(1);
    expect(drops(bench)).toEqual({});
  });

  it('says nothing about checksums unless it is told to assert them', () => {
    const quiet = nic({ features: [GUEST_CSUM] });
    const asserted = nic({ features: [GUEST_CSUM], rxChecksums: 'asserted' });
    const refused = nic({ rxChecksums: 'asserted' });
    const flags = [quiet, asserted, refused].map((bench) => {
      const { at } = post(bench);
      bench.link.send(frame(60), 0, 60);
      bench.turns.work();
      return bench.driver.bytes(at, 1)[0];
    });
    expect(flags).toEqual([0, 2, 0]);
  });
});

describe('transmit', () => {
  const layouts: Record<string, readonly number[]> = {
    'in one buffer': [],
    'with its header apart': [12],
    'with its header cut': [7],
    'in many pieces': [12, 14, 1, 30],
  };
  for (const [name, cuts] of Object.entries(layouts)) {
    it(`sends a frame ${name}`, () => {
      const bench = nic();
      const head = send(bench, frame(100), cuts);
      expect(bench.received()).toEqual([]);
      bench.turns.work();
      expect(bench.received()).toEqual([frame(100)]);
      expect(bench.tx.takeUsed()).toEqual({ id: head, lengthBytes: 0 });
    });
  }

  it('sends through an indirect table', () => {
    const bench = nic({ features: [INDIRECT_DESC] });
    const header = bench.driver.memoryWith(new Uint8Array(12));
    const body = bench.driver.memoryWith(frame(64));
    bench.tx.addIndirect(
      { at: header, lengthBytes: 12, access: 'readable' },
      { at: body, lengthBytes: 64, access: 'readable' },
    );
    bench.driver.notify(1);
    bench.turns.work();
    expect(bench.received()).toEqual([frame(64)]);
  });

  it('completes partial checksums on a copy', () => {
    const bench = nic({ features: [CSUM] });
    const bytes = frame(60);
    bytes.set([0x12, 0x34], 40); // the sum of the pseudo header
    const header = new Uint8Array([1, 0, 0, 0, 0, 0, 34, 0, 6, 0, 0, 0]);
    const head = send(bench, bytes, [12], header);
    bench.turns.work();

    const [sent] = bench.received();
    let sum = 0;
    for (let i = 34; i < 60; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    const expected = bytes.slice();
    expected.set([(~sum >>> 8) & 0xff, ~sum & 0xff], 40);
    expect(sent).toEqual(expected);
    // The driver's own bytes are as they were.
    const bodyAt =
      bench.ram.view.getUint32(bench.tx.descAt + 16 * (head + 1), true) - bench.ram.base;
    expect(bench.driver.bytes(bodyAt, 60)).toEqual(bytes);
  });

  const badHeaders: Record<string, { header: number[]; features?: number[] }> = {
    'asks for a checksum that was not negotiated': {
      header: [1, 0, 0, 0, 0, 0, 34, 0, 6, 0, 0, 0],
    },
    'puts the checksum behind the frame': {
      header: [1, 0, 0, 0, 0, 0, 59, 0, 0, 0, 0, 0],
      features: [CSUM],
    },
    'asks for segmentation': { header: [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] },
  };
  for (const [name, { header, features = [] }] of Object.entries(badHeaders)) {
    it(`drops a frame whose header ${name}`, () => {
      const bench = nic({ features });
      const head = send(bench, frame(60), [], Uint8Array.from(header));
      bench.turns.work();
      expect(bench.received()).toEqual([]);
      expect(drops(bench)).toEqual({ txBadHeader: 1 });
      expect(bench.tx.takeUsed()).toEqual({ id: head, lengthBytes: 0 });
    });
  }

  it.each([
    ['plain', [], { 1500: [1514], 2026: [2040], 576: [590] }],
    ['with a VLAN tag', [0x81, 0], { 1500: [1518], 2026: [2044], 576: [594] }],
    ['with two', [0x88, 0xa8, 0, 1, 0x81, 0], { 1500: [1522], 2026: [2048], 576: [598] }],
  ] as const)(
    'carries frames %s up to what its packets come to, both ways',
    (_what, tags, most) => {
      for (const [mtu, [longest]] of Object.entries(most)) {
        const bench = nic({ mtu: Number(mtu) });
        const lengths = [longest, longest + 1].filter((length) => length <= 2048);
        for (const length of lengths) {
          const bytes = frame(length);
          bytes.set(tags, 12);
          send(bench, bytes);
          post(bench, 2060);
          bench.link.send(bytes, 0, length);
        }
        bench.driver.notify(1);
        bench.turns.work();

        expect(bench.received().map(({ length }) => length)).toEqual([longest]);
        expect(bench.rx.drainUsed().map((used) => used.lengthBytes - 12)).toEqual([longest]);
        const lost = lengths.length - 1;
        expect(drops(bench)).toEqual(lost === 0 ? {} : { rxTooLong: lost, txTooLong: lost });
        expect(bench.net.transport.read(0x100 + 10, 2), 'the configuration says so').toBe(
          Number(mtu),
        );
      }
    },
  );

  it('drops what is no frame, and completes every chain', () => {
    const bench = nic();
    const heads = [13, 14, 1514, 1515].map((lengthBytes) => send(bench, frame(lengthBytes)));
    const half = bench.tx.add({ at: bench.driver.memory(8), lengthBytes: 8, access: 'readable' });
    const outside = bench.tx.add({ at: -0x1000, lengthBytes: 72, access: 'readable' });
    bench.driver.notify(1);
    bench.turns.work();
    expect(bench.received().map((bytes) => bytes.length)).toEqual([14, 1514]);
    expect(drops(bench)).toEqual({ txTooShort: 1, txTooLong: 1, txBadHeader: 1, txBadChain: 1 });
    expect(bench.tx.drainUsed().map((used) => used.id)).toEqual([...heads, half, outside]);
  });

  it("goes on in the next turn after a turn's worth of frames", () => {
    const bench = nic({ framesPerTurn: 2 });
    for (let i = 0; i < 3; i++) send(bench, frame(60 + i));
    bench.turns.work();
    expect(bench.received()).toHaveLength(2);
    expect(bench.turns.work()).toBe(1);
    expect(bench.received()).toHaveLength(1);
    expect(bench.turns.anyDue).toBe(false);
  });

  it('asks to be notified of the next chain, with EVENT_IDX too', () => {
    const bench = nic({ features: [EVENT_IDX] });
    for (let i = 0; i < 3; i++) send(bench, frame(60));
    bench.turns.work();
    expect(bench.tx.availEvent).toBe(3);
  });

  it('interrupts only when used_event is crossed', () => {
    const bench = nic({ features: [EVENT_IDX] });
    bench.tx.usedEvent = 2;
    send(bench, frame(60));
    send(bench, frame(60));
    bench.turns.work();
    expect(bench.line.level).toBe('low');
    send(bench, frame(60));
    bench.turns.work();
    expect(bench.line.level).toBe('high');
  });
});

describe('filter', () => {
  const OTHER = [0x52, 0x54, 0x01, 0x00, 0x00, 0x02];
  const MULTICAST = [0x01, 0x00, 0x5e, 0x00, 0x00, 0x01];
  const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

  function command(bench: Nic, bytes: readonly number[], cuts: readonly number[] = []): number {
    const answerAt = bench.driver.memory(1);
    const parts: MockSegment[] = [];
    let from = 0;
    for (const lengthBytes of [...cuts, bytes.length - cuts.reduce((a, b) => a + b, 0)]) {
      const at = bench.driver.memoryWith(Uint8Array.from(bytes.slice(from, from + lengthBytes)));
      parts.push({ at, lengthBytes, access: 'readable' });
      from += lengthBytes;
    }
    bench.ctrl.add(...parts, { at: answerAt, lengthBytes: 1, access: 'writable' });
    bench.driver.notify(2);
    bench.turns.work();
    expect(bench.ctrl.takeUsed()?.lengthBytes).toBe(1);
    return bench.driver.bytes(answerAt, 1)[0] ?? -1;
  }

  function passes(bench: Nic): number[] {
    return [OWN_MAC, OTHER, MULTICAST, BROADCAST].map((to) => {
      post(bench);
      bench.link.send(frame(60, to), 0, 60);
      bench.turns.work();
      return bench.rx.drainUsed().length;
    });
  }

  it('lets everything pass after a reset', () => {
    expect(passes(nic())).toEqual([1, 1, 1, 1]);
  });

  it('obeys the commands for promiscuous and all-multicast', () => {
    const bench = nic({ features: [CTRL_VQ, CTRL_RX] });
    expect(command(bench, [0, 0, 0], [1, 1])).toBe(0);
    expect(passes(bench)).toEqual([1, 0, 0, 1]);
    expect(drops(bench)).toEqual({ rxFiltered: 2 });
    expect(command(bench, [0, 1, 1])).toBe(0);
    expect(passes(bench)).toEqual([1, 0, 1, 1]);
    expect(command(bench, [0, 0, 1], [2])).toBe(0);
    expect(passes(bench)).toEqual([1, 1, 1, 1]);
  });

  it('answers ERR to what it does not know', () => {
    const bench = nic({ features: [CTRL_VQ, CTRL_RX] });
    expect(command(bench, [0, 5, 1])).toBe(1);
    expect(command(bench, [1, 0, 1])).toBe(1);
    expect(command(bench, [0, 0, 2])).toBe(1);
    expect(command(bench, [0, 0])).toBe(1);
    expect(command(nic({ features: [CTRL_VQ] }), [0, 0, 1])).toBe(1);
  });
});

describe('link', () => {
  it('shows its state, interrupts, drops frames to send, and resumes', () => {
    const bench = nic({ features: [STATUS] });
    const head = send(bench, frame(60));
    bench.link.setLink('down');
    expect(bench.net.transport.read(0x106, 2)).toBe(0);
    expect(bench.driver.acknowledge()).toBe(2);
    bench.turns.work();
    expect(drops(bench)).toEqual({ txLinkDown: 1 });
    expect(bench.tx.takeUsed()).toEqual({ id: head, lengthBytes: 0 });

    bench.link.setLink('up');
    expect(bench.net.transport.read(0x106, 2)).toBe(1);
    expect(bench.driver.read(0x0fc)).toBe(2);
    send(bench, frame(61));
    bench.turns.work();
    expect(bench.received()).toEqual([frame(61)]);
  });

  it('drops frames that were under way when the cable was pulled', () => {
    const bench = nic();
    post(bench);
    bench.link.send(frame(60), 0, 60);
    bench.link.setLink('down');
    bench.turns.work();
    expect(drops(bench)).toEqual({ rxLinkDown: 1 });
    expect(bench.link.send(frame(60), 0, 60)).toBe('refused');
  });
});

describe('a hostile driver', () => {
  it('breaks its own device only until it resets it', () => {
    const bench = nic();
    bench.tx.availIdx = 1000;
    bench.driver.notify(1);
    bench.turns.work();
    expect(bench.driver.status() & 64).toBe(64);
    expect(bench.turns.work()).toBe(0);

    bench.driver.negotiate(VERSION_1);
    const tx: MockQueue = bench.driver.setUpQueue(1, 16);
    bench.driver.driverOk();
    const at = bench.driver.memoryWith(new Uint8Array([...new Uint8Array(12), ...frame(60)]));
    tx.add({ at, lengthBytes: 72, access: 'readable' });
    bench.driver.notify(1);
    bench.turns.work();
    expect(bench.received()).toEqual([frame(60)]);
  });

  it('wraps its indices at 65,535 like everybody', () => {
    const bench = nic({ startIndex: 65_530 });
    for (let i = 0; i < 20; i++) {
      const { head } = post(bench, 100);
      bench.link.send(frame(60), 0, 60);
      send(bench, frame(70 + i));
      bench.turns.work();
      expect(bench.rx.takeUsed()).toEqual({ id: head, lengthBytes: 72 });
      expect(bench.received()).toEqual([frame(70 + i)]);
      expect(bench.tx.drainUsed()).toHaveLength(1);
    }
  });
});
