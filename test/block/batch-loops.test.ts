/**
 * Goal: driver and virtualiser of the block path do the same by the loops over batches as by their
 * steps, byte for byte. Method: two systems, of which one has the loops, meet the same random
 * requests of two clients, good ones and damaged ones, a device that finishes in any order and lies
 * now and then, and clients that write random bytes over their queues. After each burst all memory,
 * the disk and what was logged are compared.
 *
 * SDDF_LOOP_SEEDS: how many seeds of each kind.
 */

import { describe, expect, it } from 'vitest';
import { MemoryDisk } from '../../board/block/memory-disk.ts';
import { ReadOnlyWire } from '../../board/block/read-only.ts';
import { BlockWrapper } from '../../board/block-wire.ts';
import { RangedDmaWindow } from '../../board/dma.ts';
import { LintLog } from '../../board/lint.ts';
import { Random } from '../../board/random.ts';
import { VirtioBlk } from '../../board/virtio/blk.ts';
import { main as driver } from '../../drivers/blk/virtio/driver.ts';
import type { Batches } from '../../memory/ram.ts';
import type { BlkPolicyConfig } from '../../queues/blk/config.ts';
import { requestQueueBytes, responseQueueBytes } from '../../queues/blk/layout.ts';
import { BlkRequestProducer } from '../../queues/blk/request-queue.ts';
import { BlkResponseConsumer, emptyResponse } from '../../queues/blk/response-queue.ts';
import { virtqueueLayout } from '../../queues/virtio/split-ring.ts';
import { main as virtualiser } from '../../virtualisers/blk/virt.ts';
import { type BarePd, BareSystem } from '../support/bare-system.ts';

const SEEDS = Number(process.env['SDDF_LOOP_SEEDS'] ?? 6);
const BURSTS = 40;
const BLOCK = 4096;
const DISK_BLOCKS = 32;
const DATA_BLOCKS = 8;
const CAPACITY = 16;
const DRIVER_CAPACITY = 32;
const RING_ENTRIES = 16;
/** Of a status byte in the memory of its chain. */
const STATUS_OFFSET = 32;
const IRQ = 1;
const CLIENTS = [0, 1] as const;
const POLICIES: readonly BlkPolicyConfig[] = [
  { kind: 'round-robin' },
  { kind: 'strict' },
  { kind: 'drr', quantumBytes: 8192 },
];

/** As the memory that it is, but not for a device's own loop: `board/virtio/blk-loops.test.ts`. */
class SlowDisk extends BlockWrapper {}

type Mischief = 'none' | 'requests' | 'queues' | 'between' | 'device';

class World {
  readonly system: BareSystem;
  readonly disk: MemoryDisk;
  readonly blk: VirtioBlk;
  readonly pds: readonly BarePd[];
  readonly #random: Random;
  readonly #mischief: Mischief;
  readonly #virt: BarePd;
  readonly #driver: BarePd;
  readonly #clients: readonly ClientEnd[];
  #isDue = false;
  #line = false;
  #usedIdx = 0;

  constructor(batches: Batches, seed: number, mischief: Mischief) {
    const system = new BareSystem({ ramBytes: 1 << 20, stagingBytes: 1 << 19, batches });
    this.system = system;
    this.#random = new Random(seed);
    this.#mischief = mischief;
    system.addRegion('rings', 16_384);
    system.addRegion('table', 8192);
    for (const name of ['driver_stats', 'virt_stats']) system.addRegion(name, 4096);
    addConnection(system, 'driver', DRIVER_CAPACITY);
    for (const client of CLIENTS) {
      addConnection(system, `client${client}`, CAPACITY);
      system.addRegion(`data${client}`, DATA_BLOCKS * BLOCK);
    }
    this.disk = new MemoryDisk(system.ram, DISK_BLOCKS * BLOCK);
    const slow = new SlowDisk(this.disk);
    this.blk = new VirtioBlk({
      name: 'blk',
      wire: seed % 4 === 0 ? new ReadOnlyWire(slow) : slow,
      ram: system.ram,
      dma: new RangedDmaWindow(system.ram, [
        { paddr: system.ram.base, sizeBytes: system.ram.sizeBytes },
      ]),
      irqLine: { raise: () => (this.#line = true), lower: () => (this.#line = false) },
      lint: new LintLog(),
      turns: { markDue: () => (this.#isDue = true) },
      // Two pieces of two blocks are what it takes of a request.
      limits: { sizeMax: 2 * BLOCK, segMax: 2 },
    });
    this.#driver = this.#addDriver();
    this.#virt = this.#addVirt(seed);
    this.#driver.connect(0, this.#virt, 0);
    const peers = CLIENTS.map((client) => {
      const peer = system.addPd({
        name: `client${client}`,
        priority: 1,
        config: {},
        program: () => ({ notified: () => undefined }),
      });
      this.#virt.connect(client + 1, peer, 0);
      return peer;
    });
    this.pds = [this.#driver, this.#virt, ...peers];
    this.#clients = CLIENTS.map((client) => new ClientEnd(system, client));
    system.start();
    this.#settle();
  }

  #addDriver(): BarePd {
    const { system } = this;
    return system.addPd({
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
        ringEntries: RING_ENTRIES,
        retries: 1,
        stats: 'driver_stats',
        virt: connection('driver', DRIVER_CAPACITY, 0),
      },
    });
  }

  #addVirt(seed: number): BarePd {
    const { system } = this;
    const vars = Object.fromEntries(
      ['table', 'data0', 'data1'].map((name) => [`${name}_paddr`, system.paddr(name)]),
    );
    return system.addPd({
      name: 'virt',
      priority: 100,
      program: virtualiser,
      vars,
      config: {
        driver: connection('driver', DRIVER_CAPACITY, 0),
        table: { region: 'table', paddrSymbol: 'table_paddr' },
        window: 5 + (seed % 20),
        policy: POLICIES[seed % 3] as BlkPolicyConfig,
        stats: 'virt_stats',
        clients: CLIENTS.map((client) => ({
          name: `client${client}`,
          connection: connection(`client${client}`, CAPACITY, client + 1),
          data: { region: `data${client}`, paddrSymbol: `data${client}_paddr` },
          partition: 'whole' as const,
        })),
      },
    });
  }

  burst(): void {
    const random = this.#random;
    // Now and then one client alone, and now and then both.
    const busy = random.below(3);
    for (const [index, client] of this.#clients.entries()) {
      if (busy !== index && busy !== 2) continue;
      client.send(random, this.#mischief !== 'none');
      if (this.#mischief === 'queues' && index === 1) client.scribble(random);
      this.#virt.raise(index + 1);
    }
    if (this.#mischief === 'between' && random.below(3) === 0) this.#intrude();
    this.system.run();
    // The device may be slow: requests then wait, of both clients.
    if (random.below(3) > 0) this.#settle();
    for (const client of this.#clients) if (random.below(5) > 0) client.take();
  }

  /** Lets device and driver work until both are quiet. */
  #settle(): void {
    for (let i = 0; i < 200 && (this.#isDue || this.#line); i += 1) {
      if (this.#isDue) {
        this.#isDue = false;
        const unwritten = this.#statusBytes().slice();
        this.blk.work();
        this.#disturb(unwritten);
      }
      if (this.#line) this.#driver.raise(IRQ);
      this.system.run();
    }
  }

  /** What has been finished stands in another order; now and then something is a lie. */
  #disturb(unwritten: Uint8Array): void {
    const random = this.#random;
    const { ram } = this.system;
    const { used } = virtqueueLayout(RING_ENTRIES);
    const usedAt = this.system.paddr('rings') - ram.base + used;
    const idx = ram.view.getUint16(usedAt + 2, true);
    const element = (index: number): number => usedAt + 4 + 8 * (index % RING_ENTRIES);
    const from = idx < this.#usedIdx ? 0 : this.#usedIdx;
    this.#usedIdx = idx;
    for (let index = from; index + 1 < idx; index += 1) {
      const other = index + random.below(idx - index);
      const [one, two] = [element(index), element(other)];
      const [first, second] = [ram.view.getBigUint64(one), ram.view.getBigUint64(two)];
      ram.view.setBigUint64(one, second);
      ram.view.setBigUint64(two, first);
    }
    if (this.#mischief !== 'device' || idx === from) return;
    const chosen = element(from + random.below(idx - from));
    const id = ram.view.getUint32(chosen, true);
    const status = 48 * id + STATUS_OFFSET;
    const kind = random.below(30);
    if (kind === 0) ram.view.setUint32(chosen, random.below(2 * RING_ENTRIES), true);
    else if (kind === 1) ram.view.setUint32(chosen + 4, random.below(20_000), true);
    else if (kind === 2) ram.view.setUint16(usedAt + 2, idx + random.below(40), true);
    else if (kind === 3) ram.view.setUint32(chosen, random.u32(), true);
    else if (kind < 8) this.#statusBytes()[status] = unwritten[status] as number;
    else if (kind < 12) this.#statusBytes()[status] = 1 + random.below(3);
  }

  /** The driver's memory of headers and status bytes, behind the rings. */
  #statusBytes(): Uint8Array {
    const { ringsBytes } = virtqueueLayout(RING_ENTRIES);
    const at = this.system.paddr('rings') - this.system.ram.base + ringsBytes;
    return this.system.ram.u8.subarray(at, at + 48 * RING_ENTRIES);
  }

  /** Whoever it is writes into the queues between virtualiser and driver, and notifies both. */
  #intrude(): void {
    const random = this.#random;
    const { system } = this;
    const requests = system.region('driver_requests');
    const responses = system.region('driver_responses');
    for (let left = random.below(6); left > 0; left -= 1) {
      const tail = requests.read32(4);
      const at = 16 + 32 * (tail % DRIVER_CAPACITY);
      requests.write32(at, random.below(4) === 0 ? random.below(8) : random.below(2));
      requests.write32(at + 8, system.paddr('data0') + BLOCK * random.below(4));
      requests.write32(at + 12, 0);
      requests.write32(at + 16, random.below(DISK_BLOCKS));
      requests.write32(at + 20, random.below(8) === 0 ? random.u32() : 0);
      requests.write32(at + 24, random.below(5));
      requests.write32(at + 28, random.below(40));
      requests.write32(4, tail + 1);
    }
    for (let left = random.below(6); left > 0; left -= 1) {
      const tail = responses.read32(4);
      const at = 8 + 12 * (tail % DRIVER_CAPACITY);
      responses.write32(at, random.below(8) === 0 ? random.below(5) : 0);
      responses.write32(at + 4, random.below(4));
      responses.write32(at + 8, random.below(9) === 0 ? random.u32() : random.below(40));
      responses.write32(4, tail + 1);
    }
    // Heads that leave little room. Whoever has a head writes it anew when it runs.
    const left = (): number => DRIVER_CAPACITY - random.below(8);
    if (random.below(2) === 0) requests.write32(0, requests.read32(4) - left());
    if (random.below(2) === 0) responses.write32(0, responses.read32(4) - left());
    if (random.below(2) === 0) this.#driver.raise(0);
    this.#virt.raise(0);
  }
}

function addConnection(system: BareSystem, name: string, capacity: number): void {
  system.addRegion(`${name}_requests`, requestQueueBytes(capacity));
  system.addRegion(`${name}_responses`, responseQueueBytes(capacity));
  system.addRegion(`${name}_info`, 4096);
  // Indices that go over the end of 32 bits.
  for (const queue of ['requests', 'responses']) {
    const region = system.region(`${name}_${queue}`);
    for (const index of [0, 4]) region.write32(index, 0xffff_fff0);
  }
}

function connection(name: string, capacity: number, channel: number) {
  return {
    storageInfo: `${name}_info`,
    requestQueue: `${name}_requests`,
    responseQueue: `${name}_responses`,
    ...{ capacity, channel },
  };
}

class ClientEnd {
  readonly #system: BareSystem;
  readonly #name: string;
  readonly #requests: BlkRequestProducer;
  readonly #responses: BlkResponseConsumer;
  #nextId = 1;

  constructor(system: BareSystem, client: number) {
    this.#system = system;
    this.#name = `client${client}`;
    this.#requests = new BlkRequestProducer(system.region(`${this.#name}_requests`), CAPACITY);
    this.#responses = new BlkResponseConsumer(system.region(`${this.#name}_responses`), CAPACITY);
  }

  /** Requests, of which some are damaged. */
  send(random: Random, isDamaged: boolean): void {
    const requests = this.#requests;
    if (random.below(10) === 0) requests.plug();
    else requests.unplug();
    for (let left = Math.min(requests.free(), random.below(CAPACITY)); left > 0; left -= 1) {
      const rarely = (chance: number, value: number): number =>
        isDamaged && random.below(chance) === 0 ? value : 0;
      const count = 1 + (random.below(4) === 0 ? random.below(6) : random.below(2));
      const offset = BLOCK * random.below(DATA_BLOCKS - count + 1);
      const block = random.below(DISK_BLOCKS - count + 1);
      requests.enqueue(
        random.below(20) === 0 ? random.below(8) : random.below(2),
        offset + rarely(20, random.below(2 * BLOCK)) + rarely(40, 2 ** 32) + rarely(30, 8 * BLOCK),
        block + rarely(20, random.below(2 * DISK_BLOCKS)) + rarely(40, 2 ** 32),
        count - rarely(30, count) + rarely(30, random.below(65_536)),
        this.#nextId++ + rarely(20, 2 ** 31),
      );
    }
    requests.publish();
  }

  /** Random bytes over its own queues. */
  scribble(random: Random): void {
    for (const queue of ['requests', 'responses']) {
      const region = this.#system.region(`${this.#name}_${queue}`);
      for (let i = 0; i < 4; i += 1) region.write8(random.below(400), random.below(256));
    }
  }

  take(): void {
    const response = emptyResponse();
    const responses = this.#responses;
    for (let left = responses.available(); left > 0; left -= 1) responses.dequeue(response);
    responses.release();
  }
}

describe.each<[string, Mischief]>([
  ['good requests', 'none'],
  ['damaged requests', 'requests'],
  ['random bytes in queues', 'queues'],
  ['random entries between virtualiser and driver', 'between'],
  ['a device that lies', 'device'],
])('%s', (_, mischief) => {
  it(`loops do what the steps do (${SEEDS} seeds)`, { timeout: 900_000 }, () => {
    let requests = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const worlds = [new World('wasm', seed, mischief), new World('steps', seed, mischief)];
      for (let number = 1; number <= BURSTS; number += 1) {
        for (const world of worlds) world.burst();
        const where = `seed ${seed}, burst ${number}`;
        for (const part of [
          ({ system }: World) => system.memory,
          ({ disk }: World) => disk.image(),
          ({ pds }: World) => Buffer.from(pds.map(({ logged }) => logged.join('\n')).join('\n')),
        ]) {
          const [one, other] = worlds.map(part) as [Uint8Array, Uint8Array];
          expect(Buffer.compare(one, other), where).toBe(0);
        }
      }
      requests += worlds[0]?.blk.counters.requests ?? 0;
    }
    expect(requests).toBeGreaterThan(100 * SEEDS);
  });
});
