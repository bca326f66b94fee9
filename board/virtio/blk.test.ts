/**
 * Goal: the virtio block device keeps virtio 1.2 §5.2 rule by rule, and answers every malformed
 * request as `rules.md` says. The mock driver plays the other side; numbers are repeated from the
 * specification here.
 */

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { FaultyWire } from '../block/faults.ts';
import { MemoryDisk } from '../block/memory-disk.ts';
import { ReadOnlyWire } from '../block/read-only.ts';
import type { BlockWire } from '../block-wire.ts';
import { BLOCK_PENDING, BlockWrapper } from '../block-wire.ts';
import { RangedDmaWindow } from '../dma.ts';
import type { Turn } from '../device.ts';
import { LintLog } from '../lint.ts';
import { VirtioBlk, type VirtioBlkOptions } from './blk.ts';
import { MockDriver, type MockQueue, type MockSegment } from '../../test/support/mock-driver.ts';

const VERSION_1 = 32;
const INDIRECT_DESC = 28;
const EVENT_IDX = 29;
const [SIZE_MAX, SEG_MAX, RO, BLK_SIZE, FLUSH] = [1, 2, 5, 6, 9] as const;
const [TOPOLOGY, CONFIG_WCE, DISCARD, WRITE_ZEROES] = [10, 11, 13, 14] as const;
const [IN, OUT, T_FLUSH, GET_ID, T_DISCARD, T_WRITE_ZEROES] = [0, 1, 4, 8, 11, 13] as const;
const [OK, IOERR, UNSUPP] = [0, 1, 2] as const;
const CONFIG = 0x100;
const NEEDS_RESET = 64;
const DISK_BYTES = 1 << 20;

class Bench {
  readonly ram = new Ram({ sizeBytes: 1 << 20, stagingBytes: 2 << 20 });
  readonly lint = new LintLog();
  readonly disk = new MemoryDisk(this.ram, DISK_BYTES);
  readonly blk: VirtioBlk;
  readonly driver: MockDriver;
  readonly queue: MockQueue;
  interrupted = 0;
  #due: Turn | undefined;

  constructor(
    features: readonly number[] = [FLUSH, DISCARD, WRITE_ZEROES],
    options: { wrap?: (disk: BlockWire) => BlockWire } & Partial<VirtioBlkOptions> = {},
  ) {
    const { ram } = this;
    const { wrap, ...given } = options;
    this.blk = new VirtioBlk({
      name: 'blk0',
      wire: wrap?.(this.disk) ?? this.disk,
      ram,
      dma: new RangedDmaWindow(ram, [{ paddr: ram.base, sizeBytes: ram.sizeBytes }]),
      irqLine: { raise: () => (this.interrupted += 1), lower: () => undefined },
      lint: this.lint,
      turns: { markDue: (turn) => (this.#due = turn) },
      ...given,
    });
    this.driver = new MockDriver({
      device: this.blk.transport,
      ram,
      startIndex: given.startIndex ?? 0,
    });
    expect(this.driver.negotiate(VERSION_1, ...features) & 8).toBe(8);
    this.queue = this.driver.setUpQueue(0, 16);
    this.driver.driverOk();
  }

  /** Lets the board have turns until nothing is due. */
  run(): void {
    for (let i = 0; i < 100 && this.#due !== undefined; i += 1) {
      const turn = this.#due;
      this.#due = undefined;
      turn.work();
    }
  }

  header(type: number, sector: number): MockSegment {
    const at = this.driver.memory(16);
    this.ram.view.setUint32(at, type, true);
    this.ram.view.setUint32(at + 8, sector % 2 ** 32, true);
    this.ram.view.setUint32(at + 12, Math.floor(sector / 2 ** 32), true);
    return readable(at, 16);
  }

  /** One request in descriptors of its own for header, data and status. @returns the status byte */
  request(type: number, sector: number, ...data: readonly MockSegment[]): number {
    const status = this.start(type, sector, ...data);
    this.run();
    return this.ram.u8[status] as number;
  }

  /** @returns where its status byte will be */
  start(type: number, sector: number, ...data: readonly MockSegment[]): number {
    const status = this.driver.memory(1, 1);
    this.queue.add(this.header(type, sector), ...data, writable(status, 1));
    this.driver.notify(0);
    return status;
  }

  data(lengthBytes: number, fill = 0xa5): number {
    const at = this.driver.memory(lengthBytes, 1);
    this.ram.fill(at, fill, lengthBytes);
    return at;
  }

  range(sector: number, sectors: number, flags = 0): MockSegment {
    const at = this.driver.memory(16);
    this.ram.view.setUint32(at, sector, true);
    this.ram.view.setUint32(at + 4, 0, true);
    this.ram.view.setUint32(at + 8, sectors, true);
    this.ram.view.setUint32(at + 12, flags, true);
    return readable(at, 16);
  }

  config(offset: number): number {
    return this.driver.read(CONFIG + offset);
  }
}

function readable(at: number, lengthBytes: number): MockSegment {
  return { at, lengthBytes, access: 'readable' };
}

function writable(at: number, lengthBytes: number): MockSegment {
  return { at, lengthBytes, access: 'writable' };
}

/** Keeps reads, writes and flushes pending until told to finish one. */
class Held extends BlockWrapper {
  readonly waiting: { readonly what: string; readonly finish: () => void }[] = [];

  #hold(what: string, tag: number, perform: () => number): number {
    this.waiting.push({ what, finish: () => this.end?.completed(tag, perform()) });
    return BLOCK_PENDING;
  }
  override read(tag: number, sector: number, at: number, length: number): number {
    return this.#hold('read', tag, () => this.inner.read(tag, sector, at, length));
  }
  override write(tag: number, sector: number, at: number, length: number): number {
    return this.#hold('write', tag, () => this.inner.write(tag, sector, at, length));
  }
  override flush(tag: number): number {
    return this.#hold('flush', tag, () => this.inner.flush(tag));
  }
  override abandon(): void {
    this.waiting.length = 0;
  }
}

describe('configuration', () => {
  it('has the fields of §5.2.4 at their places', () => {
    const bench = new Bench([], {
      limits: { logicalBlockBytes: 512, physicalBlockBytes: 4096, sizeMax: 8192, segMax: 5 },
    });

    expect(bench.driver.read(0x008)).toBe(2);
    expect([bench.config(0), bench.config(4)]).toEqual([DISK_BYTES / 512, 0]);
    expect([bench.config(8), bench.config(12), bench.config(20)]).toEqual([8192, 5, 512]);
    expect(bench.blk.transport.read(CONFIG + 24, 1)).toBe(3);
    expect(bench.blk.transport.read(CONFIG + 26, 2)).toBe(8);
    expect(bench.blk.transport.read(CONFIG + 34, 2)).toBe(1);
    expect(bench.config(36)).toBeGreaterThan(0);
    expect(bench.config(48)).toBeGreaterThan(0);
    expect(bench.config(60)).toBe(0);
  });

  it('offers what the issue names, RO only for a medium that cannot be written', () => {
    const always = [SIZE_MAX, SEG_MAX, BLK_SIZE, FLUSH, TOPOLOGY, CONFIG_WCE];
    const offeredBy = (bench: Bench, bits: readonly number[]): boolean[] =>
      bits.map((bit) => bench.driver.offered(bit));
    const disk = new Bench();
    const readOnly = new Bench([], { wrap: (inner) => new ReadOnlyWire(inner) });

    const common = [...always, INDIRECT_DESC, EVENT_IDX, VERSION_1];
    expect(offeredBy(disk, common)).toEqual(common.map(() => true));
    expect(offeredBy(disk, [RO, DISCARD, WRITE_ZEROES])).toEqual([false, true, true]);
    expect(offeredBy(readOnly, [RO, DISCARD, WRITE_ZEROES])).toEqual([true, false, false]);
  });

  it('tells of a medium that changes its size', () => {
    let faulty: FaultyWire | undefined;
    const bench = new Bench([], { wrap: (disk) => (faulty = new FaultyWire(disk)) });
    const before = bench.driver.read(0x0fc);

    faulty?.shrinkTo(100);

    expect(bench.config(0)).toBe(100);
    expect(bench.driver.read(0x0fc)).not.toBe(before);
    expect(bench.driver.acknowledge()).toBe(2);
    expect(bench.request(IN, 99, writable(bench.data(1024), 1024))).toBe(IOERR);
  });
});

describe.each([0, 65_530])('requests, indices from %i', (startIndex) => {
  it('writes and reads back over the wrap', () => {
    const bench = new Bench(undefined, { startIndex });

    for (let round = 0; round < 12; round += 1) {
      const from = bench.data(1024, round + 1);
      const to = bench.data(1024);
      expect(bench.request(OUT, round * 2, readable(from, 1024))).toBe(OK);
      expect(bench.request(IN, round * 2, writable(to, 1024))).toBe(OK);
      expect(bench.driver.bytes(to, 1024)).toEqual(new Uint8Array(1024).fill(round + 1));
      expect(bench.queue.drainUsed().map((used) => used.lengthBytes)).toEqual([1, 1025]);
    }
  });
});

describe('requests', () => {
  it('may spread header, data and status over descriptors at will', () => {
    const bench = new Bench();
    const { driver, ram, queue } = bench;
    bench.disk.load(Uint8Array.from({ length: 2048 }, (_, i) => i % 251));
    const header = bench.header(IN, 1);
    const buffer = bench.data(1025);

    queue.add(
      readable(header.at, 3),
      readable(header.at + 3, 13),
      writable(buffer, 100),
      writable(buffer + 100, 900),
      writable(buffer + 1000, 25),
    );
    driver.notify(0);
    bench.run();

    expect(ram.u8[buffer + 1024]).toBe(OK);
    expect([0, 99, 100, 1023].map((i) => ram.u8[buffer + i])).toEqual(
      [0, 99, 100, 1023].map((i) => (512 + i) % 251),
    );
  });

  it('may be indirect', () => {
    const bench = new Bench([INDIRECT_DESC]);
    const from = bench.data(512, 7);
    const status = bench.driver.memory(1, 1);

    bench.queue.addIndirect(bench.header(OUT, 3), readable(from, 512), writable(status, 1));
    bench.driver.notify(0);
    bench.run();

    expect(bench.ram.u8[status]).toBe(OK);
    expect(bench.disk.image()[3 * 512]).toBe(7);
  });

  it('does its work in its turn, a batch with one interrupt', () => {
    const bench = new Bench();
    const statuses = [1, 2, 3].map((s) => bench.start(IN, s, writable(bench.data(512), 512)));
    expect(statuses.map((at) => bench.ram.u8[at])).toEqual([0xa5, 0xa5, 0xa5]);

    bench.run();

    expect(statuses.map((at) => bench.ram.u8[at])).toEqual([OK, OK, OK]);
    expect(bench.blk.transport.interrupts).toBe(1);
  });

  it('answers GET_ID with 20 bytes', () => {
    const bench = new Bench();
    const at = bench.data(20);

    expect(bench.request(GET_ID, 0, writable(at, 20))).toBe(OK);
    const id = String.fromCharCode(...bench.driver.bytes(at, 20)).replaceAll('\0', '');
    expect(id).toBe('memory');
    expect(bench.queue.drainUsed()).toEqual([{ id: 0, lengthBytes: 21 }]);
  });

  it('answers a type that does not exist with UNSUPP', () => {
    const bench = new Bench();
    expect(bench.request(99, 0)).toBe(UNSUPP);
  });

  it.each([
    ['beyond the end', IN, DISK_BYTES / 512, 512],
    ['across the end', IN, DISK_BYTES / 512 - 1, 1024],
    ['near 2^64', IN, 2 ** 64 - 2048, 1024],
    ['of half a sector', IN, 0, 256],
    ['of no data', IN, 0, 0],
  ])('refuses a read %s with IOERR', (_name, type, sector, length) => {
    const bench = new Bench();
    const data = length === 0 ? [] : [writable(bench.data(length), length)];

    expect(bench.request(type, sector, ...data)).toBe(IOERR);
    expect(bench.driver.status() & NEEDS_RESET).toBe(0);
  });

  it('refuses a write to a read-only medium and leaves it as it was', () => {
    const bench = new Bench([RO], { wrap: (disk) => new ReadOnlyWire(disk) });

    expect(bench.request(OUT, 0, readable(bench.data(512, 9), 512))).toBe(IOERR);
    expect(bench.disk.image()[0]).toBe(0);
  });

  it('refuses more segments than SEG_MAX and larger ones than SIZE_MAX', () => {
    const bench = new Bench([], { limits: { segMax: 2, sizeMax: 1024 } });
    const piece = (): MockSegment => writable(bench.data(512), 512);

    expect(bench.request(IN, 0, piece(), piece())).toBe(OK);
    expect(bench.request(IN, 0, piece(), piece(), piece())).toBe(IOERR);
    expect(bench.request(IN, 0, writable(bench.data(1536), 1536))).toBe(IOERR);
    expect(bench.lint.total).toBe(2);
  });
});

describe('DISCARD and WRITE_ZEROES', () => {
  it('zeroes what the ranges say', () => {
    const bench = new Bench();
    bench.disk.load(new Uint8Array(8192).fill(5));

    const status = bench.request(T_WRITE_ZEROES, 0, bench.range(1, 2), bench.range(8, 1));

    expect(status).toBe(OK);
    const image = bench.disk.image();
    expect([0, 1, 2, 3, 8, 9].map((sector) => image[sector * 512])).toEqual([5, 0, 0, 5, 0, 5]);
  });

  it.each([
    ['a flag on discard', T_DISCARD, 0, 1, 1, UNSUPP],
    ['an unknown flag on write-zeroes', T_WRITE_ZEROES, 0, 1, 2, UNSUPP],
    ['unmap on write-zeroes', T_WRITE_ZEROES, 0, 1, 1, OK],
    ['no sectors', T_DISCARD, 0, 0, 0, IOERR],
    ['a range beyond the end', T_DISCARD, 2047, 2, 0, IOERR],
    ['a good discard', T_DISCARD, 2047, 1, 0, OK],
  ])('answers %s', (_name, type, sector, sectors, flags, status) => {
    const bench = new Bench();
    expect(bench.request(type, 0, bench.range(sector, sectors, flags))).toBe(status);
  });

  it('are unsupported unless negotiated', () => {
    const bench = new Bench([FLUSH]);
    expect(bench.request(T_DISCARD, 0, bench.range(0, 1))).toBe(UNSUPP);
    expect(bench.request(T_WRITE_ZEROES, 0, bench.range(0, 1))).toBe(UNSUPP);
  });
});

describe('durability', () => {
  function held(features: readonly number[]) {
    let wire: Held | undefined;
    const bench = new Bench(features, { wrap: (disk) => (wire = new Held(disk)) });
    return { bench, wire: wire as unknown as Held };
  }

  it('finishes a write before it is durable when FLUSH is negotiated', () => {
    const { bench, wire } = held([FLUSH]);
    const status = bench.start(OUT, 0, readable(bench.data(512, 1), 512));
    bench.run();

    wire.waiting.shift()?.finish();
    bench.run();

    expect(bench.ram.u8[status]).toBe(OK);
    expect(wire.waiting).toEqual([]);
  });

  it.each([
    ['neither FLUSH nor CONFIG_WCE is negotiated', [], false],
    ['writeback is 0', [FLUSH, CONFIG_WCE], true],
  ])('flushes before it finishes a write when %s', (_name, features, clearsWriteback) => {
    const { bench, wire } = held(features);
    if (clearsWriteback) bench.blk.transport.write(CONFIG + 32, 0, 1);
    const status = bench.start(OUT, 0, readable(bench.data(512, 1), 512));
    bench.run();

    wire.waiting.shift()?.finish();
    bench.run();
    expect(bench.ram.u8[status]).toBe(0xa5);
    expect(wire.waiting.map(({ what }) => what)).toEqual(['flush']);
    wire.waiting.shift()?.finish();
    bench.run();

    expect(bench.ram.u8[status]).toBe(OK);
  });

  it('reports a flush that fails, and refuses FLUSH unless negotiated', () => {
    const failing = new Bench([FLUSH], {
      wrap: (disk) => new FaultyWire(disk, [{ kind: 'flush-fails', times: 1 }]),
    });

    expect([failing.request(T_FLUSH, 0), failing.request(T_FLUSH, 0)]).toEqual([IOERR, OK]);
    expect(new Bench([]).request(T_FLUSH, 0)).toBe(UNSUPP);
  });

  it('completes out of order when the wire does, each request once', () => {
    const { bench, wire } = held([FLUSH]);
    const first = bench.start(IN, 0, writable(bench.data(512), 512));
    const second = bench.start(IN, 1, writable(bench.data(512), 512));
    bench.run();

    wire.waiting[1]?.finish();
    bench.run();
    expect([first, second].map((at) => bench.ram.u8[at])).toEqual([0xa5, OK]);
    wire.waiting[0]?.finish();
    bench.run();

    expect(bench.queue.drainUsed().map((used) => used.id)).toEqual([3, 0]);
  });

  it('keeps a request of several segments open until the last is over, and fails it if any fails', () => {
    const { bench, wire } = held([FLUSH]);
    const status = bench.start(
      IN,
      0,
      writable(bench.data(512), 512),
      writable(bench.data(512), 512),
    );
    bench.run();

    wire.waiting[1]?.finish();
    bench.run();
    expect(bench.ram.u8[status]).toBe(0xa5);
    wire.waiting[0]?.finish();
    bench.run();

    expect(bench.ram.u8[status]).toBe(OK);
  });

  it('touches nothing after a reset in mid-request', () => {
    const { bench, wire } = held([FLUSH]);
    const at = bench.data(512);
    const status = bench.start(IN, 0, writable(at, 512));
    bench.run();

    bench.driver.write(0x070, 0);
    bench.run();

    expect(wire.waiting).toEqual([]);
    expect([bench.ram.u8[at], bench.ram.u8[status]]).toEqual([0xa5, 0xa5]);
  });
});

describe('malformed requests', () => {
  function latched(bench: Bench): boolean {
    bench.driver.notify(0);
    bench.run();
    return (bench.driver.status() & NEEDS_RESET) !== 0;
  }

  it('latches on a request without a status byte', () => {
    const bench = new Bench();
    bench.queue.add(bench.header(IN, 0));
    expect(latched(bench)).toBe(true);
  });

  it('latches on readable after writable', () => {
    const bench = new Bench();
    bench.queue.add(bench.header(IN, 0), writable(bench.data(1), 1), readable(bench.data(4), 4));
    expect(latched(bench)).toBe(true);
  });

  it('latches on a status byte outside the window', () => {
    const bench = new Bench();
    const outside = 64 << 20;
    bench.queue.add(bench.header(IN, 0), writable(bench.data(512), 512), writable(outside, 1));
    expect(latched(bench)).toBe(true);
  });

  it('answers IOERR to data outside the window when the status can be reached', () => {
    const bench = new Bench();
    expect(bench.request(IN, 0, writable(64 << 20, 512))).toBe(IOERR);
    expect(bench.driver.status() & NEEDS_RESET).toBe(0);
  });

  it('answers IOERR to a request shorter than its header', () => {
    const bench = new Bench();
    const status = bench.driver.memory(1, 1);
    bench.queue.add(readable(bench.data(8), 8), writable(status, 1));
    expect(latched(bench)).toBe(false);
    expect(bench.ram.u8[status]).toBe(IOERR);
  });

  it('works again after a reset', () => {
    const bench = new Bench();
    bench.queue.add(bench.header(IN, 0));
    expect(latched(bench)).toBe(true);

    bench.driver.negotiate(VERSION_1);
    const queue = bench.driver.setUpQueue(0, 16);
    bench.driver.driverOk();
    const status = bench.driver.memory(1, 1);
    queue.add(bench.header(IN, 0), writable(bench.data(512), 512), writable(status, 1));
    bench.driver.notify(0);
    bench.run();

    expect(bench.ram.u8[status]).toBe(OK);
  });
});
