// The NS16550A model, rule by rule, under the virtual clock. Registers and bits are declared again
// here, from the data sheet (PC16550D, and TL16C550C for AFE), so that a wrong constant in the
// model shows.

import { describe, expect, it } from 'vitest';
import { LintLog } from '../lint.ts';
import type { LineRate } from '../serial-wire.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { Ns16550a } from './ns16550a.ts';
import { NS16550A_BITS } from './ns16550a-registers.ts';
import { SerialLine } from './serial-line.ts';

const [DATA, IER, IIR, FCR, LCR, MCR, LSR, MSR, SCR] = [0, 1, 2, 2, 3, 4, 5, 6, 7];
const DR = 0x01;
const OE = 0x02;
const PE = 0x04;
const FE = 0x08;
const BI = 0x10;
const THRE = 0x20;
const TEMT = 0x40;
const FIFO_ERROR = 0x80;
/** 3,686,400 Hz / 16 / 2 = 115,200 bit/s; a character of 8N1 has 10 bits. */
const CHAR_NS = (10 * 1e9) / 115_200;

function bench(options: { rate?: LineRate; flow?: 'none' | 'rtscts' } = {}) {
  const clock = new VirtualClock();
  const line = new SerialLine({
    clock,
    rate: options.rate ?? 'real',
    flow: options.flow ?? 'none',
  });
  const lint = new LintLog();
  const irq = { level: 0, raises: 0 };
  const uart = new Ns16550a({
    clock,
    wire: line,
    lint,
    irq: {
      raise: () => {
        irq.level = 1;
        irq.raises += 1;
      },
      lower: () => (irq.level = 0),
    },
  });
  const read = (offset: number): number => uart.read(offset, 1);
  const write = (offset: number, value: number): void => uart.write(offset, value, 1);
  const program = (lcr = 0x03, fcr = 0x01): void => {
    write(LCR, 0x80 | lcr);
    write(DATA, 2);
    write(IER, 0);
    write(LCR, lcr);
    write(FCR, fcr);
  };
  const characters = (count: number): void => void clock.runUntil(clock.now() + count * CHAR_NS);
  const sent = (): number[] => {
    const bytes = new Uint8Array(line.outputLength());
    line.takeOutput(bytes);
    return [...bytes];
  };
  return { clock, line, lint, irq, uart, read, write, program, characters, sent };
}

function programmed(lcr = 0x03, fcr = 0x01) {
  const b = bench();
  b.program(lcr, fcr);
  return b;
}

it('shows what reads would give, and does nothing', () => {
  const { uart, line, read, program, characters, irq } = bench();
  program();
  uart.write(IER, 0x07, 1);
  line.send(Uint8Array.of(0x41, 0x42));
  characters(8);
  const looks = Array.from({ length: 8 }, (_, offset) => uart.peek(offset, 1));
  const again = Array.from({ length: 8 }, (_, offset) => uart.peek(offset, 1));

  expect(again).toEqual(looks);
  expect(irq.level).toBe(1);
  expect(uart.peek(DATA, 4)).toBeUndefined();
  // In an order in which no read changes what the next one gives.
  for (const offset of [LSR, MSR, IIR, SCR, LCR, MCR, IER, DATA]) {
    expect(read(offset), `offset ${offset}`).toBe(looks[offset]);
  }
  expect(uart.peek(DATA, 1)).toBe(0x42);
});

describe('NS16550A after reset', () => {
  it('has the values of table I', () => {
    const b = bench();

    expect([IER, IIR, LCR, MCR, LSR, MSR & 0x0f].map((at) => b.read(at))).toEqual([
      0,
      0x01,
      0,
      0,
      THRE | TEMT,
      0xb0,
    ]);
    expect(b.irq.level).toBe(0);
  });

  it('sends nothing before the divisor is programmed, and keeps it over a reset', () => {
    const b = bench();
    b.write(LCR, 0x03);
    b.write(DATA, 0x41);
    b.characters(100);
    expect(b.sent()).toEqual([]);

    b.program();
    b.uart.reset();
    b.write(LCR, 0x80);

    expect(b.read(DATA)).toBe(2);
  });
});

describe('NS16550A transmitter', () => {
  it('takes the time of a character for each character', () => {
    const b = programmed();
    b.write(DATA, 0x41);
    b.write(DATA, 0x42);

    b.characters(0.99);
    expect(b.sent()).toEqual([]);
    b.characters(0.02);
    expect(b.sent()).toEqual([0x41]);
    b.characters(1);
    expect(b.sent()).toEqual([0x42]);
  });

  it.each([
    ['5N1', 0x00, 7],
    ['5N1.5', 0x04, 7.5],
    ['7E1', 0x1a, 10],
    ['8N2', 0x07, 11],
    ['8O2', 0x0f, 12],
  ])('reckons the bits of %s', (_name, lcr, bits) => {
    const b = programmed(lcr);
    b.write(DATA, 0x11);

    b.clock.runUntil(Math.floor((bits * 1e9) / 115_200) - 2);
    expect(b.line.outputLength()).toBe(0);
    b.clock.runUntil(Math.ceil((bits * 1e9) / 115_200) + 2);
    expect(b.line.outputLength()).toBe(1);
  });

  it('sends 11,520 bytes a second at 115200 8N1', () => {
    const b = programmed();
    let written = 0;
    while (b.clock.now() < 1e9) {
      while ((b.read(LSR) & THRE) !== 0) {
        for (let index = 0; index < 16; index += 1) b.write(DATA, written++ & 0xff);
      }
      b.characters(1);
    }

    expect(b.line.counters.characters).toBeGreaterThan(11_520 * 0.99);
    expect(b.line.counters.characters).toBeLessThan(11_520 * 1.01);
  });

  it('shows THRE when the FIFO is empty and TEMT when the shift register is too', () => {
    const b = programmed();
    b.write(DATA, 1);
    expect(b.read(LSR)).toBe(THRE);
    b.write(DATA, 2);
    expect(b.read(LSR)).toBe(0);

    b.characters(1.01);
    expect(b.read(LSR)).toBe(THRE);
    b.characters(1);
    expect(b.read(LSR)).toBe(THRE | TEMT);
  });

  it('holds 16 characters and the one in the shift register; more are refused and reported', () => {
    const b = programmed();
    for (let index = 0; index < 18; index += 1) b.write(DATA, index);

    b.characters(20);

    expect(b.sent()).toEqual(Array.from({ length: 17 }, (_, index) => index));
    expect(b.lint.total).toBe(1);
  });

  it('masks a character to its word length', () => {
    const b = programmed(0x02);
    b.write(DATA, 0xc1);
    b.characters(2);

    expect(b.sent()).toEqual([0x41]);
  });

  it('raises THRE at once when it is enabled with an empty transmitter: the re-arm rule', () => {
    const b = programmed();
    b.write(IER, 0x02);
    expect(b.irq.level).toBe(1);
    expect(b.read(IIR)).toBe(0xc2);
    expect(b.irq.level).toBe(0);
    expect(b.read(IIR)).toBe(0xc1);

    b.write(IER, 0x00);
    b.write(IER, 0x02);

    expect(b.irq.level).toBe(1);
  });

  it('takes THRE back when the holding register is written, and raises it when the FIFO is empty again', () => {
    const b = programmed();
    b.write(IER, 0x02);
    b.write(DATA, 1);
    b.write(DATA, 2);
    b.write(DATA, 3);
    expect(b.irq.level).toBe(0);

    b.characters(1.9);
    expect(b.irq.level).toBe(0);
    b.characters(0.2);
    expect(b.irq.level).toBe(1);
  });

  it('delays THRE by a character less its stop bit unless two characters were queued at once', () => {
    const b = programmed();
    b.write(IER, 0x02);
    b.write(DATA, 1);
    // The first interrupt after the FIFO is switched on comes at once.
    expect(b.irq.level).toBe(1);
    b.characters(2);
    b.write(DATA, 2);
    expect(b.read(LSR) & THRE).toBe(THRE);
    expect(b.irq.level).toBe(0);

    b.characters(0.89);
    expect(b.irq.level).toBe(0);
    b.characters(0.02);
    expect(b.irq.level).toBe(1);
  });

  it('does not clear THRE by an IIR read that reports something else', () => {
    const b = programmed();
    b.line.send(Uint8Array.of(1));
    b.characters(1.1);
    b.write(IER, 0x03);
    b.characters(5);
    expect(b.read(IIR) & 0x0f).toBe(0x04);
    b.read(DATA);

    expect(b.read(IIR) & 0x0f).toBe(0x02);
  });

  it('waits for a host that does not take its output, and loses nothing', () => {
    const clock = new VirtualClock();
    const line = new SerialLine({ clock, rate: 'real', outputBytes: 4 });
    const quiet = { raise: () => undefined, lower: () => undefined };
    const uart = new Ns16550a({ clock, wire: line, lint: new LintLog(), irq: quiet });
    uart.write(LCR, 0x83, 1);
    uart.write(DATA, 2, 1);
    uart.write(LCR, 0x03, 1);
    uart.write(FCR, 1, 1);
    for (let index = 0; index < 10; index += 1) uart.write(DATA, index, 1);
    clock.runUntil(CHAR_NS * 50);
    const first = new Uint8Array(4);

    expect(line.takeOutput(first)).toBe(4);
    clock.runUntil(CHAR_NS * 100);
    const second = new Uint8Array(16);
    line.takeOutput(second);
    clock.runUntil(CHAR_NS * 150);
    const third = new Uint8Array(16);
    line.takeOutput(third);

    expect([...first, ...second.slice(0, 4), ...third.slice(0, 2)]).toEqual([...Array(10).keys()]);
    expect(line.counters.holds).toBe(2);
  });
});

describe('NS16550A receiver', () => {
  it.each([
    [0x01, 1],
    [0x41, 4],
    [0x81, 8],
    [0xc1, 14],
  ])('with FCR %i raises RDA at %i characters and drops it below', (fcr, trigger) => {
    const b = programmed(0x03, fcr);
    b.write(IER, 0x01);
    b.line.send(new Uint8Array(trigger).fill(0x55));

    b.characters(trigger - 0.5);
    expect(b.irq.level).toBe(0);
    b.characters(0.6);
    expect(b.irq.level).toBe(1);
    expect(b.read(IIR)).toBe(0xc4);
    b.read(DATA);
    expect(b.irq.level).toBe(0);
  });

  it('reports a time-out 4 characters after the last one, and a read clears it', () => {
    const b = programmed(0x03, 0x81);
    b.write(IER, 0x01);
    b.line.send(Uint8Array.of(1, 2));

    b.characters(2 + 3.9);
    expect(b.irq.level).toBe(0);
    b.characters(0.2);
    expect(b.read(IIR)).toBe(0xcc);

    expect(b.read(DATA)).toBe(1);
    expect(b.irq.level).toBe(0);
    b.characters(4.1);
    expect(b.read(IIR)).toBe(0xcc);
  });

  it('on overrun keeps the FIFO, loses the new character and shows OE at once', () => {
    const b = programmed();
    b.line.send(Uint8Array.from({ length: 18 }, (_, index) => index));
    b.characters(19);

    expect(b.read(LSR)).toBe(DR | OE | THRE | TEMT);
    expect(b.read(LSR) & OE).toBe(0);
    expect(Array.from({ length: 16 }, () => b.read(DATA))).toEqual([...Array(16).keys()]);
    expect(b.read(LSR) & DR).toBe(0);
  });

  it('without the FIFO overwrites the holding register', () => {
    const b = programmed(0x03, 0x00);
    b.line.send(Uint8Array.of(1, 2));
    b.characters(3);

    expect(b.read(LSR) & (DR | OE)).toBe(DR | OE);
    expect(b.read(DATA)).toBe(2);
    expect(b.read(IIR)).toBe(0x01);
  });

  it('attaches errors to their character, and shows bit 7 while one is in the FIFO', () => {
    const b = programmed();
    b.write(IER, 0x04);
    for (const character of [0x41, 0x142, 0x243, 0x44]) b.line.sendCharacter(character);
    b.characters(5);
    expect(b.irq.level).toBe(0);
    expect(b.read(LSR)).toBe(DR | FIFO_ERROR | THRE | TEMT);

    expect(b.read(DATA)).toBe(0x41);
    expect(b.irq.level).toBe(1);
    expect(b.read(IIR)).toBe(0xc6);
    expect(b.read(LSR) & (FE | PE | FIFO_ERROR)).toBe(FE | FIFO_ERROR);
    expect(b.irq.level).toBe(0);
    expect(b.read(DATA)).toBe(0x42);
    expect(b.read(LSR) & (FE | PE | FIFO_ERROR)).toBe(PE | FIFO_ERROR);
    b.read(DATA);
    expect(b.read(LSR) & (FE | PE | FIFO_ERROR)).toBe(0);
    expect(b.read(DATA)).toBe(0x44);
  });

  it('takes a break for one character of 0 with BI, however long it lasts', () => {
    const b = programmed();
    b.line.sendBreak('space');
    b.characters(30);
    expect(b.read(LSR) & (DR | BI | FE)).toBe(DR | BI | FE);
    expect(b.read(DATA)).toBe(0);
    expect(b.read(LSR) & DR).toBe(0);

    b.line.sendBreak('mark');
    b.line.send(Uint8Array.of(0x5a));
    b.characters(2);

    expect(b.read(DATA)).toBe(0x5a);
  });

  it('takes a break that is too short for a character, and one shorter than half a bit for noise', () => {
    const b = programmed();
    b.line.sendBreak('space');
    b.characters(0.4);
    b.line.sendBreak('mark');
    b.characters(2);
    expect(b.read(LSR) & (DR | BI)).toBe(DR);
    expect(b.read(DATA)).toBe(0xf8);

    b.line.sendBreak('space');
    b.characters(0.03);
    b.line.sendBreak('mark');
    b.characters(2);

    expect(b.read(LSR) & DR).toBe(0);
  });

  it('gives priority to line status, data, transmitter, modem in this order', () => {
    const b = programmed();
    b.line.setInputs(0);
    b.line.sendCharacter(0x141);
    b.characters(1.1);
    b.write(IER, 0x0f);

    const causes: number[] = [];
    causes.push(b.read(IIR) & 0x0f);
    b.read(LSR);
    causes.push(b.read(IIR) & 0x0f);
    b.read(DATA);
    causes.push(b.read(IIR) & 0x0f);
    causes.push(b.read(IIR) & 0x0f);
    b.read(MSR);
    causes.push(b.read(IIR) & 0x0f);

    expect(causes).toEqual([0x6, 0x4, 0x2, 0x0, 0x1]);
  });
});

describe('NS16550A FIFO control', () => {
  it('empties both FIFOs when bit 0 changes, and each alone by its reset bit', () => {
    const b = programmed();
    b.line.send(Uint8Array.of(1, 2));
    b.characters(3);
    for (let index = 0; index < 5; index += 1) b.write(DATA, index);

    b.write(FCR, 0x03);
    expect(b.read(LSR) & (DR | THRE)).toBe(0);
    b.write(FCR, 0x05);
    expect(b.read(LSR) & (DR | THRE | TEMT)).toBe(THRE);
    b.line.send(Uint8Array.of(3));
    b.characters(2);
    b.write(FCR, 0x00);

    expect(b.read(LSR) & DR).toBe(0);
    expect(b.sent()).toEqual([0]);
  });

  it('takes the trigger only together with the enable bit', () => {
    const b = programmed(0x03, 0xc1);
    b.write(FCR, 0x40);
    b.write(FCR, 0x01);

    expect(b.uart.snapshot()['FCR']).toBe(0x01);
  });
});

describe('NS16550A modem lines', () => {
  it('reports changes, RI at its trailing edge only, and clears them by a read', () => {
    const b = programmed();
    b.read(MSR);
    b.write(IER, 0x08);
    b.line.setInputs(0x0f);
    expect(b.irq.level).toBe(0);
    b.line.setInputs(0x00);
    expect(b.irq.level).toBe(1);

    expect(b.read(MSR)).toBe(0x0f);
    expect(b.read(MSR)).toBe(0x00);
    expect(b.irq.level).toBe(0);
  });

  it('drives DTR, RTS, OUT1 and OUT2', () => {
    const b = programmed();
    b.write(MCR, 0x0b);

    expect(b.line.outputs).toBe(0x0b);
  });

  it('with AFE waits for CTS before the next character, and raises no interrupt for it', () => {
    const b = programmed();
    b.write(MCR, 0x22);
    b.read(MSR);
    b.write(IER, 0x08);
    b.write(DATA, 1);
    b.write(DATA, 2);
    b.line.setInputs(0);
    b.read(MSR);
    b.characters(10);
    expect(b.sent()).toEqual([1]);

    b.line.setInputs(1);
    b.characters(1.1);

    expect(b.sent()).toEqual([2]);
    expect(b.irq.level).toBe(0);
  });

  it('with AFE lowers RTS at the trigger and raises it when the FIFO is empty', () => {
    const b = bench({ flow: 'rtscts' });
    b.program(0x03, 0x41);
    b.write(MCR, 0x22);
    b.line.send(Uint8Array.from({ length: 40 }, (_, index) => index));
    b.characters(40);
    expect(b.line.outputs & 2).toBe(0);
    expect(b.read(LSR) & OE).toBe(0);

    const got: number[] = [];
    for (let round = 0; round < 60; round += 1) {
      while ((b.read(LSR) & DR) !== 0) got.push(b.read(DATA));
      b.characters(3);
    }

    expect(got).toEqual([...Array(40).keys()]);
  });
});

describe('NS16550A loopback', () => {
  it('receives what it sends, disconnects its pins, and turns the outputs round', () => {
    const b = programmed();
    b.write(MCR, 0x1f);
    expect(b.line.outputs).toBe(0);
    expect(b.read(MSR) & 0xf0).toBe(0xf0);
    b.write(MCR, 0x12);
    expect(b.read(MSR) & 0xf0).toBe(0x10);

    b.write(DATA, 0x77);
    b.line.send(Uint8Array.of(0x11));
    b.characters(3);

    expect(b.read(DATA)).toBe(0x77);
    expect(b.read(LSR) & DR).toBe(0);
    expect(b.sent()).toEqual([]);
  });
});

describe('NS16550A break and registers', () => {
  it('holds the line at space: characters sent meanwhile are lost', () => {
    const b = programmed();
    const levels: string[] = [];
    b.line.setFarEnd({
      outputArrived: () => undefined,
      inputRoom: () => undefined,
      formatChanged: () => undefined,
      outputsChanged: () => undefined,
      breakChanged: (level) => levels.push(level),
    });
    b.write(LCR, 0x43);
    b.write(DATA, 1);
    b.characters(2);
    b.write(LCR, 0x03);

    expect(levels).toEqual(['space', 'mark']);
    expect(b.sent()).toEqual([]);
  });

  it('refuses accesses that are not a byte wide or beyond its registers', () => {
    const b = programmed();
    b.uart.write(SCR, 0x12345678, 4);
    b.write(8, 1);

    expect(b.uart.read(SCR, 4)).toBe(0);
    expect(b.read(SCR)).toBe(0);
    expect(b.lint.total).toBe(3);
  });

  it('implements every bit, or lists it', () => {
    const writable = [
      [IER, 0x0f],
      [LCR, 0xff],
      [MCR, 0x3f],
      [SCR, 0xff],
    ] as const;
    const b = bench();
    for (const [offset, mask] of writable) {
      b.write(LCR, 0);
      b.write(offset, 0xff);
      expect([offset, b.read(offset)]).toEqual([offset, mask]);
    }
    const notImplemented = NS16550A_BITS.filter((bits) => bits.state !== 'implemented');
    console.log(
      NS16550A_BITS.map(({ register, bits, name, state, note }) =>
        `ns16550a ${register}[${bits}] ${name}: ${state} ${note ?? ''}`.trimEnd(),
      ).join('\n'),
    );

    expect(notImplemented.map(({ register, bits }) => `${register}[${bits}]`)).toEqual([
      'IER[7:4]',
      'IIR[5:4]',
      'FCR[3]',
      'FCR[5:4]',
      'MCR[7:6]',
    ]);
  });
});

describe('NS16550A on a fast line', () => {
  it('sends at once and receives only what fits', () => {
    const b = bench({ rate: 'fast' });
    b.program(0x03, 0x81);
    for (let index = 0; index < 100; index += 1) b.write(DATA, index);
    expect(b.sent()).toHaveLength(100);
    b.line.send(Uint8Array.from({ length: 100 }, (_, index) => index));

    const got: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      b.clock.fireDue();
      while ((b.read(LSR) & DR) !== 0) got.push(b.read(DATA));
    }

    expect(got).toEqual([...Array(100).keys()]);
    expect(b.clock.now()).toBe(0);
  });
});
