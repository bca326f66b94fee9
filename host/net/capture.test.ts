// A capturing wire around a staged link: what a NIC takes, sends and drops is in the capture, once,
// with the right time.

import { describe, expect, it } from 'vitest';
import type { EthernetWire } from '../../board/ethernet.ts';
import { StagedLink } from '../../board/links/staged-link.ts';
import { VirtualClock } from '../../board/virtual-clock.ts';
import { Ram } from '../../memory/ram.ts';
import { MemoryBytes } from './capture-bytes.ts';
import { readCapture } from './capture-reader.ts';
import { Ingress } from './bridge.ts';
import { CaptureReplay } from './capture-replay.ts';
import { Capture } from './capture.ts';
import { PcapngWriter } from './pcapng-writer.ts';

interface Rig {
  readonly clock: VirtualClock;
  readonly ram: Ram;
  readonly link: StagedLink;
  readonly capture: Capture;
  readonly wire: EthernetWire;
  readonly frames: () => { bytes: Buffer; timeNs: bigint | undefined }[];
  readonly raw: () => Buffer;
}

function rig(): Rig {
  const ram = new Ram({ sizeBytes: 65_536, stagingBytes: 4 * 1024 * 1024 });
  const clock = new VirtualClock();
  const link = new StagedLink({ ram });
  const pieces: Buffer[] = [];
  const writer = new PcapngWriter({
    sink: (bytes) => pieces.push(Buffer.from(bytes)),
    interfaceName: 'net0',
    epochNs: 0n,
  });
  const capture = new Capture({ ram, clock, writer });
  const wire = capture.of(link);
  const raw = (): Buffer => {
    writer.flush();
    return Buffer.concat(pieces);
  };
  const frames = (): { bytes: Buffer; timeNs: bigint | undefined }[] => {
    const reader = readCapture(new MemoryBytes(raw()));
    const all = [];
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      all.push({ bytes: Buffer.from(frame.bytes), timeNs: frame.timeNs });
    }
    return all;
  };
  return { clock, ram, link, capture, wire, frames, raw };
}

describe('a capturing wire', () => {
  it('writes what the NIC takes and sends, and passes it on', () => {
    const test = rig();
    test.wire.attach({ frameArrived: () => undefined, linkChanged: () => undefined });
    test.link.offer(Buffer.alloc(60, 1));
    test.clock.runUntil(1_500);
    test.wire.copyNext(0, 0, 60);
    test.wire.takeNext();
    test.clock.runUntil(2_500);
    test.wire.transmit(0, 60);
    const sent: Buffer[] = [];
    test.link.drain({ transmit: (frame) => void sent.push(Buffer.from(frame)) });

    expect(test.frames()).toEqual([
      { bytes: Buffer.alloc(60, 1), timeNs: 1_500n },
      { bytes: Buffer.alloc(60, 1), timeNs: 2_500n },
    ]);
    expect(test.wire.nextLength()).toBe(0);
    expect(sent).toEqual([Buffer.alloc(60, 1)]);
  });

  it('says why a frame was lost', () => {
    const test = rig();
    test.link.offer(Buffer.alloc(60, 1));
    test.wire.dropNext('no buffer');
    test.wire.dropTransmit(0, 20, 'bad header');
    test.capture.dropped(Buffer.alloc(13, 3), 'shorter than 14 bytes');

    expect(test.frames()).toHaveLength(3);
    for (const reason of ['no buffer', 'bad header', 'shorter than 14 bytes']) {
      expect(test.raw().includes(`dropped: ${reason}`)).toBe(true);
    }
    expect(test.link.nextLength()).toBe(0);
  });
});

describe('a replay', () => {
  function capture(times: readonly number[], lengths: readonly number[]): Buffer {
    const pieces: Buffer[] = [];
    const sink = (bytes: Uint8Array): void => void pieces.push(Buffer.from(bytes));
    const writer = new PcapngWriter({
      sink,
      interfaceName: 'x',
      epochNs: 1_700_000_000_000_000_000n,
    });
    times.forEach((time, index) => {
      writer.frame(time, 'in', Buffer.alloc(lengths[index] ?? 0, index));
    });
    writer.flush();
    return Buffer.concat(pieces);
  }

  function replay(bytes: Buffer): {
    arrivals: number[][];
    replayed: CaptureReplay;
    notices: string[];
  } {
    const clock = new VirtualClock();
    clock.runUntil(1_000);
    const arrivals: number[][] = [];
    const notices: string[] = [];
    const replayed = new CaptureReplay({
      reader: readCapture(new MemoryBytes(bytes)),
      name: 'in.pcapng',
      port: {
        offer: (frame) => {
          arrivals.push([clock.now(), frame.length, frame[0] ?? 0]);
          return 'ok';
        },
      },
      clock,
      onNotice: (line) => notices.push(line),
    });
    replayed.start();
    clock.runUntil(1_000_000);
    return { arrivals, replayed, notices };
  }

  it('offers each frame at its own time after the first', () => {
    const { arrivals, replayed } = replay(capture([5_000, 5_000, 7_500, 99_000], [60, 61, 62, 63]));

    expect(arrivals).toEqual([
      [1_000, 60, 0],
      [1_000, 61, 1],
      [3_500, 62, 2],
      [95_000, 63, 3],
    ]);
    expect(replayed.over).toBe(true);
  });

  it('keeps the order of frames whose stamps go back', () => {
    const { arrivals } = replay(capture([5_000, 9_000, 6_000, 9_500], [60, 61, 62, 63]));

    expect(arrivals.map(([time]) => time)).toEqual([1_000, 5_000, 5_000, 5_500]);
  });

  it('counts and drops what no wire carries', () => {
    const { arrivals, replayed } = replay(capture([0, 1, 2, 3], [13, 14, 1514, 1515]));

    expect(arrivals.map(([, length]) => length)).toEqual([14, 1514]);
    expect(replayed.counters()).toMatchObject({ framesRead: 4, runtsDropped: 1, giantsDropped: 1 });
  });

  it('gives frames without a time that of their neighbour', () => {
    const head = capture([0], [60]);
    const simple = Buffer.alloc(16 + 60);
    simple.writeUInt32LE(3, 0);
    simple.writeUInt32LE(simple.length, 4);
    simple.writeUInt32LE(60, 8);
    simple.writeUInt32LE(simple.length, simple.length - 4);
    // Section and interface come first, then a packet of 60 bytes: what its writer puts behind them
    // is all of the rest.
    const packets = capture([7_000, 9_000], [61, 62]);
    const start = head.length - (capture([0, 0], [60, 60]).length - head.length);
    const before = Buffer.concat([packets.subarray(0, start), simple, packets.subarray(start)]);
    const { arrivals } = replay(Buffer.concat([before, simple]));

    expect(arrivals.map(([time, length]) => [time, length])).toEqual([
      [1_000, 60],
      [1_000, 61],
      [3_000, 62],
      [3_000, 60],
    ]);
  });

  it('tells of long waits, a few of them, and of what is left at the end', async () => {
    const times = Array.from({ length: 9 }, (_, index) => index * 6_000_000_000);
    const { replayed, notices } = replay(
      capture(
        times,
        times.map(() => 60),
      ),
    );
    await replayed.close();

    expect(notices).toEqual([
      'in.pcapng: the next frame is due in 6.0 s',
      'in.pcapng: frames are left behind the first 1; the next was due in 6.0 s',
    ]);
  });

  it('takes frames with VLAN tags, which are as much longer', () => {
    const frame = (length: number, ...tags: string[]): Buffer => {
      const bytes = Buffer.alloc(length);
      tags.forEach((tag, at) => bytes.write(tag, 12 + 4 * at, 'hex'));
      return bytes;
    };
    const offered: number[] = [];
    const ingress = new Ingress({
      offer: (bytes) => {
        offered.push(bytes.length);
        return 'ok';
      },
    });
    ingress.offer(frame(1518, '8100'));
    ingress.offer(frame(1519, '8100'));
    ingress.offer(frame(1522, '88a8', '8100'));
    ingress.offer(frame(1523, '88a8', '8100'));
    ingress.offer(frame(1515, '0800'));

    expect(offered).toEqual([1518, 1522]);
    expect(ingress.giants).toBe(3);
  });

  it('uses what lies before the damage, and says where that is', () => {
    const whole = capture([0, 1, 2], [60, 60, 60]);
    const { arrivals, notices } = replay(whole.subarray(0, whole.length - 10));

    expect(arrivals).toHaveLength(2);
    expect(notices).toEqual([
      `in.pcapng: truncated at offset ${String(whole.length - 10)}: in a block; the 2 frames before it are used`,
    ]);
  });
});
