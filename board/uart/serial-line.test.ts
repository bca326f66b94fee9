// The line: what a receiver with another format makes of the characters, and the ring towards the
// host.

import { describe, expect, it } from 'vitest';
import type { LineFormat, SerialEnd } from '../serial-wire.ts';
import { characterNs, formatName, frameBits, sameFormat } from '../serial-wire.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { FrameSampler } from './frame-sampler.ts';
import { SerialLine } from './serial-line.ts';

const F115200: LineFormat = { baud: 115_200, dataBits: 8, parity: 'none', stopBits: 1 };
const FRAMING = 0x100;
const PARITY = 0x200;
const BREAK = 0x400;

function sample(sender: LineFormat, receiver: LineFormat, bytes: readonly number[]): number[] {
  const received: number[] = [];
  const sampler = new FrameSampler(sender, receiver, (character) => received.push(character));
  for (const byte of bytes) sampler.send(byte, 0);
  sampler.idleUntil(1e12);
  return received;
}

describe('line formats', () => {
  it('count their bits and have their usual names', () => {
    expect(frameBits({ ...F115200, dataBits: 7, parity: 'even', stopBits: 2 })).toBe(11);
    expect(formatName({ ...F115200, parity: 'odd' })).toBe('115200 8O1');
  });

  it('are the same within the tolerance of a receiver, whatever the stop bits', () => {
    expect(sameFormat(F115200, { ...F115200, baud: 117_000, stopBits: 2 })).toBe(true);
    expect(sameFormat(F115200, { ...F115200, baud: 120_000 })).toBe(false);
    expect(sameFormat(F115200, { ...F115200, parity: 'even' })).toBe(false);
  });
});

describe('a receiver in another format', () => {
  it.each([1, 0.98, 1.02])('at %f of the baud rate still receives every byte', (factor) => {
    const bytes = Array.from({ length: 256 }, (_, index) => index);

    expect(sample(F115200, { ...F115200, baud: 115_200 * factor }, bytes)).toEqual(bytes);
  });

  it('at half the sender’s rate sees fewer characters, with framing errors', () => {
    const received = sample(F115200, { ...F115200, baud: 57_600 }, [0x55, 0x33, 0x0f, 0x41]);

    expect(received.length).toBeLessThan(4);
    expect(received).not.toContain(0x55);
  });

  it('at twice the sender’s rate sees garbage: each bit twice', () => {
    // 0x00: start and eight spaces of the sender are eighteen spaces of the receiver: a break, then
    // garbage.
    expect(sample(F115200, { ...F115200, baud: 230_400 }, [0x00])[0]).toBe(FRAMING | BREAK);
    // 0xff: one space of the sender is start and a 0; the rest is mark.
    expect(sample(F115200, { ...F115200, baud: 230_400 }, [0xff])).toEqual([0xfe]);
  });

  it('with parity takes the stop bit for it, and checks it', () => {
    const even: LineFormat = { ...F115200, parity: 'even' };

    // 0x01 has one 1, so even parity is 1: the sender's stop bit happens to be right. 0x03 wants 0.
    expect(sample(F115200, even, [0x01])).toEqual([0x01]);
    expect(sample(F115200, even, [0x03])).toEqual([0x03 | PARITY]);
  });

  it('without parity takes the parity bit for the stop bit', () => {
    const odd: LineFormat = { ...F115200, parity: 'odd' };

    expect(sample(odd, F115200, [0x01])).toEqual([0x01 | FRAMING]);
    expect(sample(odd, F115200, [0x03])).toEqual([0x03]);
  });

  it('with seven bits has the eighth for its stop bit', () => {
    const seven: LineFormat = { ...F115200, dataBits: 7 };

    expect(sample(F115200, seven, [0xc1])).toEqual([0x41]);
    expect(sample(F115200, seven, [0x41])).toEqual([0x41 | FRAMING]);
  });
});

class Collector implements SerialEnd {
  readonly received: number[] = [];
  receive(character: number): void {
    this.received.push(character);
  }
  breakChanged(): void {}
  inputsChanged(): void {}
  lineReady(): void {}
  room(): number {
    return 16;
  }
}

describe('the line', () => {
  it('holds input until the UART has been programmed', () => {
    const clock = new VirtualClock();
    const line = new SerialLine({ clock, rate: 'real' });
    const end = new Collector();
    line.attach(end);
    line.send(Uint8Array.of(1, 2, 3));
    clock.runUntil(1e9);
    expect(end.received).toEqual([]);

    line.setFormat(F115200);
    clock.runUntil(1e9 + 2.5 * characterNs(F115200));

    expect(end.received).toEqual([1, 2]);
  });

  it('gives both ends garbage when the host has set another format', () => {
    const clock = new VirtualClock();
    const line = new SerialLine({ clock, rate: 'real' });
    const end = new Collector();
    line.attach(end);
    line.setFormat(F115200);
    line.setFarFormat({ ...F115200, baud: 9600 });
    line.send(Uint8Array.of(0x41));
    for (let index = 0; index < 8; index += 1) {
      clock.runUntil(clock.now() + characterNs(F115200));
      line.transmit(0x55);
    }
    clock.runUntil(clock.now() + 1e8);

    expect(end.received.length).toBeGreaterThan(1);
    expect(end.received).not.toContain(0x41);
    expect(line.counters.framingErrors + line.outputLength()).toBeGreaterThan(0);
    expect(line.outputLength()).toBeLessThan(8);
  });

  it('takes only what fits, and says when there is room again', () => {
    const clock = new VirtualClock();
    const line = new SerialLine({ clock, rate: 'fast', inputCharacters: 8 });
    const end = new Collector();
    let rooms = 0;
    line.attach(end);
    line.setFarEnd({
      outputArrived: () => undefined,
      inputRoom: () => (rooms += 1),
      formatChanged: () => undefined,
      outputsChanged: () => undefined,
      breakChanged: () => undefined,
    });

    expect(line.send(new Uint8Array(20))).toBe(8);
    line.setFormat(F115200);
    clock.fireDue();

    expect(end.received).toHaveLength(8);
    expect(rooms).toBe(1);
  });
});
