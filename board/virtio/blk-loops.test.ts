/**
 * Goal: the block device does the same by its loop in WebAssembly as by its steps, byte for byte,
 * whatever a driver writes. Method: two devices, of which one has the loop, are driven in the same
 * way at random: good requests, requests with a damaged word, requests whose data lies over what
 * the device reads next. After each turn all of RAM, the disk and all counters are compared.
 *
 * SDDF_LOOP_SEEDS: how many seeds.
 */

import { describe, expect, it, vi } from 'vitest';
import { type Batches, Ram } from '../../memory/ram.ts';
import { MockDriver, type MockQueue } from '../../test/support/mock-driver.ts';
import { MemoryDisk } from '../block/memory-disk.ts';
import { ReadOnlyWire } from '../block/read-only.ts';
import { RangedDmaWindow } from '../dma.ts';
import { LintLog } from '../lint.ts';
import { Random } from '../random.ts';
import { VirtioBlk } from './blk.ts';
import { DeviceQueue } from './device-queue.ts';

const SEEDS = Number(process.env['SDDF_LOOP_SEEDS'] ?? 100);
const TURNS = 25;
const [FLUSH, INDIRECT_DESC, EVENT_IDX, VERSION_1] = [9, 28, 29, 32] as const;
const ENTRIES = 16;
const DISK_SECTORS = 64;
const SECTOR = 512;
const DATA_BYTES = 4 * SECTOR;
const OUTSIDE_BYTES = 4096;
/** virtio 1.2 §5.2.4: the longest segment that the device takes. */
const SIZE_MAX = 3 * SECTOR;

interface Scene {
  readonly ram: Ram;
  readonly disk: MemoryDisk;
  readonly blk: VirtioBlk;
  readonly lint: LintLog;
  readonly driver: MockDriver;
  readonly queue: MockQueue;
  readonly requests: readonly Request[];
  readonly turn: () => void;
}

/** Where the parts of a request lie. */
interface Request {
  readonly table: number;
  readonly header: number;
  readonly data: number;
  readonly status: number;
}

/** Every third driver writes through, every fifth disk is read-only by a wrapper. */
function makeScene(batches: Batches, seed: number): Scene {
  const ram = new Ram({ sizeBytes: 1 << 17, stagingBytes: 1 << 18, batches });
  const random = new Random(seed);
  const startIndex = 65_536 - 1 - random.below(8);
  const disk = new MemoryDisk(ram, DISK_SECTORS * SECTOR);
  disk.load(Uint8Array.from({ length: DISK_SECTORS * SECTOR }, () => random.below(256)));
  const lint = new LintLog();
  let isDue = false;
  const blk = new VirtioBlk({
    name: 'blk',
    wire: seed % 5 === 0 ? new ReadOnlyWire(disk) : disk,
    ram,
    dma: new RangedDmaWindow(ram, [{ paddr: ram.base, sizeBytes: ram.sizeBytes - OUTSIDE_BYTES }]),
    irqLine: { raise: () => undefined, lower: () => undefined },
    lint,
    turns: { markDue: () => (isDue = true) },
    limits: { sizeMax: SIZE_MAX },
    startIndex,
  });
  const driver = new MockDriver({ device: blk.transport, ram, startIndex });
  const writesBack = seed % 3 === 0 ? [] : [FLUSH];
  driver.negotiate(INDIRECT_DESC, EVENT_IDX, VERSION_1, ...writesBack);
  const queue = driver.setUpQueue(0, ENTRIES);
  const requests = Array.from({ length: ENTRIES }, () => ({
    table: driver.memory(48),
    header: driver.memory(16),
    data: driver.memory(DATA_BYTES),
    status: driver.memory(1),
  }));
  driver.driverOk();
  const turn = (): void => {
    if (isDue) blk.work();
    isDue = false;
  };
  return { ram, disk, blk, lint, driver, queue, requests, turn };
}

/** A good request, of one to three sectors. */
function write({ driver, queue }: Scene, head: number, request: Request, random: Random): void {
  const { ram } = driver;
  const type = random.below(2);
  const { table, header, data, status } = request;
  const part = (at: number, lengthBytes: number, flags: number, next: number) => ({
    ...{ low: driver.paddr(at), lengthBytes, flags, next },
  });
  queue.setDescriptor(head, part(table, 48, 4, 0));
  queue.setDescriptor(0, part(header, 16, 1, 1), table);
  queue.setDescriptor(1, part(data, SECTOR * (1 + random.below(3)), type === 0 ? 3 : 1, 2), table);
  queue.setDescriptor(2, part(status, 1, 2, 0), table);
  ram.view.setUint32(header, type, true);
  ram.view.setUint32(header + 8, random.below(DISK_SECTORS), true);
  ram.view.setUint32(header + 12, 0, true);
  ram.u8[status] = 0xff;
}

/** Another value in one word that the device reads. */
function damage(scene: Scene, head: number, request: Request, random: Random): void {
  const { driver, queue, requests, ram } = scene;
  if (random.below(16) === 0) return moveOntoRing(scene, request);
  const { table, header, data } = request;
  const ring = queue.descAt + 16 * head;
  const outside = ram.sizeBytes - OUTSIDE_BYTES;
  const other = requests[random.below(ENTRIES)] as Request;
  const [place, values] = [
    [ring, [table, table + 2, outside]],
    [ring + 8, [0, 16, 32, 47, 48, 64, -1]],
    [ring + 12, [0, 1, 4, 5, 6, 4 | (1 << 16)]],
    [table + 4, [0, 1, -1]],
    [table + 8, [0, 1, 15, 16, 17, 200, -1]],
    [table + 12, [0, 1 | (1 << 16), 3 | (1 << 16), 1 | (2 << 16), 5 | (1 << 16)]],
    [table, [header, header + 2, queue.descAt, outside - 4, outside]],
    // Over what it reads of another request, too.
    [
      table + 16,
      [data + 1, queue.descAt, outside - SECTOR, outside - 4, other.table, other.header],
    ],
    [table + 24, [0, 1, 511, SECTOR, SIZE_MAX, SIZE_MAX + SECTOR, 8 * SECTOR, -1]],
    [table + 28, [1 | (2 << 16), 3 | (2 << 16), 3 | (1 << 16), 2, 7 | (2 << 16)]],
    [table + 32, [other.status, other.header, queue.availAt, outside]],
    [table + 40, [0, 1, 2]],
    [table + 44, [0, 2, 3 | (1 << 16), 2 | (9 << 16)]],
    [header, [0, 1, 2, 4, 8, 11, 2 ** 31, 2 ** 31 + 1, -1]],
    [header + 8, [0, DISK_SECTORS - 1, DISK_SECTORS, DISK_SECTORS + 1, -1]],
    [header + 12, [0, 1, -1]],
  ][random.below(16)] as [number, readonly number[]];
  const isAddress = [ring, table, table + 16, table + 32].includes(place);
  const value = values[random.below(values.length)] as number;
  ram.view.setInt32(place, (isAddress ? driver.paddr(value) : value) | 0, true);
}

/** The header, a good one, lies in the descriptor table, where nobody may put it. */
function moveOntoRing({ driver, queue, ram }: Scene, { table, header }: Request): void {
  const at = queue.descAt + 16 * (ENTRIES - 1);
  ram.copy(at, header, 16);
  ram.view.setInt32(table, driver.paddr(at) | 0, true);
}

/** What a driver does before the device has its turn: the same in both scenes. */
function act(scene: Scene, random: Random): void {
  const { driver, queue, requests, ram } = scene;
  let avail = queue.availIdx;
  for (let count = random.below(10); count > 0; count -= 1) {
    const head = random.below(80) === 0 ? random.below(40) : (avail * 7) & (ENTRIES - 1);
    const request = requests[head];
    if (request !== undefined) {
      write(scene, head, request, random);
      if (random.below(10) === 0) damage(scene, head, request, random);
    }
    ram.view.setUint16(queue.availAt + 4 + 2 * (avail & (ENTRIES - 1)), head, true);
    avail += 1;
  }
  if (random.below(200) === 0) avail += random.below(40);
  queue.availIdx = avail;
  queue.usedEvent = random.below(4) === 0 ? random.below(65_536) : queue.usedIdx;
  driver.notify(0);
}

describe('the loop of the block device', () => {
  it(`does what the steps do (${SEEDS} seeds)`, { timeout: 900_000 }, () => {
    const runLoop = vi.spyOn(DeviceQueue.prototype, 'runLoop');
    let requests = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const scenes = [makeScene('wasm', seed), makeScene('steps', seed)] as const;
      for (let turn = 0; turn < TURNS; turn += 1) {
        for (const scene of scenes) {
          act(scene, new Random(seed * 1000 + turn));
          scene.turn();
        }
        const where = `seed ${seed}, turn ${turn}`;
        const [memories, disks] = [
          scenes.map(({ ram }) => ram.u8.subarray(0, ram.sizeBytes)),
          scenes.map(({ disk }) => disk.image()),
        ] as const;
        for (const [one, other] of [memories, disks]) {
          expect(Buffer.compare(one as Uint8Array, other as Uint8Array), where).toBe(0);
        }
        const [loop, steps] = scenes.map(({ blk, lint }) => [blk.counters, lint.entries()]);
        expect(loop, where).toEqual(steps);
      }
      requests += scenes[0].blk.counters.requests;
    }
    const byLoop = runLoop.mock.results.reduce((sum, { value }) => sum + Number(value), 0);
    runLoop.mockRestore();
    expect(requests).toBeGreaterThan(20 * SEEDS);
    expect(byLoop).toBeGreaterThan(10 * SEEDS);
  });
});
