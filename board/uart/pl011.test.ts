// The PL011 model, rule by rule, under the virtual clock. Registers and bits are declared again
// here, from Arm's technical reference manual (DDI 0183G).

import { describe, expect, it } from 'vitest';
import { LintLog } from '../lint.ts';
import type { LineRate } from '../serial-wire.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { Pl011 } from './pl011.ts';
import { PL011_BITS } from './pl011-registers.ts';
import { SerialLine } from './serial-line.ts';

const [DR, RSR, FR, IBRD, FBRD, LCR_H] = [0x000, 0x004, 0x018, 0x024, 0x028, 0x02c];
const [CR, IFLS, IMSC, RIS, MIS, ICR, DMACR] = [0x030, 0x034, 0x038, 0x03c, 0x040, 0x044, 0x048];
const BUSY = 0x008;
const RXFE = 0x010;
const TXFF = 0x020;
const RXFF = 0x040;
const TXFE = 0x080;
const [RX, TX, RT, FE, PE, BE, OE] = [0x10, 0x20, 0x40, 0x80, 0x100, 0x200, 0x400];
/** 24 MHz / 16 / (13 + 1/64). */
const BAUD = 24_000_000 / (16 * (13 + 1 / 64));
const BIT_NS = 1e9 / BAUD;
const CHAR_NS = 10 * BIT_NS;

function bench(rate: LineRate = 'real', flow: 'none' | 'rtscts' = 'none') {
  const clock = new VirtualClock();
  const line = new SerialLine({ clock, rate, flow });
  const lint = new LintLog();
  const irq = { level: 0 };
  const uart = new Pl011({
    clock,
    wire: line,
    lint,
    irq: { raise: () => (irq.level = 1), lower: () => (irq.level = 0) },
  });
  const read = (offset: number): number => uart.read(offset, 4);
  const write = (offset: number, value: number): void => uart.write(offset, value, 4);
  const program = (lcrH = 0x70, cr = 0x301): void => {
    write(IBRD, 13);
    write(FBRD, 1);
    write(LCR_H, lcrH);
    write(CR, cr);
  };
  const characters = (count: number): void => void clock.runUntil(clock.now() + count * CHAR_NS);
  const sent = (): number[] => {
    const bytes = new Uint8Array(line.outputLength());
    line.takeOutput(bytes);
    return [...bytes];
  };
  return { clock, line, lint, irq, uart, read, write, program, characters, sent };
}

function programmed(lcrH = 0x70, cr = 0x301) {
  const b = bench();
  b.program(lcrH, cr);
  return b;
}

it('shows what reads would give, and does nothing', () => {
  const { uart, line, read, program, characters } = bench();
  program();
  line.send(Uint8Array.of(0x41, 0x42));
  characters(3);
  const offsets = [RSR, FR, IBRD, FBRD, LCR_H, CR, IFLS, IMSC, RIS, MIS, DMACR, DR];
  const looks = offsets.map((offset) => uart.peek(offset, 4));

  expect(offsets.map((offset) => uart.peek(offset, 4))).toEqual(looks);
  expect(uart.peek(ICR, 4)).toBeUndefined();
  expect(offsets.map(read)).toEqual(looks);
  expect(uart.peek(DR, 4)).toBe(0x42);
});

describe('PL011 registers', () => {
  it('have their reset values and identification', () => {
    const b = bench();

    expect([RSR, IBRD, FBRD, LCR_H, CR, IFLS, IMSC, RIS, MIS, DMACR].map(b.read)).toEqual([
      0, 0, 0, 0, 0x300, 0x12, 0, 0, 0, 0,
    ]);
    expect(b.read(FR) & (BUSY | RXFE | TXFF | RXFF | TXFE)).toBe(RXFE | TXFE);
    expect(Array.from({ length: 8 }, (_, index) => b.read(0xfe0 + 4 * index))).toEqual([
      0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1,
    ]);
  });

  it('implement every bit, or list it', () => {
    const masks = [
      [0x020, 0xff],
      [IBRD, 0xffff],
      [FBRD, 0x3f],
      [LCR_H, 0xff],
      [CR, 0xff87],
      [IFLS, 0x3f],
      [IMSC, 0x7ff],
      [DMACR, 0x07],
    ] as const;
    const b = bench();
    for (const [offset, mask] of masks) {
      b.write(offset, 0xffff);
      expect([offset, b.read(offset)]).toEqual([offset, mask]);
    }
    console.log(
      PL011_BITS.map(({ register, bits, name, state, note }) =>
        `pl011 ${register}[${bits}] ${name}: ${state} ${note ?? ''}`.trimEnd(),
      ).join('\n'),
    );

    expect(
      PL011_BITS.filter((bits) => bits.state !== 'implemented').map(
        ({ register, bits }) => `${register}[${bits}]`,
      ),
    ).toEqual([
      'UARTDR[15:12]',
      'UARTRSR/UARTECR[7:4]',
      'UARTFR[15:9]',
      'UARTILPR[7:0]',
      'UARTCR[1]',
      'UARTCR[2]',
      'UARTCR[6:3]',
      'UARTIFLS[15:6]',
      'UARTIMSC, UARTRIS, UARTMIS, UARTICR[15:11]',
      'UARTDMACR[2:0]',
      '0x080-0x08c[31:0]',
    ]);
  });

  it('refuse other widths and unknown offsets', () => {
    const b = bench();

    expect([b.uart.read(CR, 1), b.read(0x080)]).toEqual([0, 0]);
    b.uart.write(CR, 1, 2);
    expect(b.read(CR)).toBe(0x300);
    expect(b.lint.total).toBe(3);
  });
});

describe('PL011 transmitter', () => {
  it('takes over the divisor with a write of LCR_H only', () => {
    const b = programmed();
    b.write(IBRD, 26);
    b.write(FBRD, 2);
    expect(Math.round(b.line.format.baud)).toBe(Math.round(BAUD));

    b.write(LCR_H, 0x70);

    expect(Math.round(b.line.format.baud)).toBe(Math.round(BAUD / 2));
  });

  it('takes the time of a character for each character, and is busy until the last stop bit', () => {
    const b = programmed();
    b.write(DR, 0x41);
    b.write(DR, 0x42);
    expect(b.read(FR) & (BUSY | TXFE)).toBe(BUSY);

    b.characters(1.01);
    expect(b.sent()).toEqual([0x41]);
    expect(b.read(FR) & (BUSY | TXFE)).toBe(BUSY | TXFE);
    b.characters(1);
    expect(b.sent()).toEqual([0x42]);
    expect(b.read(FR) & BUSY).toBe(0);
  });

  it('shows TXFF at 32 characters and refuses one more', () => {
    const b = programmed();
    for (let index = 0; index < 32; index += 1) b.write(DR, index);
    expect(b.read(FR) & TXFF).toBe(0);
    b.write(DR, 32);
    expect(b.read(FR) & TXFF).toBe(TXFF);
    b.write(DR, 33);

    b.characters(40);

    expect(b.sent()).toEqual([...Array(33).keys()]);
    expect(b.lint.total).toBe(1);
  });

  it.each([
    [0, 4],
    [1, 8],
    [2, 16],
    [3, 24],
    [4, 28],
  ])(
    'with TXIFLSEL %i raises TX when its level falls through %i, not when enabled',
    (select, trigger) => {
      const b = programmed();
      b.write(IFLS, select);
      b.write(IMSC, TX);
      expect(b.irq.level).toBe(0);
      for (let index = 0; index < 33; index += 1) b.write(DR, index);
      expect(b.read(RIS)).toBe(0);

      b.characters(32 - trigger - 0.5);
      expect(b.irq.level).toBe(0);
      b.characters(1);
      expect(b.irq.level).toBe(1);

      b.write(ICR, TX);
      b.characters(40);
      expect(b.irq.level).toBe(0);
    },
  );

  it('clears TX when the FIFO is filled above its trigger', () => {
    const b = programmed();
    for (let index = 0; index < 20; index += 1) b.write(DR, index);
    b.characters(5);
    expect(b.read(RIS) & TX).toBe(TX);

    for (let index = 0; index < 10; index += 1) b.write(DR, index);

    expect(b.read(RIS) & TX).toBe(0);
  });

  it('without FIFOs raises TX when the holding register becomes empty', () => {
    const b = programmed(0x60);
    b.write(DR, 1);
    expect(b.read(RIS) & TX).toBe(TX);
    b.write(ICR, TX);
    b.write(DR, 2);
    expect(b.read(FR) & TXFF).toBe(TXFF);
    b.characters(1.1);

    expect(b.read(RIS) & TX).toBe(TX);
  });

  it.each([
    ['UARTEN', 0x300],
    ['TXE', 0x201],
  ])('ignores and reports data while %s is off', (_name, cr) => {
    const b = programmed(0x70, cr);
    b.write(DR, 1);
    b.write(CR, 0x301);
    b.characters(5);

    expect(b.sent()).toEqual([]);
    expect(b.lint.total).toBe(1);
  });

  it('changing FEN empties the FIFO', () => {
    const b = programmed();
    for (let index = 0; index < 5; index += 1) b.write(DR, index);
    b.write(LCR_H, 0x60);
    b.characters(10);

    expect(b.sent()).toEqual([0]);
  });
});

describe('PL011 receiver', () => {
  it.each([
    [0, 4],
    [1, 8],
    [2, 16],
    [3, 24],
    [4, 28],
  ])('with RXIFLSEL %i raises RX at %i and clears it below', (select, trigger) => {
    const b = programmed();
    b.write(IFLS, select << 3);
    b.write(IMSC, RX);
    b.line.send(new Uint8Array(trigger).fill(7));
    b.characters(trigger - 0.5);
    expect(b.irq.level).toBe(0);
    b.characters(0.6);
    expect(b.irq.level).toBe(1);

    b.read(DR);

    expect(b.irq.level).toBe(0);
  });

  it('clears RX by ICR and raises it again only at the next passage', () => {
    const b = programmed();
    b.write(IFLS, 0);
    b.line.send(new Uint8Array(4).fill(7));
    b.characters(5);
    b.write(ICR, RX);
    b.line.send(new Uint8Array(2).fill(7));
    b.characters(3);
    expect(b.read(RIS) & RX).toBe(0);

    while ((b.read(FR) & RXFE) === 0) b.read(DR);
    b.line.send(new Uint8Array(4).fill(7));
    b.characters(5);

    expect(b.read(RIS) & RX).toBe(RX);
  });

  it('raises RT 32 bit periods after the last character, and clears it when the FIFO is empty', () => {
    const b = programmed();
    b.write(IMSC, RT);
    b.line.send(Uint8Array.of(1, 2));
    b.characters(2 + 3.1);
    expect(b.irq.level).toBe(0);
    b.characters(0.2);
    expect(b.irq.level).toBe(1);

    b.read(DR);
    expect(b.irq.level).toBe(1);
    b.read(DR);
    expect(b.irq.level).toBe(0);
  });

  it('on overrun keeps the FIFO, and marks the next character that is stored', () => {
    const b = programmed();
    b.line.send(Uint8Array.from({ length: 34 }, (_, index) => index));
    b.characters(35);
    expect(b.read(FR) & RXFF).toBe(RXFF);
    expect(b.read(RIS) & OE).toBe(OE);
    expect(b.read(RSR)).toBe(8);
    const kept = Array.from({ length: 32 }, () => b.read(DR));
    b.line.send(Uint8Array.of(0x55, 0x56));
    b.characters(3);

    expect(kept).toEqual([...Array(32).keys()]);
    expect(b.read(DR)).toBe(0x855);
    expect(b.read(DR)).toBe(0x056);
    b.write(RSR, 0);
    expect(b.read(RSR)).toBe(0);
  });

  it('carries framing, parity and break with their character', () => {
    const b = programmed();
    b.line.sendCharacter(0x141);
    b.line.sendCharacter(0x242);
    b.line.send(Uint8Array.of(0x43));
    b.characters(4);
    b.line.sendBreak('space');
    b.characters(2);
    b.line.sendBreak('mark');

    expect(b.read(RIS) & (FE | PE | BE)).toBe(FE | PE | BE);
    expect([b.read(DR), b.read(RSR)]).toEqual([0x141, 1]);
    expect([b.read(DR), b.read(RSR)]).toEqual([0x242, 2]);
    expect([b.read(DR), b.read(RSR)]).toEqual([0x043, 0]);
    expect([b.read(DR), b.read(RSR)]).toEqual([0x500, 5]);
  });

  it('hears nothing while its receiver is off', () => {
    const b = programmed(0x70, 0x101);
    b.line.send(Uint8Array.of(1));
    b.characters(3);

    expect(b.read(FR) & RXFE).toBe(RXFE);
  });
});

describe('PL011 modem lines and loopback', () => {
  it('raises an interrupt for each line that changes', () => {
    const b = programmed();
    b.line.setInputs(0x04);
    expect(b.read(RIS) & 0x0f).toBe(0x0f);
    expect(b.read(FR) & 0x107).toBe(0x100);
    b.write(ICR, 0x0f);

    expect(b.read(RIS) & 0x0f).toBe(0);
  });

  it('with CTSEn waits for CTS, and goes on when it comes', () => {
    const b = programmed(0x70, 0x8301);
    b.write(DR, 1);
    b.write(DR, 2);
    b.line.setInputs(0);
    b.characters(5);
    expect(b.sent()).toEqual([1]);
    b.line.setInputs(1);
    b.characters(1.1);

    expect(b.sent()).toEqual([2]);
  });

  it('with RTSEn stops the far end at the trigger: no overrun, nothing lost', () => {
    const b = bench('real', 'rtscts');
    b.program(0x70, 0x4301);
    b.line.send(Uint8Array.from({ length: 100 }, (_, index) => index));
    b.characters(60);
    expect(b.line.outputs & 2).toBe(0);

    const got: number[] = [];
    for (let round = 0; round < 60; round += 1) {
      while ((b.read(FR) & RXFE) === 0) got.push(b.read(DR));
      b.characters(3);
    }

    expect(got).toEqual([...Array(100).keys()]);
  });

  it('loops data and modem lines back, with the pins disconnected', () => {
    const b = programmed(0x70, 0x381 | 0x0c00);
    b.write(DR, 0x99);
    b.line.send(Uint8Array.of(0x11));
    b.characters(3);

    expect(b.read(FR) & 0x107).toBe(0x003);
    expect(b.read(DR)).toBe(0x99);
    expect(b.read(FR) & RXFE).toBe(RXFE);
    expect(b.sent()).toEqual([]);
    expect(b.line.outputs).toBe(0);
  });
});

describe('PL011 on a fast line', () => {
  it('sends at once and receives only what fits', () => {
    const b = bench('fast');
    b.program();
    for (let index = 0; index < 100; index += 1) b.write(DR, index);
    b.line.send(Uint8Array.from({ length: 100 }, (_, index) => index));
    const got: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      b.clock.fireDue();
      while ((b.read(FR) & RXFE) === 0) got.push(b.read(DR));
    }

    expect(b.sent()).toHaveLength(100);
    expect(got).toEqual([...Array(100).keys()]);
  });
});
