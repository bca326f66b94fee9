/**
 * Generator, NIC, interrupt controller and virtual clock together: a mock driver echoes each frame
 * in its interrupt handler. The same options give the same run, and nothing is lost or left over.
 */

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { Board, virtioPlace } from '../board.ts';
import type { EthernetWire } from '../ethernet.ts';
import { type Impairment, ImpairedWire } from '../links/impair.ts';
import { TrafficGenerator } from '../links/generator.ts';
import { Random } from '../random.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { MockDriver } from '../../test/support/mock-driver.ts';
import { VirtioNet } from './net.ts';

const EVENT_IDX = 29;
const VERSION_1 = 32;
const HEADER_BYTES = 12;
const BUFFERS = 32;
const HANDLER_NS = 700;

const SOURCE = { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), ip: 0x0a00_0202, port: 40_000 };
const TARGET = { mac: Uint8Array.of(2, 0, 0, 0, 0, 0xa), ip: 0x0a00_020f, port: 7 };

interface RunOptions {
  readonly frames: number;
  readonly impairment?: Impairment;
  readonly startIndex?: number;
}

function echoRun(options: RunOptions) {
  const ram = new Ram({ sizeBytes: 1 << 20, stagingBytes: 1 << 22 });
  const clock = new VirtualClock();
  const board = new Board({ ram, clock });
  const random = new Random(11);
  const generator = new TrafficGenerator({
    ram,
    clock,
    random: random.fork('generator'),
    source: SOURCE,
    targets: [TARGET],
    frameBytes: 128,
    window: 16,
    burst: 4,
    frames: options.frames,
    timeoutNs: 1_000_000,
    verify: 'payload',
  });
  const plan = options.impairment;
  const wire: EthernetWire =
    plan === undefined
      ? generator
      : new ImpairedWire({ wire: generator, ram, clock, random, toNic: plan, fromNic: plan });
  const place = virtioPlace(0);
  const startIndex = options.startIndex ?? 0;
  const net = new VirtioNet({
    name: 'net',
    wire,
    ram,
    dma: board.dmaWindow(),
    irqLine: board.irqLine(place.irq),
    lint: board.lint,
    turns: board.turns,
    mac: TARGET.mac,
    startIndex,
  });
  board.attach('net', place, net.transport);
  board.enableIrq(place.irq);
  const driver = new EchoDriver(new MockDriver({ device: net.transport, ram, startIndex }), ram);
  generator.start();
  while (board.advance(Infinity) === 'event') {
    const irq = board.claimIrq();
    if (irq === 0) continue;
    board.charge(HANDLER_NS);
    driver.handleIrq();
    board.completeIrq(irq);
  }
  return { board, net, generator, driver };
}

/** Sends every received frame back with its addresses swapped, from the buffer it came in. */
class EchoDriver {
  readonly #driver: MockDriver;
  readonly #ram: Ram;
  readonly #rx;
  readonly #tx;
  readonly #bufferOfRx = new Map<number, number>();
  readonly #bufferOfTx = new Map<number, number>();

  constructor(driver: MockDriver, ram: Ram) {
    this.#driver = driver;
    this.#ram = ram;
    driver.negotiate(EVENT_IDX, VERSION_1);
    this.#rx = driver.setUpQueue(0, BUFFERS);
    this.#tx = driver.setUpQueue(1, BUFFERS);
    driver.driverOk();
    for (let i = 0; i < BUFFERS; i++) this.#post(driver.memory(2048));
  }

  /** Buffers that the device or this driver has: none may get lost. */
  get buffers(): number {
    return this.#bufferOfRx.size + this.#bufferOfTx.size;
  }

  handleIrq(): void {
    this.#driver.acknowledge();
    for (const used of this.#tx.drainUsed()) {
      const at = this.#bufferOfTx.get(used.id);
      this.#bufferOfTx.delete(used.id);
      this.#post(at ?? -1);
    }
    for (const used of this.#rx.drainUsed()) {
      const at = this.#bufferOfRx.get(used.id) ?? -1;
      this.#bufferOfRx.delete(used.id);
      this.#swap(at + HEADER_BYTES);
      const segment = { at, lengthBytes: used.lengthBytes, access: 'readable' as const };
      this.#bufferOfTx.set(this.#tx.add(segment), at);
    }
    // Interrupts for the next of each.
    this.#rx.usedEvent = this.#rx.usedIdx;
    this.#tx.usedEvent = this.#tx.usedIdx;
    this.#driver.notify(1);
  }

  #post(at: number): void {
    const segment = { at, lengthBytes: 2048, access: 'writable' as const };
    this.#bufferOfRx.set(this.#rx.add(segment), at);
  }

  #swap(at: number): void {
    for (const [a, b, lengthBytes] of [
      [0, 6, 6],
      [26, 30, 4],
      [34, 36, 2],
    ] as const) {
      const first = this.#ram.u8.slice(at + a, at + a + lengthBytes);
      this.#ram.u8.copyWithin(at + a, at + b, at + b + lengthBytes);
      this.#ram.u8.set(first, at + b);
    }
  }
}

describe('generator, NIC and an echoing driver', () => {
  it('bring every frame back, byte for byte', () => {
    const { generator, net, driver, board } = echoRun({ frames: 500 });
    expect(generator.counters).toMatchObject({ sent: 500, answered: 500, lost: 0, corrupt: 0 });
    expect(net.counters).toMatchObject({ rxFrames: 500, txFrames: 500 });
    expect(Object.values(net.counters.drops).every((count) => count === 0)).toBe(true);
    expect(driver.buffers).toBe(BUFFERS);
    expect(generator.over).toBe(true);
    expect(board.lint.entries()).toEqual([]);
    // The device's latency after the notification is the least that a round trip can take.
    expect(generator.roundTrip.min).toBeGreaterThanOrEqual(1000);
  });

  it('repeat a run exactly', () => {
    const result = () => {
      const { generator, net, board } = echoRun({ frames: 300, impairment: { loss: 0.1 } });
      return [board.now(), generator.counters, generator.roundTrip.summary(), net.snapshot()];
    };
    expect(result()).toEqual(result());
  });

  it('come through loss, duplicates, reordering and corruption without losing a buffer', () => {
    const impairment = {
      loss: 0.05,
      duplicate: 0.05,
      reorder: 0.1,
      reorderNs: 20_000,
      corrupt: 0.05,
      truncate: 0.02,
      delayNs: 500,
      jitterNs: 300,
    };
    const { generator, driver, board } = echoRun({ frames: 1000, impairment });
    const { sent, answered, lost, dropped } = generator.counters;
    expect(sent).toBe(1000);
    expect(answered + lost + dropped).toBe(1000);
    expect(answered).toBeGreaterThan(600);
    expect(lost).toBeGreaterThan(50);
    expect(generator.counters.unexpected).toBeGreaterThan(0);
    expect(driver.buffers).toBe(BUFFERS);
    expect(board.nextEventAt()).toBe(Infinity);
  });

  it('wrap every index', () => {
    const { generator } = echoRun({ frames: 200, startIndex: 65_530 });
    expect(generator.counters).toMatchObject({ sent: 200, answered: 200 });
  });
});
