// Readers and writer of captures: both formats, both byte orders, both resolutions, damage at every
// byte, and other people's tools where they are installed.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileBytes, MemoryBytes } from './capture-bytes.ts';
import { readCapture } from './capture-reader.ts';
import { openReplay, uselessness } from './usable-capture.ts';
import { PcapngWriter } from './pcapng-writer.ts';

interface Seen {
  readonly bytes: number[];
  readonly timeNs: bigint | undefined;
  readonly originalLength: number;
}

function readAll(bytes: Uint8Array): { frames: Seen[]; problem: string | undefined } {
  const reader = readCapture(new MemoryBytes(bytes));
  const frames: Seen[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    const { timeNs, originalLength } = frame;
    frames.push({ bytes: [...frame.bytes], timeNs, originalLength });
  }
  return { frames, problem: reader.problem };
}

type Order = 'little' | 'big';

function words(order: Order, ...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    if (order === 'little') bytes.writeUInt32LE(value >>> 0, index * 4);
    else bytes.writeUInt32BE(value >>> 0, index * 4);
  });
  return bytes;
}

const frameA = Buffer.from('ffffffffffff5254010000aa0806000102', 'hex');
const frameB = Buffer.alloc(60, 0x5a);

function pcap(order: Order, magic: number): Buffer {
  const half = order === 'little' ? [0x0004_0002] : [0x0002_0004];
  return Buffer.concat([
    words(order, magic, ...half, 0, 0, 65_535, 1),
    words(order, 10, 500, frameA.length, frameA.length),
    frameA,
    words(order, 11, 600, frameB.length, 1000),
    frameB,
  ]);
}

function block(order: Order, type: number, body: Buffer): Buffer {
  const length = body.length + 12;
  return Buffer.concat([words(order, type, length), body, words(order, length)]);
}

function half(order: Order, ...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => {
    if (order === 'little') bytes.writeUInt16LE(value, index * 2);
    else bytes.writeUInt16BE(value, index * 2);
  });
  return bytes;
}

function pcapng(order: Order, resolution: number): Buffer {
  const packet = Buffer.concat([
    words(order, 0, 2, 7, frameA.length, frameA.length),
    frameA,
    Buffer.alloc(3),
  ]);
  const options = Buffer.concat([
    half(order, 9, 1),
    Buffer.from([resolution, 0, 0, 0]),
    half(order, 0, 0),
  ]);
  return Buffer.concat([
    block(
      order,
      0x0a0d_0d0a,
      Buffer.concat([words(order, 0x1a2b_3c4d), half(order, 1, 0), words(order, -1, -1)]),
    ),
    block(order, 1, Buffer.concat([half(order, 1, 0), words(order, 0), options])),
    block(order, 5, words(order, 0, 0, 0)), // interface statistics: skipped
    block(order, 6, packet),
    block(order, 3, Buffer.concat([words(order, frameB.length), frameB])),
  ]);
}

describe('pcap', () => {
  for (const order of ['little', 'big'] as const) {
    it(`reads ${order}-endian microseconds`, () => {
      const { frames, problem } = readAll(pcap(order, 0xa1b2_c3d4));

      expect(problem).toBeUndefined();
      expect(frames.map((frame) => frame.timeNs)).toEqual([10_000_500_000n, 11_000_600_000n]);
      expect(frames[0]?.bytes).toEqual([...frameA]);
      expect(frames[1]?.originalLength).toBe(1000);
    });

    it(`reads ${order}-endian nanoseconds`, () => {
      const { frames } = readAll(pcap(order, 0xa1b2_3c4d));

      expect(frames.map((frame) => frame.timeNs)).toEqual([10_000_000_500n, 11_000_000_600n]);
    });
  }

  it('keeps what was read before a cut at any byte, and names the offset', () => {
    const whole = pcap('little', 0xa1b2_c3d4);
    const firstEnd = 24 + 16 + frameA.length;
    for (let length = 1; length < whole.length; length += 1) {
      const { frames, problem } = readAll(whole.subarray(0, length));
      const complete = length === 24 || length === firstEnd;

      expect(frames).toHaveLength(length < firstEnd ? 0 : 1);
      if (complete) expect(problem).toBeUndefined();
      else expect(problem).toContain(`truncated at offset ${String(length)}`);
    }
  });

  it('names the offset of a record with an impossible length', () => {
    const whole = pcap('little', 0xa1b2_c3d4);
    whole.writeUInt32LE(0x7fff_ffff, 24 + 16 + frameA.length + 8);

    const { frames, problem } = readAll(whole);
    expect(frames).toHaveLength(1);
    expect(problem).toBe(
      `corrupt at offset ${String(24 + 16 + frameA.length)}: a record of 2147483647 bytes`,
    );
  });

  it('says when a file is no capture', () => {
    expect(readAll(Buffer.from('hello world')).problem).toContain('neither pcap nor pcapng');
    expect(readAll(Buffer.alloc(0)).problem).toBe('the capture is empty');
  });
});

describe('a declared frame check sequence', () => {
  it('of pcap is taken off, also of frames that were cut inside it', () => {
    const whole = pcap('little', 0xa1b2_c3d4);
    // P, and two units of two bytes.
    whole.writeUInt32LE((0x2400_0001 >>> 0) | 0, 20);
    const { frames } = readAll(whole);
    expect(frames[0]?.bytes).toEqual([...frameA.subarray(0, frameA.length - 4)]);
    expect(frames[0]?.originalLength).toBe(frameA.length - 4);
    expect(frames[1]?.bytes).toEqual([...frameB]);
    expect(frames[1]?.originalLength).toBe(996);
  });

  it.each([
    ['an interface, in bytes', 4],
    ['an interface, in bits', 32],
  ])('of %s is taken off', (_name, length) => {
    const section = pcapng('little', 9).subarray(0, 28);
    const option = Buffer.concat([half('little', 13, 1), Buffer.from([length, 0, 0, 0])]);
    const about = Buffer.concat([half('little', 1, 0), words('little', 0), option]);
    const packet = Buffer.concat([words('little', 0, 0, 7, 60, 60), frameB]);
    const flags = Buffer.concat([half('little', 2, 4), words('little', 2 << 5)]);
    const { frames } = readAll(
      Buffer.concat([
        section,
        block('little', 1, about),
        block('little', 6, packet),
        block('little', 6, Buffer.concat([packet, flags])),
      ]),
    );
    expect(frames.map(({ bytes }) => bytes.length)).toEqual([56, 58]);
  });
});

describe('a capture of which nothing can be used', () => {
  const useless = (bytes: Buffer): string | undefined =>
    uselessness(readCapture(new MemoryBytes(bytes)));

  it.each([
    [113, /Linux cooked capture.*-i eth0.*editcap/],
    [127, /radiotap/],
    [101, /raw IP/],
    [4000, /link type 4000/],
  ])('says so: link type %i', (linkType, message) => {
    const whole = pcap('little', 0xa1b2_c3d4);
    whole.writeUInt32LE(linkType, 20);
    expect(useless(whole)).toMatch(message);
  });

  it('says so: every frame is cut', () => {
    const whole = pcap('little', 0xa1b2_c3d4);
    whole.writeUInt32LE(9999, 24 + 12);
    expect(useless(whole)).toMatch(/snap length/);
  });

  it('is none that has one good frame, or none at all', () => {
    expect(useless(pcap('little', 0xa1b2_c3d4))).toBeUndefined();
    expect(useless(pcap('little', 0xa1b2_c3d4).subarray(0, 24))).toBeUndefined();
  });

  it.each([
    ['1f8b0800', 'is gzip: gunzip it first'],
    ['28b52ffd', 'is zstd: unzstd it first'],
    ['fd377a58', 'is xz: unxz it first'],
    ['425a6839', 'is bzip2: bunzip2 it first'],
  ])('says what it is packed in: %s', (magic, problem) => {
    expect(readAll(Buffer.from(magic, 'hex')).problem).toBe(problem);
  });

  const CASES = process.env['SDDF_CASES'] ?? '../../shared/cases';
  const cases = [
    ['sll.pcap', /Linux cooked capture/],
    ['zip.pcap.gz', /gunzip/],
  ] as const;
  it.skipIf(!existsSync(CASES)).each(cases)('of the cases: %s', (name, message) => {
    expect(() => openReplay(join(CASES, name))).toThrow(message);
  });
});

describe('pcapng', () => {
  for (const order of ['little', 'big'] as const) {
    it(`reads ${order}-endian blocks and skips others`, () => {
      const { frames, problem } = readAll(pcapng(order, 9));

      expect(problem).toBeUndefined();
      expect(frames).toEqual([
        { bytes: [...frameA], timeNs: 2n * 0x1_0000_0000n + 7n, originalLength: frameA.length },
        { bytes: [...frameB], timeNs: undefined, originalLength: frameB.length },
      ]);
    });
  }

  it('reads resolutions that are powers of ten and of two', () => {
    const ticks = 2n * 0x1_0000_0000n + 7n;
    expect(readAll(pcapng('little', 6)).frames[0]?.timeNs).toBe(ticks * 1000n);
    expect(readAll(pcapng('little', 0x80 | 20)).frames[0]?.timeNs).toBe(
      (ticks * 1_000_000_000n) / 1_048_576n,
    );
  });

  it('never throws and always names an offset when it is cut at any byte', () => {
    const whole = pcapng('big', 9);
    let kept = 0;
    for (let length = 4; length < whole.length; length += 1) {
      const { frames, problem } = readAll(whole.subarray(0, length));
      if (problem !== undefined) expect(problem).toContain(`truncated at offset ${String(length)}`);
      expect(frames.length).toBeGreaterThanOrEqual(kept);
      kept = frames.length;
    }
    expect(kept).toBe(1);
  });

  it('survives any single corrupt byte', () => {
    for (const order of ['little', 'big'] as const) {
      const whole = pcapng(order, 9);
      for (let at = 0; at < whole.length; at += 1) {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] ?? 0) ^ 0xff;
        expect(readAll(damaged).frames.length).toBeLessThanOrEqual(2);
      }
    }
  });
});

describe('the writer', () => {
  function written(): Buffer {
    const pieces: Uint8Array[] = [];
    const writer = new PcapngWriter({
      sink: (bytes) => pieces.push(Uint8Array.from(bytes)),
      interfaceName: 'net0',
      epochNs: 0n,
    });
    writer.frame(1_000, 'in', frameA);
    writer.frame(5_000_000_123, 'out', frameB);
    writer.frame(5_000_000_124, 'in', frameA, 'dropped: no room');
    writer.flush();
    return Buffer.concat(pieces);
  }

  it('writes what the reader reads', () => {
    const { frames, problem } = readAll(written());

    expect(problem).toBeUndefined();
    expect(frames.map((frame) => frame.timeNs)).toEqual([1_000n, 5_000_000_123n, 5_000_000_124n]);
    expect(frames[1]?.bytes).toEqual([...frameB]);
    expect(written().includes('dropped: no room')).toBe(true);
  });

  it('writes the same bytes each time', () => {
    expect(written().equals(written())).toBe(true);
  });

  it('adds the epoch with a carry into the high half', () => {
    const pieces: Uint8Array[] = [];
    const writer = new PcapngWriter({
      sink: (bytes) => pieces.push(Uint8Array.from(bytes)),
      interfaceName: 'net0',
      epochNs: 1_700_000_000_123_456_789n,
    });
    writer.frame(4_294_967_295, 'in', frameA);
    writer.flush();

    const { frames } = readAll(Buffer.concat(pieces));
    expect(frames[0]?.timeNs).toBe(1_700_000_000_123_456_789n + 4_294_967_295n);
  });

  it('hands over whole blocks when its buffer is full', () => {
    const pieces: Buffer[] = [];
    const writer = new PcapngWriter({
      sink: (bytes) => pieces.push(Buffer.from(bytes)),
      interfaceName: 'net0',
      epochNs: 0n,
    });
    for (let index = 0; index < 1000; index += 1) writer.frame(index, 'in', Buffer.alloc(1514));
    writer.flush();

    expect(pieces.length).toBeGreaterThan(3);
    expect(readAll(Buffer.concat(pieces)).frames).toHaveLength(1000);
  });
});

describe('other tools', () => {
  const has = (tool: string): boolean => spawnSync(tool, ['--version']).error === undefined;
  const directory = mkdtempSync(join(tmpdir(), 'captures-'));

  it.skipIf(!has('text2pcap'))('reads what text2pcap writes (text2pcap)', () => {
    const text = join(directory, 'frames.txt');
    writeFileSync(text, `000000 ${frameA.toString('hex').match(/../g)?.join(' ') ?? ''}\n`);
    for (const [name, flags] of [
      ['a.pcap', ['-F', 'pcap']],
      ['a.pcapng', ['-F', 'pcapng']],
    ] as const) {
      const path = join(directory, name);
      expect(spawnSync('text2pcap', [...flags, text, path]).status).toBe(0);
      const reader = readCapture(new FileBytes(path));
      expect([...(reader.next()?.bytes ?? [])]).toEqual([...frameA]);
      expect(reader.next()).toBeUndefined();
      expect(reader.problem).toBeUndefined();
    }
  });

  it.skipIf(!has('tshark'))('tshark reads what the writer writes (tshark)', () => {
    const path = join(directory, 'out.pcapng');
    const pieces: Uint8Array[] = [];
    const writer = new PcapngWriter({
      sink: (bytes) => pieces.push(Uint8Array.from(bytes)),
      interfaceName: 'net0',
      epochNs: 0n,
    });
    writer.frame(5_000_000_123, 'in', frameA, 'dropped: no room');
    writer.flush();
    writeFileSync(path, Buffer.concat(pieces));
    const fields = [
      'frame.interface_name',
      'frame.comment',
      'frame.time_epoch',
      'frame.packet_flags_direction',
    ];
    const args = ['-r', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
    const { stdout } = spawnSync('tshark', args, { encoding: 'utf8' });

    expect(stdout).toContain('net0\tdropped: no room\t5.000000123');
  });

  it('reads a file through a window', () => {
    const path = join(directory, 'window.pcap');
    writeFileSync(path, pcap('little', 0xa1b2_c3d4));
    const source = new FileBytes(path);
    const reader = readCapture(source);

    expect(reader.next()?.bytes).toHaveLength(frameA.length);
    expect(reader.next()?.bytes).toHaveLength(frameB.length);
    expect(reader.next()).toBeUndefined();
    expect(source.offset).toBe(readFileSync(path).length);
    source.close();
    rmSync(directory, { recursive: true });
  });
});
