// OpenTitan's I2C controller and what hangs on its bus. Register numbers are the data sheet's,
// declared again; times are computed from UM10204's definition of a byte, a start and a stop.

import { describe, expect, it } from 'vitest';
import { LintLog } from '../lint.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { Ds3231 } from './ds3231.ts';
import { Eeprom24Lc256 } from './eeprom-24lc256.ts';
import { I2cBus, type I2cTarget } from './i2c-bus.ts';
import { OpenTitanI2c } from './opentitan-i2c.ts';
import { ScriptedTarget } from './scripted-target.ts';

const INTR_STATE = 0x00;
const INTR_ENABLE = 0x04;
const CTRL = 0x10;
const STATUS = 0x14;
const RDATA = 0x18;
const FDATA = 0x1c;
const FIFO_CTRL = 0x20;
const FIFO_STATUS = 0x24;
const OVRD = 0x28;
const VAL = 0x2c;
const TIMING = [0x30, 0x34, 0x38, 0x3c, 0x40] as const;
const TIMEOUT_CTRL = 0x44;
const START = 0x100;
const STOP = 0x200;
const READB = 0x400;
const RCONT = 0x800;
const NAKOK = 0x1000;
const FMT_THRESHOLD = 1 << 0;
const RX_THRESHOLD = 1 << 1;
const FMT_OVERFLOW = 1 << 2;
const RX_OVERFLOW = 1 << 3;
const NAK = 1 << 4;
const SDA_INTERFERENCE = 1 << 6;
const STRETCH_TIMEOUT = 1 << 7;
const CMD_COMPLETE = 1 << 9;
const HOSTIDLE = 1 << 3;

/** Clocks of 20 ns: SCL at 400 kHz. */
const SCL = { high: 50, low: 62, rise: 8, fall: 5 };
const START_CLOCKS = { setUp: 30, hold: 30 };
const STOP_CLOCKS = { setUp: 30, free: 65 };
const CLOCK_NS = 20;
const BYTE_NS = 9 * (SCL.high + SCL.low + SCL.rise + SCL.fall) * CLOCK_NS;
const START_NS = (START_CLOCKS.setUp + START_CLOCKS.hold) * CLOCK_NS;
const STOP_NS = (STOP_CLOCKS.setUp + STOP_CLOCKS.free) * CLOCK_NS;

function controller(...targets: readonly I2cTarget[]) {
  const clock = new VirtualClock();
  const lint = new LintLog();
  const bus = new I2cBus();
  for (const target of targets) bus.plug(target);
  const raised = new Set<string>();
  const line = (name: string) => ({
    raise: () => void raised.add(name),
    lower: () => void raised.delete(name),
  });
  const irqs = { nak: line('nak'), cmd_complete: line('cmd_complete') };
  const device = new OpenTitanI2c({ clock, lint, bus, irqs });
  const write = (at: number, value: number): void => device.write(at, value, 4);
  const read = (at: number): number => device.read(at, 4);
  write(TIMING[0], (SCL.low << 16) | SCL.high);
  write(TIMING[1], (SCL.fall << 16) | SCL.rise);
  write(TIMING[2], (START_CLOCKS.hold << 16) | START_CLOCKS.setUp);
  write(TIMING[4], (STOP_CLOCKS.free << 16) | STOP_CLOCKS.setUp);
  /** Formats these entries, and lets the bus come to rest. @returns how long that took */
  const run = (...entries: readonly number[]): number => {
    const from = clock.now();
    for (const entry of entries) write(FDATA, entry);
    write(CTRL, 1);
    settle();
    return clock.now() - from;
  };
  const settle = (): void => {
    while (clock.nextEventAt() !== Infinity) {
      clock.runUntil(clock.nextEventAt());
    }
  };
  const received = (): number[] => {
    const bytes: number[] = [];
    while (read(FIFO_STATUS) >>> 16 !== 0) bytes.push(read(RDATA));
    return bytes;
  };
  return { clock, lint, bus, device, raised, write, read, run, settle, received };
}

describe('the controller', () => {
  it('writes bytes in the time that they take on the wire', () => {
    const target = new ScriptedTarget({ address: 0x20 });
    const { run, read } = controller(target);

    expect(run(START | 0x40, 1, 2 | STOP)).toBe(START_NS + 3 * BYTE_NS + STOP_NS);
    expect(target.seen).toEqual(['start write', 1, 2, 'stop']);
    expect(read(INTR_STATE)).toBe(CMD_COMPLETE | FMT_THRESHOLD);
    expect(read(STATUS) & HOSTIDLE).toBe(HOSTIDLE);
  });

  it('reads, after a repeated start that completes a command', () => {
    const target = new ScriptedTarget({ address: 0x20, answer: (n) => 10 + n });
    const { run, received, read, device } = controller(target);

    const took = run(START | 0x40, 7, START | 0x41, READB | RCONT | 2, READB | STOP | 1);
    // Whoever looks from outside takes nothing out of the FIFO.
    expect([device.peek(RDATA, 4), device.peek(RDATA, 4), device.peek(RDATA, 1)]).toEqual([
      10,
      10,
      undefined,
    ]);

    expect(took).toBe(2 * START_NS + 6 * BYTE_NS + STOP_NS);
    expect(received()).toEqual([10, 11, 12]);
    expect(target.seen).toEqual(['start write', 7, 'start read', 'stop']);
    expect(read(INTR_STATE) & (CMD_COMPLETE | RX_THRESHOLD)).toBe(CMD_COMPLETE | RX_THRESHOLD);
  });

  it('tells of a byte that is not acknowledged, unless that is fine', () => {
    const { run, read, write, raised } = controller();
    write(INTR_ENABLE, NAK);

    run(START | 0x40 | NAKOK, STOP | NAKOK);
    expect(read(INTR_STATE) & NAK).toBe(0);
    run(START | 0x40, STOP);
    expect(read(INTR_STATE) & NAK).toBe(NAK);
    expect([...raised]).toEqual(['nak']);
    write(INTR_STATE, NAK);
    expect([...raised]).toEqual([]);
  });

  it('waits for a target that holds the clock, and says when it is too long', () => {
    const target = new ScriptedTarget({ address: 0x20, stretchNs: (n) => (n === 1 ? 50_000 : 0) });
    const { run, read, write } = controller(target);
    write(TIMEOUT_CTRL, 0x8000_0000 | 3000);

    expect(run(START | 0x40, 1 | STOP)).toBe(START_NS + 2 * BYTE_NS + 50_000 + STOP_NS);
    expect(read(INTR_STATE) & STRETCH_TIMEOUT).toBe(0);
    write(TIMEOUT_CTRL, 0x8000_0000 | 2499);
    run(START | 0x40, 1 | STOP);
    expect(read(INTR_STATE) & STRETCH_TIMEOUT).toBe(STRETCH_TIMEOUT);
  });

  it('sees SDA low where it lets it go, and a driver’s clocks free it', () => {
    const { run, read, write, bus } = controller(new ScriptedTarget({ address: 0x20 }));
    bus.holdSda(3);

    run(START | 0x40, 1 | STOP);
    expect(read(INTR_STATE) & (SDA_INTERFERENCE | NAK)).toBe(SDA_INTERFERENCE);
    expect(read(VAL)).toBe(0xffff);
    for (let clock = 0; clock < 3; clock += 1) {
      write(OVRD, 0b101);
      write(OVRD, 0b111);
    }
    write(OVRD, 0);
    expect(read(VAL)).toBe(0xffff_ffff);
  });

  it('loses the bus to another controller: neither acknowledged nor heard', () => {
    const target = new ScriptedTarget({ address: 0x20 });
    const { run, read, bus } = controller(target);
    bus.collide(1);

    run(START | 0x40, 1 | STOP);

    expect(read(INTR_STATE) & (SDA_INTERFERENCE | NAK)).toBe(SDA_INTERFERENCE | NAK);
    expect(target.seen).toEqual([]);
  });

  it('has 64 entries in each FIFO: what comes beyond is lost, and it says so', () => {
    const { run, write, read, received } = controller(new ScriptedTarget({ address: 0x20 }));
    for (let entry = 0; entry < 65; entry += 1) write(FDATA, entry);
    expect(read(FIFO_STATUS)).toBe(64);
    expect(read(INTR_STATE)).toBe(FMT_OVERFLOW);
    write(FIFO_CTRL, 2);
    expect(read(FIFO_STATUS)).toBe(0);

    run(START | 0x41, READB | STOP | 65);
    expect(read(INTR_STATE) & RX_OVERFLOW).toBe(RX_OVERFLOW);
    expect(received().length).toBe(64);
  });

  it('lets the bus go when the host is disabled in the middle', () => {
    const target = new ScriptedTarget({ address: 0x20, stretchNs: () => Infinity });
    const { run, write, read } = controller(target);

    run(START | 0x40, 1, 2);
    expect(read(STATUS) & HOSTIDLE).toBe(0);
    write(CTRL, 0);
    expect(read(STATUS) & HOSTIDLE).toBe(HOSTIDLE);
    expect(target.seen).toEqual(['start write', 'stop']);
  });

  it('has the registers of power-on after a reset', () => {
    const { device, read, write } = controller();
    const fresh = Array.from({ length: 32 }, (_, index) => device.peek(4 * index, 4));
    for (let at = 0; at < 0x80; at += 4) if (at !== RDATA && at !== CTRL) write(at, 0x7f);
    device.reset();

    // Timing registers were set by this test; all others are as they were.
    for (const at of TIMING) expect(read(at)).toBe(0);
    const after = Array.from({ length: 32 }, (_, index) => device.peek(4 * index, 4));
    const isTiming = (index: number): boolean => TIMING.some((at) => at === 4 * index);
    expect(after.filter((_, index) => !isTiming(index))).toEqual(
      fresh.filter((_, index) => !isTiming(index)),
    );
  });

  it('reports what a driver must not do', () => {
    const { run, lint, read, device } = controller(
      new ScriptedTarget({ address: 0x20, speedMax: 100_000 }),
    );
    read(RDATA);
    device.read(STATUS, 1);
    run(START | 0x40 | RCONT, STOP);

    expect(lint.entries().map(({ what }) => what)).toEqual([
      'RDATA read while the RX FIFO is empty',
      'an access that is not 32 bits wide',
      'FDATA with flags that exclude each other',
      "SCL is faster than the 100 kHz of 'scripted'",
    ]);
  });
});

describe('a bus', () => {
  it('has one target at an address, and none at a reserved one', () => {
    const bus = new I2cBus();
    bus.plug(new ScriptedTarget({ address: 0x20, name: 'a' }));

    expect(() => bus.plug(new ScriptedTarget({ address: 0x20, name: 'b' }))).toThrow(
      "'b' and 'a' have the same I2C address, 0x20",
    );
    for (const address of [7, 0x78, 200, 1.5]) {
      expect(() => bus.plug(new ScriptedTarget({ address }))).toThrow(/not 8 to 0x77/);
    }
  });
});

describe('a start condition for another chip', () => {
  it.each([
    ['that is there', 0x20],
    ['that is not', 0x21],
  ])('%s drops what an EEPROM was to write at a stop', (_, address) => {
    const chip = new Eeprom24Lc256();
    const { run } = controller(chip, new ScriptedTarget({ address: 0x20 }));

    run(START | 0xa0, 0, 0, 99, START | (address << 1), STOP | 1);
    expect(Array.from(chip.contents(0, 1))).toEqual([0xff]);
    run(START | 0xa0, 0, 0, 99 | STOP);
    expect(Array.from(chip.contents(0, 1))).toEqual([99]);
  });
});

describe('a DS3231', () => {
  const EPOCH = Date.UTC(2024, 1, 28, 23, 59, 59) / 1000;

  it('has the time of the clock, in BCD, and goes over the end of a leap day', () => {
    const clock = new VirtualClock();
    const chip = new Ds3231({ clock, epochSeconds: EPOCH });
    const time = (): number[] => {
      chip.start('write');
      chip.write(0);
      chip.start('read');
      return Array.from({ length: 7 }, () => chip.read());
    };

    expect(time()).toEqual([0x59, 0x59, 0x23, 4, 0x28, 0x02, 0x24]);
    clock.runUntil(1e9);
    expect(time()).toEqual([0, 0, 0, 5, 0x29, 0x02, 0x24]);
  });

  it('is set, and its oscillator flag can only be cleared', () => {
    const clock = new VirtualClock();
    const chip = new Ds3231({ clock, epochSeconds: EPOCH });
    const write = (...bytes: readonly number[]): void => {
      chip.start('write');
      for (const byte of bytes) chip.write(byte);
      chip.stop();
    };
    const read = (register: number): number => {
      chip.start('write');
      chip.write(register);
      chip.start('read');
      return chip.read();
    };
    expect(read(0x0f) & 0x80).toBe(0x80);
    clock.runUntil(5e8);
    write(0, 0x05, 0x10, 0x12, 1, 0x31, 0x12, 0x30);
    write(0x0f, 0x00);
    write(0x0f, 0x80);
    clock.runUntil(2.5e9 - 1e6);
    expect(read(0)).toBe(6);
    clock.runUntil(2.5e9);

    expect([read(0), read(1), read(2), read(4), read(6)]).toEqual([7, 0x10, 0x12, 0x31, 0x30]);
    expect(read(0x0f) & 0x80).toBe(0);
    expect(read(0x11)).toBe(25);
    write(0x11, 99);
    expect(read(0x11)).toBe(25);
    // The pointer wraps behind the last register.
    write(0x12);
    chip.start('read');
    chip.read();
    expect(chip.read()).toBe(7);
  });
});

describe('a DS3231 of which a part is set', () => {
  it('keeps the second under way when its seconds are not written, and counts the weekday on', () => {
    const clock = new VirtualClock();
    const chip = new Ds3231({ clock, epochSeconds: Date.UTC(2024, 0, 1, 23, 59, 58) / 1000 });
    const read = (register: number): number => {
      chip.start('write');
      chip.write(register);
      chip.start('read');
      return chip.read();
    };
    // A Monday is day 2 at power-on.
    expect(read(3)).toBe(2);
    clock.runUntil(5e8);
    chip.start('write');
    for (const byte of [3, 1]) chip.write(byte);
    chip.stop();

    expect([read(0), read(3)]).toEqual([0x58, 1]);
    clock.runUntil(1e9 - 1e6);
    expect(read(0)).toBe(0x58);
    clock.runUntil(1e9 + 1e6);
    expect(read(0)).toBe(0x59);
    clock.runUntil(2e9 + 1e6);
    expect([read(0), read(3), read(4)]).toEqual([0, 2, 2]);
  });
});

describe('a 24LC256', () => {
  const write = (chip: Eeprom24Lc256, nowNs: number, ...bytes: readonly number[]): boolean => {
    if (!chip.start('write', nowNs)) return false;
    for (const byte of bytes) chip.write(byte);
    chip.stop(nowNs);
    return true;
  };

  it('stays in its page, and takes 5 ms for a write', () => {
    const chip = new Eeprom24Lc256();
    expect(write(chip, 0, 0x00, 0x3e, 1, 2, 3)).toBe(true);
    expect(Array.from(chip.contents(0x3e, 4))).toEqual([1, 2, 0xff, 0xff]);
    expect(Array.from(chip.contents(0, 1))).toEqual([3]);
    expect(write(chip, 4_999_999, 0, 0)).toBe(false);
    expect(write(chip, 5_000_000, 0, 0)).toBe(true);
  });

  it('reads on over all pages and round its end, and forgets a write without a stop', () => {
    const chip = new Eeprom24Lc256({ contents: Uint8Array.of(7), pins: 3 });
    expect(chip.address).toBe(0x53);
    chip.start('write', 0);
    for (const byte of [0x7f, 0xff, 99]) chip.write(byte);
    chip.start('write', 0);
    for (const byte of [0x7f, 0xff]) chip.write(byte);
    chip.start('read', 0);

    expect([chip.read(), chip.read()]).toEqual([0xff, 7]);
  });
});
