/**
 * Goal: the driver answers every request exactly once and with its own status, whatever the order
 * in which the device finishes and whatever the device does. The real device model stands behind
 * it; its lies are written into its rings.
 */

import { describe, expect, it } from 'vitest';
import { FaultyWire } from '../../../board/block/faults.ts';
import { MemoryDisk } from '../../../board/block/memory-disk.ts';
import { ReadOnlyWire } from '../../../board/block/read-only.ts';
import { BLOCK_PENDING, BlockWrapper, type BlockWire } from '../../../board/block-wire.ts';
import type { Turn } from '../../../board/device.ts';
import { RangedDmaWindow } from '../../../board/dma.ts';
import { LintLog } from '../../../board/lint.ts';
import { VirtioBlk, type VirtioBlkOptions } from '../../../board/virtio/blk.ts';
import { requestQueueBytes, responseQueueBytes } from '../../../queues/blk/layout.ts';
import { BlkRequestProducer } from '../../../queues/blk/request-queue.ts';
import { BlkResponseConsumer, emptyResponse } from '../../../queues/blk/response-queue.ts';
import { isStorageReady, readStorageInfo } from '../../../queues/blk/storage-info.ts';
import { type BarePd, BareSystem } from '../../../test/support/bare-system.ts';
import { main as driver } from './driver.ts';
import { WATCHDOG_TICKS } from './requests.ts';

const [READ, WRITE, FLUSH, BARRIER, DISCARD, ZEROES] = [0, 1, 2, 3, 4, 5] as const;
const [OK, INVALID, IO, NO_DEVICE] = [0, 2, 3, 4] as const;
const BLOCK = 4096;
const DISK_BLOCKS = 256;
const CAPACITY = 64;
const IRQ = 1;
const TIMER = 2;

interface Options {
  readonly wrap?: (disk: BlockWire) => BlockWire;
  readonly limits?: VirtioBlkOptions['limits'];
  readonly ringEntries?: number;
  readonly retries?: number;
  readonly startIndex?: number;
}

class Bench {
  readonly system = new BareSystem({ ramBytes: 4 << 20, stagingBytes: 2 << 20 });
  readonly disk: MemoryDisk;
  readonly blk: VirtioBlk;
  readonly driver: BarePd;
  readonly lint = new LintLog();
  readonly requests: BlkRequestProducer;
  readonly responses: BlkResponseConsumer;
  #due: Turn | undefined;
  #line = false;
  timeouts = 0;

  constructor(options: Options = {}) {
    const { system } = this;
    const { ram } = system;
    system.addRegion('rings', 65_536);
    system.addRegion('requests', requestQueueBytes(CAPACITY));
    system.addRegion('responses', responseQueueBytes(CAPACITY));
    system.addRegion('info', 4096);
    system.addRegion('data', DISK_BLOCKS * BLOCK);
    this.disk = new MemoryDisk(ram, DISK_BLOCKS * BLOCK);
    this.blk = new VirtioBlk({
      name: 'blk',
      wire: options.wrap?.(this.disk) ?? this.disk,
      ram,
      dma: new RangedDmaWindow(ram, [{ paddr: ram.base, sizeBytes: ram.sizeBytes }]),
      irqLine: { raise: () => (this.#line = true), lower: () => (this.#line = false) },
      lint: this.lint,
      turns: { markDue: (turn) => (this.#due = turn) },
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    });
    const virt = {
      storageInfo: 'info',
      requestQueue: 'requests',
      responseQueue: 'responses',
      capacity: CAPACITY,
      channel: 0,
    };
    this.driver = system.addPd({
      name: 'driver',
      priority: 200,
      program: driver,
      vars: { rings_paddr: system.paddr('rings') },
      devices: { registers: this.blk.transport },
      config: {
        registers: 'registers',
        rings: 'rings',
        ringsPaddrSymbol: 'rings_paddr',
        irq: IRQ,
        ringEntries: options.ringEntries ?? 128,
        retries: options.retries ?? 0,
        virt,
        watchdogNs: 1e9,
        timer: { channel: TIMER },
      },
    });
    const virtPd = system.addPd({
      name: 'virt',
      priority: 1,
      program: () => ({ notified: () => undefined }),
      config: {},
    });
    const timerPd = system.addPd({
      name: 'timer',
      priority: 201,
      config: {},
      program: () => ({
        notified: () => undefined,
        protected: () => ((this.timeouts += 1), 0),
      }),
    });
    this.driver.connect(0, virtPd, 0);
    this.driver.connect(TIMER, timerPd, 0);
    this.requests = new BlkRequestProducer(system.region('requests'), CAPACITY);
    this.responses = new BlkResponseConsumer(system.region('responses'), CAPACITY);
    system.start();
    this.settle();
  }

  /** Lets device and driver work until both are quiet. */
  settle(): void {
    for (let i = 0; i < 1000; i += 1) {
      if (this.#due === undefined && !this.#line) return;
      this.turn();
      if (this.#line) this.driver.raise(IRQ);
      this.system.run();
    }
    throw new Error('device and driver do not come to rest');
  }

  /** One turn of the device. */
  turn(): void {
    const turn = this.#due;
    this.#due = undefined;
    turn?.work();
  }

  data(block: number, fill: number): number {
    this.system.region('data').fill(block * BLOCK, fill, BLOCK);
    return this.system.paddr('data') + block * BLOCK;
  }

  send(code: number, paddr: number, block: number, count: number, id: number): void {
    this.requests.enqueue(code, paddr, block, count, id);
    this.requests.publish();
    this.driver.raise(0);
    this.system.run();
  }

  /** All responses so far, as `[id, status, successCount]`. */
  answers(): (readonly [number, number, number])[] {
    const all: (readonly [number, number, number])[] = [];
    const response = emptyResponse();
    for (let left = this.responses.available(); left > 0; left -= 1) {
      this.responses.dequeue(response);
      all.push([response.id, response.status, response.successCount]);
    }
    this.responses.release();
    return all;
  }

  ask(code: number, paddr: number, block: number, count: number): readonly [number, number] {
    this.send(code, paddr, block, count, 77);
    this.settle();
    const answers = this.answers();
    expect(answers.map(([id]) => id)).toEqual([77]);
    const [[, status, success]] = answers as [readonly [number, number, number]];
    return [status, success];
  }

  info() {
    return this.system.region('info');
  }

  timeOut(): void {
    this.driver.raise(TIMER);
    this.system.run();
    this.settle();
  }
}

/** Keeps reads and writes until told to finish one. */
class Held extends BlockWrapper {
  waiting: (() => void)[] = [];

  override read(tag: number, sector: number, at: number, length: number): number {
    this.waiting.push(() => this.end?.completed(tag, this.inner.read(tag, sector, at, length)));
    return BLOCK_PENDING;
  }
  override write(tag: number, sector: number, at: number, length: number): number {
    this.waiting.push(() => this.end?.completed(tag, this.inner.write(tag, sector, at, length)));
    return BLOCK_PENDING;
  }
  override abandon(): void {
    this.waiting = [];
  }
}

function heldBench(options: Options = {}): { bench: Bench; wire: Held } {
  let wire: Held | undefined;
  const bench = new Bench({ ...options, wrap: (disk) => (wire = new Held(disk)) });
  return { bench, wire: wire as unknown as Held };
}

describe('start-up', () => {
  it('publishes what the device is, once it has told its serial number', () => {
    const bench = new Bench({ limits: { logicalBlockBytes: 4096 } });

    expect(isStorageReady(bench.info())).toBe(true);
    expect(readStorageInfo(bench.info())).toEqual({
      serialNumber: 'memory',
      readOnly: false,
      sectorBytes: 4096,
      blockSize: 1,
      queueDepth: 128,
      capacity: DISK_BLOCKS,
    });
    expect(bench.lint.entries()).toEqual([]);
  });

  it('says that a medium is read-only', () => {
    const bench = new Bench({ wrap: (disk) => new ReadOnlyWire(disk) });
    expect(readStorageInfo(bench.info()).readOnly).toBe(true);
  });
});

describe('requests', () => {
  it('write and read back', () => {
    const bench = new Bench();

    expect(bench.ask(WRITE, bench.data(0, 7), 5, 1)).toEqual([OK, 1]);
    expect(bench.ask(READ, bench.data(1, 0), 5, 1)).toEqual([OK, 1]);

    expect(bench.system.region('data').read8(BLOCK + 4095)).toBe(7);
    expect(bench.disk.image()[5 * BLOCK]).toBe(7);
  });

  it('are answered in the order in which the device finishes them', () => {
    const { bench, wire } = heldBench();
    for (const id of [10, 11, 12]) bench.send(READ, bench.data(id, 0), id, 1, id);
    bench.settle();

    for (const finish of wire.waiting.toReversed()) finish();
    bench.settle();

    expect(bench.answers()).toEqual([
      [12, OK, 1],
      [11, OK, 1],
      [10, OK, 1],
    ]);
  });

  it('longer than the device takes at once go in pieces', () => {
    const bench = new Bench({ limits: { sizeMax: 8192, segMax: 2 } });
    bench.disk.load(Uint8Array.from({ length: 40 * BLOCK }, (_, i) => Math.floor(i / BLOCK)));

    expect(bench.ask(READ, bench.data(0, 0xff), 1, 39)).toEqual([OK, 39]);

    const data = bench.system.region('data');
    expect([0, 3, 4, 38].map((block) => data.read8(block * BLOCK))).toEqual([1, 4, 5, 39]);
    expect(bench.lint.entries()).toEqual([]);
  });

  it('discard and zero blocks', () => {
    const bench = new Bench();
    bench.disk.load(new Uint8Array(8 * BLOCK).fill(3));

    expect(bench.ask(ZEROES, 0, 2, 3)).toEqual([OK, 3]);
    expect(bench.ask(DISCARD, 0, 0, 1)).toEqual([OK, 1]);

    const image = bench.disk.image();
    expect([1, 2, 4, 5].map((block) => image[block * BLOCK])).toEqual([3, 0, 0, 3]);
  });

  it.each([
    ['of no blocks', READ, 0],
    ['of an unknown code', 99, 1],
  ])('%s are invalid', (_name, code, count) => {
    const bench = new Bench();
    expect(bench.ask(code, bench.data(0, 0), 0, count)).toEqual([INVALID, 0]);
  });

  it('wait in their queue when the device is full, and lose nothing', () => {
    const { bench, wire } = heldBench({ ringEntries: 8 });
    for (let id = 0; id < 40; id += 1) bench.requests.enqueue(READ, bench.data(0, 0), id, 1, id);
    bench.requests.publish();
    bench.driver.raise(0);
    bench.system.run();
    bench.settle();
    expect(wire.waiting.length).toBe(8);

    const seen: number[] = [];
    while (wire.waiting.length > 0) {
      wire.waiting.shift()?.();
      bench.settle();
      seen.push(...bench.answers().map(([id]) => id));
    }

    expect(seen.toSorted((a, b) => a - b)).toEqual([...Array(40).keys()]);
  });
});

describe('FLUSH and BARRIER', () => {
  it('reach the device', () => {
    const bench = new Bench();
    expect(bench.ask(FLUSH, 0, 0, 0)).toEqual([OK, 0]);
    expect(bench.ask(BARRIER, 0, 0, 0)).toEqual([OK, 0]);
    expect(bench.blk.counters.flushes).toBe(2);
  });

  it('report a flush that fails', () => {
    const bench = new Bench({
      retries: 3,
      wrap: (disk) => new FaultyWire(disk, [{ kind: 'flush-fails', times: 1 }]),
    });
    expect(bench.ask(FLUSH, 0, 0, 0)).toEqual([IO, 0]);
  });

  it('of which BARRIER waits for what is before it and holds back what follows', () => {
    const { bench, wire } = heldBench();
    bench.send(WRITE, bench.data(0, 1), 0, 1, 1);
    bench.send(BARRIER, 0, 0, 0, 2);
    bench.send(WRITE, bench.data(1, 2), 0, 1, 3);
    bench.settle();
    expect(wire.waiting.length).toBe(1);
    expect(bench.blk.counters.flushes).toBe(0);

    wire.waiting.shift()?.();
    bench.settle();
    expect(bench.blk.counters.flushes).toBe(1);
    wire.waiting.shift()?.();
    bench.settle();

    expect(bench.answers().map(([id]) => id)).toEqual([1, 2, 3]);
  });

  it('are done at once where the device writes through', () => {
    const bench = new Bench({ limits: { cache: 'none' } });
    expect(bench.ask(FLUSH, 0, 0, 0)).toEqual([OK, 0]);
    expect(bench.ask(BARRIER, 0, 0, 0)).toEqual([OK, 0]);
    expect(bench.blk.counters.flushes).toBe(0);
  });
});

describe('errors', () => {
  it('of one sector fail its request alone, with an exact count', () => {
    const sector = 3 * 8 + 2;
    const bench = new Bench({
      wrap: (disk) => new FaultyWire(disk, [{ kind: 'dead-sector', sector }]),
    });

    bench.send(READ, bench.data(0, 0), 0, 8, 1);
    bench.send(READ, bench.data(8, 0), 4, 4, 2);
    bench.settle();

    expect(bench.answers().toSorted(([a], [b]) => a - b)).toEqual([
      [1, IO, 3],
      [2, OK, 4],
    ]);
  });

  it('that pass are tried again as often as configured', () => {
    const wrap = (disk: BlockWire): BlockWire =>
      new FaultyWire(disk, [{ kind: 'transient-error', sector: 0, times: 2 }]);

    const patient = new Bench({ retries: 2, wrap });
    const hasty = new Bench({ retries: 1, wrap });

    expect(patient.ask(WRITE, patient.data(0, 1), 0, 1)).toEqual([OK, 1]);
    expect(hasty.ask(WRITE, hasty.data(0, 1), 0, 1)).toEqual([IO, 0]);
  });

  it('of a medium that shrank are reported, and the new size published', () => {
    let faulty: FaultyWire | undefined;
    const bench = new Bench({ wrap: (disk) => (faulty = new FaultyWire(disk)) });

    faulty?.shrinkTo(16 * 8);
    bench.settle();

    expect(readStorageInfo(bench.info()).capacity).toBe(16);
    expect(bench.ask(READ, bench.data(0, 0), 16, 1)).toEqual([IO, 0]);
  });
});

describe('a device that lies', () => {
  /** Makes two requests, lets `lie` write into the rings, and interrupts. */
  function afterLie(lie: (bench: Bench, usedAt: number) => void): Bench {
    const { bench } = heldBench();
    bench.send(WRITE, bench.data(0, 1), 0, 1, 1);
    bench.send(WRITE, bench.data(1, 2), 1, 1, 2);
    bench.settle();
    // 128 entries: descriptors 2048 bytes, available ring 6 + 256 bytes, used ring aligned to 4.
    lie(bench, 2048 + 264);
    bench.driver.raise(IRQ);
    bench.system.run();
    bench.settle();
    return bench;
  }
  const LIES: readonly [string, (bench: Bench, usedAt: number) => void][] = [
    ['index ahead', (bench, used) => bench.system.region('rings').write16(used + 2, 9)],
    [
      'id that is not outstanding',
      (bench, used) => {
        const rings = bench.system.region('rings');
        rings.write32(used + 4 + 8, 99);
        rings.write16(used + 2, rings.read16(used + 2) + 1);
      },
    ],
    [
      'id out of range',
      (bench, used) => {
        const rings = bench.system.region('rings');
        rings.write32(used + 4 + 8, 0xffff_ffff);
        rings.write16(used + 2, rings.read16(used + 2) + 1);
      },
    ],
    [
      'length larger than the buffer',
      (bench, used) => {
        const rings = bench.system.region('rings');
        rings.write32(used + 4 + 8, 0);
        rings.write32(used + 8 + 8, 99_999);
        rings.write16(used + 2, rings.read16(used + 2) + 1);
      },
    ],
  ];

  it.each(LIES)('about its used ring (%s) is reset, and works again', (_name, lie) => {
    const bench = afterLie(lie);

    expect(bench.answers().toSorted(([a], [b]) => a - b)).toEqual([
      [1, IO, 0],
      [2, IO, 0],
    ]);
    expect(bench.driver.logged.join()).toContain('reset');
    expect(bench.ask(FLUSH, 0, 0, 0)).toEqual([OK, 0]);
  });

  it('by a request that never completes is reset when the watchdog has ticked long enough', () => {
    const bench = new Bench({
      wrap: (disk) => new FaultyWire(disk, [{ kind: 'stuck', sector: 8 }]),
    });
    bench.send(READ, bench.data(0, 0), 1, 1, 5);
    bench.send(READ, bench.data(1, 0), 2, 1, 6);
    bench.settle();
    expect(bench.answers()).toEqual([[6, OK, 1]]);

    for (let tick = 0; tick < WATCHDOG_TICKS; tick += 1) bench.timeOut();
    expect(bench.answers()).toEqual([]);
    bench.timeOut();

    expect(bench.answers()).toEqual([[5, IO, 0]]);
    expect(bench.ask(READ, bench.data(0, 0), 1, 1)).toEqual([OK, 1]);
  });

  it('with a status byte that makes no sense fails the request', () => {
    const { bench, wire } = heldBench();
    bench.send(READ, bench.data(0, 0), 1, 1, 5);
    bench.settle();
    wire.waiting.shift()?.();
    // The device has finished; before its turn publishes, the status byte is spoilt. 128 entries:
    // chains at 3344.
    const rings = bench.system.region('rings');
    for (let chain = 0; chain < 128; chain += 1) rings.write8(3344 + chain * 48 + 32, 0x55);
    bench.settle();

    expect(bench.answers()).toEqual([[5, IO, 0]]);
  });

  it('now and then, and serves batches in between, is not given up', () => {
    const bench = new Bench();
    const used = 2048 + 264;
    for (let round = 0; round < 12; round += 1) {
      for (let id = 1; id <= 5; id += 1) bench.requests.enqueue(READ, bench.data(id, 0), id, 1, id);
      bench.send(READ, bench.data(6, 0), 6, 1, 6);
      bench.settle();
      expect(bench.answers()).toEqual([1, 2, 3, 4, 5, 6].map((id) => [id, OK, 1]));
      const rings = bench.system.region('rings');
      rings.write16(used + 2, rings.read16(used + 2) + 100);
      bench.driver.raise(IRQ);
      bench.system.run();
      bench.settle();
    }

    expect(bench.driver.logged.filter((line) => line.includes('reset'))).toHaveLength(12);
  });

  it('and does not stop is given up: no device', () => {
    const bench = new Bench();
    const used = 2048 + 264;
    for (let i = 0; i < 20; i += 1) {
      const rings = bench.system.region('rings');
      rings.write16(used + 2, rings.read16(used + 2) + 100);
      bench.driver.raise(IRQ);
      bench.system.run();
    }
    bench.settle();

    expect(isStorageReady(bench.info())).toBe(false);
    expect(bench.ask(READ, bench.data(0, 0), 0, 1)).toEqual([NO_DEVICE, 0]);
  });
});
