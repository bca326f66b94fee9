/**
 * Goal: the NIC and the generator do the same by their loops in WebAssembly as by their steps, byte
 * for byte, whatever a driver writes. Method: two boards, of which one has the loops, are driven in
 * the same way at random: good chains, chains with a damaged word, answers, damaged answers,
 * answers that come twice. After each turn all of RAM and all counters are compared.
 *
 * SDDF_LOOP_SEEDS: how many seeds.
 */

import { describe, expect, it, vi } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { MockDriver, type MockQueue } from '../../test/support/mock-driver.ts';
import { Board, virtioPlace } from '../board.ts';
import { TrafficGenerator } from '../links/generator.ts';
import { writeUdpFrame } from '../links/udp-frame.ts';
import { Random } from '../random.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { DeviceQueue } from './device-queue.ts';
import type { MakeQueue } from './mmio.ts';
import { VirtioNet } from './net.ts';

const SEEDS = Number(process.env['SDDF_LOOP_SEEDS'] ?? 150);
const TURNS = 25;
const INDIRECT_DESC = 28;
const EVENT_IDX = 29;
const VERSION_1 = 32;
const ENTRIES = 16;
const HEADER_BYTES = 12;
const BUFFER_BYTES = 2048;
const FRAME_BYTES = 70;
const SOURCE = { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), ip: 0x0a00_0202, port: 40_000 };
const TARGETS = [10, 11].map((last) => ({
  mac: Uint8Array.of(2, 0, 0, 0, 0, last),
  ip: 0x0a00_0200 + last,
  port: 7,
}));
const MAGIC_AT = 42;

interface World {
  readonly ram: Ram;
  readonly board: Board;
  readonly net: VirtioNet;
  readonly generator: TrafficGenerator;
  readonly driver: MockDriver;
  readonly queues: readonly [MockQueue, MockQueue];
  /** Of each queue and entry: indirect table, header, buffer. */
  readonly chains: readonly (readonly Chain[])[];
}

interface Chain {
  readonly table: number;
  readonly header: number;
  readonly buffer: number;
}

function makeWorld(ram: Ram, seed: number, makeQueue?: MakeQueue): World {
  const clock = new VirtualClock();
  const board = new Board({ ram, clock });
  const random = new Random(seed);
  const startIndex = 65_536 - 1 - random.below(8);
  const generator = new TrafficGenerator({
    ram,
    clock,
    random: random.fork('generator'),
    source: SOURCE,
    targets: TARGETS,
    frameBytes: FRAME_BYTES,
    window: 16,
    burst: 1 + random.below(8),
    roundTrips: random.below(2) === 0 ? 'measured' : 'unmeasured',
  });
  const place = virtioPlace(0);
  const net = new VirtioNet({
    name: 'net',
    wire: generator,
    ram,
    dma: board.dmaWindow([{ paddr: ram.base, sizeBytes: ram.sizeBytes - 4096 }]),
    irqLine: board.irqLine(place.irq),
    lint: board.lint,
    turns: board.turns,
    mac: SOURCE.mac,
    startIndex,
    framesPerTurn: 12,
    whenNoBuffer: random.below(2) === 0 ? 'hold' : 'drop',
    ...(makeQueue === undefined ? {} : { makeQueue }),
  });
  board.attach('net', place, net.transport);
  const driver = new MockDriver({ device: net.transport, ram, startIndex });
  driver.negotiate(INDIRECT_DESC, EVENT_IDX, VERSION_1);
  const queues = [driver.setUpQueue(0, ENTRIES), driver.setUpQueue(1, ENTRIES)] as const;
  const chains = queues.map((queue, index) =>
    Array.from({ length: ENTRIES }, (_, entry) => layChain(driver, queue, entry, index === 0)),
  );
  driver.driverOk();
  generator.start();
  return { ram, board, net, generator, driver, queues, chains };
}

function layChain(driver: MockDriver, queue: MockQueue, entry: number, isRx: boolean): Chain {
  const chain = {
    table: driver.memory(32),
    header: driver.memory(16),
    buffer: driver.memory(BUFFER_BYTES),
  };
  driver.ram.fill(chain.header, 0, HEADER_BYTES);
  const write = isRx ? 2 : 0;
  const at = (offset: number): number => driver.paddr(offset);
  queue.setDescriptor(entry, { low: at(chain.table), lengthBytes: 32, flags: 4 });
  const header = { low: at(chain.header), lengthBytes: HEADER_BYTES, flags: 1 | write, next: 1 };
  queue.setDescriptor(0, header, chain.table);
  const buffer = { low: at(chain.buffer), lengthBytes: BUFFER_BYTES, flags: write };
  queue.setDescriptor(1, buffer, chain.table);
  return chain;
}

/** One thing that a driver does before the device has its turn: the same in both worlds. */
function act({ driver, queues, chains }: World, random: Random): void {
  const { ram } = driver;
  for (const index of [0, 1] as const) {
    const queue = queues[index];
    let avail = queue.availIdx;
    for (let count = random.below(8); count > 0; count -= 1) {
      const head = random.below(60) === 0 ? random.below(40) : random.below(ENTRIES);
      const chain = chains[index]?.[head];
      if (index === 1 && chain !== undefined) writeAnswer(driver, chain, random);
      if (chain !== undefined && random.below(12) === 0) damage(driver, queue, head, chain, random);
      ram.view.setUint16(queue.availAt + 4 + 2 * (avail & (ENTRIES - 1)), head, true);
      avail += 1;
    }
    if (random.below(200) === 0) avail += random.below(40);
    queue.availIdx = avail;
    queue.usedEvent = random.below(4) === 0 ? random.below(65_536) : queue.usedIdx;
    driver.notify(index);
  }
}

/** An answer to one of the generator's datagrams, mostly: of a length, with the descriptor's. */
function writeAnswer({ ram }: MockDriver, { table, buffer }: Chain, random: Random): void {
  const slot = random.below(20) === 0 ? random.u32() : random.below(16);
  const from = TARGETS[random.below(10) === 0 ? random.below(2) : slot % 2] as typeof SOURCE;
  ram.view.setUint32(buffer + MAGIC_AT + 4, slot);
  ram.view.setUint32(buffer + MAGIC_AT, random.below(20) === 0 ? random.u32() : 0x7344_4446);
  const length = random.below(15) === 0 ? 60 + random.below(30) : FRAME_BYTES;
  writeUdpFrame(ram, buffer, { from, to: SOURCE, identification: slot & 0xffff }, length);
  if (random.below(15) === 0) ram.u8[buffer + random.below(FRAME_BYTES)] = random.below(256);
  ram.view.setUint32(table + 24, length, true);
}

/** Another value in one word that the device reads. Some are set right again by chance. */
function damage(
  { ram }: MockDriver,
  { descAt }: MockQueue,
  head: number,
  { table, header, buffer }: Chain,
  random: Random,
): void {
  const ring = descAt + 16 * head;
  const [place, values] = [
    [ring, [table, table + 2, table + 16, ram.sizeBytes - 4096]],
    [ring + 8, [0, 16, 31, 32, 48, -1]],
    [ring + 12, [0, 1, 4, 5, 6, 4 | (1 << 16)]],
    [table + 4, [0, 0, 1, -1]],
    [table + 8, [0, 1, HEADER_BYTES, 4, 200, -1]],
    [table + 12, [0, 1 | (1 << 16), 3 | (1 << 16), 1 | (2 << 16), 5 | (1 << 16)]],
    [table, [header, header + 2, descAt, ram.sizeBytes]],
    [table + 16, [buffer, buffer + 1, descAt, descAt - 30, ram.sizeBytes - 4096, -4096]],
    [table + 24, [0, 13, 14, FRAME_BYTES, 1514, 1515, BUFFER_BYTES, -1]],
    [table + 28, [0, 1, 2, 3, 4, 2 | (9 << 16)]],
    [header, [0, 0, 1, 0x100, 0x1_0000]],
  ][random.below(11)] as [number, readonly number[]];
  const isAddress = place === ring || place === table || place === table + 16;
  const value = values[random.below(values.length)] as number;
  ram.view.setInt32(place, (isAddress ? value + ram.base : value) | 0, true);
}

/** Makes good chains available to be sent, and gives the device its turn. */
function send(
  { board, driver, queues, chains }: World,
  heads: readonly number[],
  lengths: readonly number[] = [],
): void {
  const queue = queues[1];
  for (const [index, head] of heads.entries()) {
    const chain = chains[1]?.[head];
    const length = lengths[index] ?? FRAME_BYTES;
    if (chain !== undefined) driver.ram.view.setUint32(chain.table + 24, length, true);
    const slot = (queue.availIdx + index) & (ENTRIES - 1);
    driver.ram.view.setUint16(queue.availAt + 4 + 2 * slot, head, true);
  }
  queue.availIdx += heads.length;
  driver.notify(1);
  board.advance(board.now() + 100_000);
}

function state({ net, generator, board }: World): unknown {
  const { counters, roundTrip } = generator;
  return [net.snapshot(), { ...counters }, roundTrip.summary(), board.lint];
}

describe('the loops of the NIC and of the generator', () => {
  const rams = (['wasm', 'steps'] as const).map(
    (batches) => new Ram({ sizeBytes: 1 << 18, stagingBytes: 1 << 18, batches }),
  ) as [Ram, Ram];

  it(`do what the steps do (${SEEDS} seeds)`, { timeout: 900_000 }, () => {
    const runLoop = vi.spyOn(DeviceQueue.prototype, 'runLoop');
    let answered = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      for (const ram of rams) ram.clear();
      const worlds = rams.map((ram) => makeWorld(ram, seed)) as [World, World];
      for (let turn = 0; turn < TURNS; turn += 1) {
        for (const world of worlds) {
          act(world, new Random(seed * 1000 + turn));
          world.board.advance(world.board.now() + 100_000);
        }
        const [loops, steps] = worlds;
        const bytes = ({ ram }: World): Uint8Array => ram.u8.subarray(0, ram.sizeBytes);
        const where = `seed ${seed}, turn ${turn}`;
        expect(Buffer.compare(bytes(loops), bytes(steps)), where).toBe(0);
        expect(state(loops), where).toEqual(state(steps));
      }
      answered += worlds[0].generator.counters.answered;
    }
    const byLoops = runLoop.mock.results.reduce((sum, { value }) => sum + Number(value), 0);
    runLoop.mockRestore();
    expect(answered).toBeGreaterThan(2 * SEEDS);
    expect(byLoops).toBeGreaterThan(10 * SEEDS);
  });

  describe.each(rams)('with batches by $batches', (ram) => {
    function makeScene(): { world: World; tx: DeviceQueue } {
      ram.clear();
      const made: DeviceQueue[] = [];
      const world = makeWorld(ram, 1, (options) => {
        const queue = new DeviceQueue(options);
        made.push(queue);
        return queue;
      });
      return { world, tx: made[1] as DeviceQueue };
    }

    it('read no descriptor behind the table, however good it is', () => {
      const { world, tx } = makeScene();
      const { descAt } = world.queues[1];
      const place = world.chains[1]?.[ENTRIES - 1]?.buffer ?? 0;
      const beyond = Math.ceil((place - descAt) / 16);
      ram.copy(descAt + 16 * beyond, descAt, 16);
      send(world, [0, 1, 2, beyond]);
      expect([tx.brokenRule, world.net.counters.txFrames]).toEqual([2, 3]);
    });

    it('send no frame that is shorter than its header or longer than a wire takes', () => {
      const { world } = makeScene();
      send(world, [0, 1, 2, 3, 4, 5], [14, 13, 1514, 1515, 0, 60]);
      const { txFrames, drops } = world.net.counters;
      expect([txFrames, drops.txTooShort, drops.txTooLong]).toEqual([3, 2, 1]);
    });

    it('use no chain that the device still has', () => {
      const { world, tx } = makeScene();
      const { queues, net } = world;
      ram.view.setUint16(queues[1].availAt + 4 + 2 * (queues[1].availIdx & (ENTRIES - 1)), 5, true);
      queues[1].availIdx += 1;
      expect(tx.pop()).toBe(5);
      send(world, [0, 1, 2, 5]);
      expect([tx.brokenRule, net.counters.txFrames]).toEqual([7, 3]);
    });
  });
});
