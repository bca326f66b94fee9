/**
 * The board as the kernel sees it, and its parts: map, turns in both kinds of time, bus, DMA
 * windows, lint, chance.
 */

import { describe, expect, it } from 'vitest';
import type { MmioDevice } from '../memory/region.ts';
import { Ram } from '../memory/ram.ts';
import {
  Board,
  GOLDFISH_RTC_PLACE,
  NS16550A_PLACE,
  PL011_PLACE,
  PLIC_BASE,
  virtioPlace,
} from './board.ts';
import { Bus } from './bus.ts';
import type { Turn } from './device.ts';
import { DeviceFailure, GuardedDevice } from './device-failure.ts';
import { RangedDmaWindow } from './dma.ts';
import { GoldfishRtc } from './goldfish-rtc.ts';
import { HostClock } from './host-clock.ts';
import { LintLog } from './lint.ts';
import { Random } from './random.ts';
import { LiveTurns, VirtualTurns } from './turns.ts';
import { VirtualClock } from './virtual-clock.ts';

function virtualBoard(deviceLatencyNs = 1000): Board {
  const ram = new Ram({ sizeBytes: 1 << 16 });
  return new Board({ ram, clock: new VirtualClock(), deviceLatencyNs });
}

class Register implements MmioDevice {
  readonly log: string[] = [];

  read(offset: number, width: number): number {
    this.log.push(`read ${offset} ${width}`);
    return 0x1234;
  }

  write(offset: number, value: number, width: number): void {
    this.log.push(`write ${offset} ${value} ${width}`);
  }
}

describe('the map', () => {
  it('is that of the virt machine', () => {
    expect(PLIC_BASE).toBe(0x0c00_0000);
    expect(GOLDFISH_RTC_PLACE).toEqual({ base: 0x0010_1000, sizeBytes: 0x1000, irq: 11 });
    expect(NS16550A_PLACE).toEqual({ base: 0x1000_0000, sizeBytes: 0x100, irq: 10 });
    expect(PL011_PLACE).toEqual({ base: 0x1001_0000, sizeBytes: 0x1000, irq: 12 });
    expect(virtioPlace(0)).toEqual({ base: 0x1000_1000, sizeBytes: 0x1000, irq: 1 });
    expect(virtioPlace(7)).toEqual({ base: 0x1000_8000, sizeBytes: 0x1000, irq: 8 });
    expect(() => virtioPlace(8)).toThrow('0..7');
  });

  it('shows the kernel every device but the interrupt controller, in whole pages', () => {
    const board = virtualBoard();
    const uart = new Register();
    board.attach('uart', NS16550A_PLACE, uart);
    expect(board.deviceRanges).toEqual([{ base: 0x1000_0000, sizeBytes: 0x1000 }]);
    expect(board.deviceAt(0x1000_0004)).toMatchObject({ device: uart, base: 0x1000_0000 });
    expect(board.deviceAt(PLIC_BASE)).toBeUndefined();
    expect(board.deviceAt(0x2000_0000)).toBeUndefined();
    expect(board.irqMax).toBe(95);
  });

  it('fills virtio slots that nobody has with placeholders', () => {
    const board = virtualBoard();
    const taken = new Register();
    board.attach('net', virtioPlace(0), taken);
    board.fillVirtioSlots();
    expect(board.deviceAt(0x1000_1000)?.device).toBe(taken);
    const identity = [0, 4, 8].map((offset) => board.bus.read(0x1000_2000 + offset, 4));
    expect(identity).toEqual([0x7472_6976, 2, 0]);
    expect(board.deviceRanges).toHaveLength(8);
  });
});

describe('interrupts', () => {
  it('are presented, claimed and completed', () => {
    const board = virtualBoard();
    const line = board.irqLine(5);
    line.raise();
    expect(board.irqPending).toBe(false);
    board.enableIrq(5);
    expect(board.irqPending).toBe(true);
    expect(board.claimIrq()).toBe(5);
    expect(board.irqPending).toBe(false);
    board.completeIrq(5);
    expect(board.irqPending).toBe(true);
    board.disableIrq(5);
    expect(board.irqPending).toBe(false);
    expect(board.claimIrq()).toBe(0);
  });

  it('come at their time while the processor is charged', () => {
    const board = virtualBoard();
    const rtc = new GoldfishRtc({
      clock: board.clock,
      irqLine: board.irqLine(GOLDFISH_RTC_PLACE.irq),
      lint: board.lint,
      epochSeconds: 0,
    });
    board.attach('rtc', GOLDFISH_RTC_PLACE, rtc);
    board.enableIrq(GOLDFISH_RTC_PLACE.irq);
    board.bus.write(0x0010_1010, 1, 4);
    board.bus.write(0x0010_1008, 500, 4);
    board.charge(499);
    expect(board.irqPending).toBe(false);
    board.charge(1);
    expect(board.irqPending).toBe(true);
    expect(board.claimIrq()).toBe(11);
  });
});

describe('turns', () => {
  function worker(log: string[], name: string, then: () => void = () => undefined): Turn {
    return {
      work: () => {
        log.push(name);
        then();
      },
    };
  }

  it('live: run what is due once, in order; what is marked meanwhile waits', () => {
    const turns = new LiveTurns();
    const log: string[] = [];
    const a = worker(log, 'a');
    const b: Turn = worker(log, 'b', () => {
      turns.markDue(b);
      turns.markDue(a);
    });
    turns.markDue(b);
    turns.markDue(a);
    turns.markDue(b);
    expect(turns.work()).toBe(2);
    expect(log).toEqual(['b', 'a']);
    expect(turns.anyDue).toBe(true);
    expect(turns.work()).toBe(2);
    expect(log).toEqual(['b', 'a', 'b', 'a']);
  });

  it('virtual: each works a fixed latency after it was marked', () => {
    const clock = new VirtualClock();
    const turns = new VirtualTurns(clock, 100);
    const log: string[] = [];
    const a = worker(log, 'a', () => log.push(`${clock.now()}`));
    const b = worker(log, 'b');
    turns.markDue(a);
    clock.runUntil(60);
    turns.markDue(a);
    turns.markDue(b);
    clock.runUntil(159);
    expect(log).toEqual(['a', '100']);
    clock.runUntil(160);
    expect(log).toEqual(['a', '100', 'b']);
    expect(clock.nextEventAt()).toBe(Infinity);
  });

  it('of a live board refresh the clock, fire its events and let devices work', () => {
    let hostNs = 100;
    const ram = new Ram({ sizeBytes: 1 << 16 });
    const board = new Board({ ram, clock: new HostClock(() => hostNs) });
    const log: string[] = [];
    const device = worker(log, 'device');
    board.clock.schedule({ fire: () => board.turns.markDue(device) }, 50);
    expect(board.nextEventAt()).toBe(50);
    expect(board.turn()).toBe(0);
    hostNs = 150;
    expect(board.turn()).toBe(2);
    expect(log).toEqual(['device']);
    board.turns.markDue(device);
    expect(board.nextEventAt()).toBe(board.now());
    board.charge(1_000_000);
    expect(board.now()).toBe(50);
  });
});

describe('virtual time of an idle board', () => {
  it('goes from event to event, up to a limit', () => {
    const board = virtualBoard();
    const fired: number[] = [];
    board.clock.schedule({ fire: (nowNs) => fired.push(nowNs) }, 70);
    board.setDeadline(30);
    expect(board.advance(1000)).toBe('event');
    expect(board.now()).toBe(30);
    expect(board.advance(50)).toBe('quiet');
    expect(board.now()).toBe(50);
    expect(board.advance(Infinity)).toBe('event');
    expect(fired).toEqual([70]);
    expect(board.advance(Infinity)).toBe('quiet');
    expect(board.now()).toBe(70);
  });

  it("wakes for the kernel's deadline, also when the same one is asked for again", () => {
    const board = virtualBoard();
    board.setDeadline(10);
    board.setDeadline(10);
    board.setDeadline(20);
    expect(board.nextEventAt()).toBe(20);
    board.setDeadline(Infinity);
    expect(board.nextEventAt()).toBe(Infinity);
    board.setDeadline(10);
    expect(board.advance(Infinity)).toBe('event');
    board.setDeadline(10);
    expect(board.nextEventAt()).toBe(10);
  });

  it('lets a device that was marked due work after its latency', () => {
    const board = virtualBoard(250);
    const worked: number[] = [];
    board.turns.markDue({ work: () => worked.push(board.now()) });
    expect(worked).toEqual([]);
    expect(board.advance(Infinity)).toBe('event');
    expect(worked).toEqual([250]);
  });

  it('shows a snapshot of every device', () => {
    const board = virtualBoard();
    board.plic.setPriority(3, 1);
    expect(board.snapshot()).toMatchObject({
      nowNs: 0,
      busErrors: 0,
      devices: { plic: { sources: { 3: { priority: 1, level: 'low' } } } },
    });
  });
});

describe('bus', () => {
  it('hands accesses to the device of the page, with its own offsets', () => {
    const bus = new Bus(new LintLog());
    const a = new Register();
    const b = new Register();
    bus.attach({ name: 'a', base: 0x1000, sizeBytes: 0x2000, device: a });
    bus.attach({ name: 'b', base: 0x3000, sizeBytes: 0x20, device: b });
    expect(bus.read(0x2ffc, 4)).toBe(0x1234);
    bus.write(0x301f, 7, 1);
    expect(a.log).toEqual(['read 8188 4']);
    expect(b.log).toEqual(['write 31 7 1']);
  });

  it('counts accesses that no register answers', () => {
    const lint = new LintLog();
    const bus = new Bus(lint);
    const a = new Register();
    bus.attach({ name: 'a', base: 0x1000, sizeBytes: 0x20, device: a });
    expect(bus.read(0x101e, 4)).toBe(0);
    expect(bus.read(0x1001, 2)).toBe(0);
    bus.write(0x2000, 1, 4);
    expect(bus.errors).toBe(3);
    expect(a.log).toEqual([]);
    expect([lint.count('a', 'bus'), lint.count('bus', 'bus')]).toEqual([2, 1]);
  });

  it('gives a page to one device only', () => {
    const bus = new Bus(new LintLog());
    bus.attach({ name: 'a', base: 0x1000, sizeBytes: 0x20, device: new Register() });
    const second = { name: 'b', base: 0x1000, sizeBytes: 0x20, device: new Register() };
    expect(() => bus.attach(second)).toThrow('b is put on the page at 0x1000, which a has');
  });

  it('finds a device of many pages in each of them, and where it begins', () => {
    const bus = new Bus(new LintLog());
    const wide = { name: 'wide', base: 0x10_0000, sizeBytes: 0x10_0010, device: new Register() };
    const at = (base: number, sizeBytes = 0x20) =>
      ({ name: 'b', base, sizeBytes, device: new Register() }) as const;
    bus.attach(at(0xf_f000));
    bus.attach(wide);
    bus.attach(at(0x20_1000));
    const found = [0x10_0000, 0x17_1234, 0x20_0fff].map((paddr) => bus.deviceAt(paddr)?.name);
    expect(found).toEqual(['wide', 'wide', 'wide']);
    expect([bus.deviceAt(0xf_ffff)?.name, bus.deviceAt(0x20_1000)?.name]).toEqual(['b', 'b']);
    expect(bus.deviceAt(0x20_2000)).toBeUndefined();
    const taken = (page: string, owner: string): string => `page at ${page}, which ${owner} has`;
    expect(() => bus.attach(at(0x20_0000))).toThrow(taken('0x200000', 'wide'));
    expect(() => bus.attach(at(0xf_e000, 0x40_0000))).toThrow(taken('0xff000', 'b'));
    expect(() => bus.attach(at(0xf_0000, 0xf000 + 1))).toThrow(taken('0xff000', 'b'));
  });
});

describe('a device model that is not ours', () => {
  it('ends the run in its own name when it throws at who looks at it', () => {
    const failures: Error[] = [];
    const shy = new GuardedDevice(
      'mine',
      {
        read: () => 0,
        write: () => undefined,
        peek: () => {
          throw new Error('shy');
        },
      },
      (failure) => failures.push(failure),
    );
    expect(() => shy.peek(4, 4)).toThrow(DeviceFailure);
    expect(failures.map(({ message }) => message)).toEqual(['mine: peek(0x4, 4) threw: shy']);
  });
});

describe('DMA window', () => {
  const ram = new Ram({ sizeBytes: 1 << 16 });
  const page = (n: number) => ({ paddr: ram.base + n * 0x1000, sizeBytes: 0x1000 });

  it('translates what it was given, to the last byte', () => {
    const dma = new RangedDmaWindow(ram, [page(1), page(5)]);
    expect(dma.translate(ram.base + 0x1000, 0, 0x1000)).toBe(0x1000);
    expect(dma.translate(ram.base + 0x5fff, 0, 1)).toBe(0x5fff);
    expect(dma.translate((ram.base + 0x1004) | 0, 0, 4)).toBe(0x1004);
    expect(dma.translate(ram.base + 0x6000, 0, 0)).toBe(0x6000);
    expect(dma.refusals).toBe(0);
  });

  it('refuses everything else, and counts', () => {
    const dma = new RangedDmaWindow(ram, [page(1), page(5)]);
    const refused: [number, number, number][] = [
      [ram.base + 0xfff, 0, 1],
      [ram.base + 0x1fff, 0, 2],
      [ram.base + 0x2000, 0, 1],
      [ram.base + 0x1000, 1, 1],
      [ram.base + 0x1000, -1, 1],
      [0x1000, 0, 1],
      [0, 0, 1],
      [0xffff_ffff, 0, 2],
      [ram.base + 0x1000, 0, 0xffff_ffff],
      [ram.base + 0x1_0000, 0, 1],
    ];
    for (const [low, high, lengthBytes] of refused) {
      expect(dma.translate(low, high, lengthBytes)).toBe(-1);
    }
    expect(dma.refusals).toBe(refused.length);
  });

  it('joins ranges that touch, in whatever order they come', () => {
    const dma = new RangedDmaWindow(ram, [page(7), page(5), page(6), page(2)]);
    expect(dma.translate(ram.base + 0x5800, 0, 0x2000)).toBe(0x5800);
    expect(dma.translate(ram.base + 0x2800, 0, 0x1000)).toBe(-1);
    expect(() => dma.grant({ paddr: ram.base + 0xf000, sizeBytes: 0x2000 })).toThrow('outside RAM');
  });
});

describe('lint', () => {
  it('counts by device, clause and wording, and tells once', () => {
    const told: string[] = [];
    const lint = new LintLog({ onFirst: (entry) => told.push(entry.what) });
    lint.report('net', '§1', 'x');
    lint.report('net', '§1', 'x');
    lint.report('net', '§1', 'y');
    lint.report('blk', '§1', 'x');
    expect(lint.count('net', '§1')).toBe(3);
    expect(lint.total).toBe(4);
    expect(told).toEqual(['x', 'y', 'x']);
  });

  it('says who was first, by the access that is under way or by whose device it is', () => {
    const accessors = ['driver', 'other'].values();
    const witness = {
      accessor: () => ({ domain: accessors.next().value ?? '', pc: '0x200000' }),
      owner: (device: string) => ({ domain: `owner of ${device}` }),
    };
    const lint = new LintLog({ witness });
    for (const what of ['x', 'x', 'y']) lint.report('net', '§1', what);
    lint.report('net', '§2', 'z', 'later');
    expect(lint.entries()).toEqual([
      { device: 'net', clause: '§1', what: 'x', count: 2, domain: 'driver', pc: '0x200000' },
      { device: 'net', clause: '§1', what: 'y', count: 1, domain: 'other', pc: '0x200000' },
      { device: 'net', clause: '§2', what: 'z', count: 1, domain: 'owner of net' },
    ]);
  });

  it('stays bounded', () => {
    const lint = new LintLog();
    for (let i = 0; i < 1000; i++) lint.report('net', `§${i}`, 'x');
    expect(lint.entries()).toHaveLength(257);
    expect(lint.entries().at(-1)).toMatchObject({ clause: 'other', count: 744 });
    expect(lint.total).toBe(1000);
  });
});

describe('random', () => {
  it('repeats for a seed, differs between seeds and forks', () => {
    const draw = (random: Random) => Array.from({ length: 8 }, () => random.u32());
    expect(draw(new Random(1))).toEqual(draw(new Random(1)));
    const streams = [
      new Random(1),
      new Random(2),
      new Random(1).fork('a'),
      new Random(1).fork('b'),
    ];
    expect(new Set(streams.map((random) => draw(random).join())).size).toBe(4);
  });

  it('forks by seed and name, not by how far it has got', () => {
    const fresh = new Random(9);
    const used = new Random(9);
    used.u32();
    expect(used.fork('x').u32()).toBe(fresh.fork('x').u32());
    expect(fresh.fork('x').fork('y').u32()).not.toBe(fresh.fork('y').u32());
  });

  it('draws each number below a bound about as often', () => {
    const random = new Random(4);
    const counts = [0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < 7000; i++) {
      const drawn = random.below(7);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    for (const count of counts) {
      expect(count).toBeGreaterThan(850);
      expect(count).toBeLessThan(1150);
    }
    expect(random.below(1)).toBe(0);
  });

  it('draws fractions from 0 to 1', () => {
    const random = new Random(5);
    const drawn = Array.from({ length: 2000 }, () => random.float());
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...drawn)).toBeLessThan(1);
    const mean = drawn.reduce((a, b) => a + b) / drawn.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.03);
  });
});
