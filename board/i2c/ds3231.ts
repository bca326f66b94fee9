/**
 * The DS3231, a clock with a calendar: registers 0x00 to 0x12, an address pointer that counts on and
 * wraps, time in BCD that is the board's time.
 *
 * Not modelled: alarms (their registers are kept), the square wave, ageing. The temperature is 25
 * degrees. The century bit and the 12-hour mode are kept as written, not counted.
 *
 * Source: Maxim 19-5170 rev. 10, pages 11 to 18.
 */

import type { Clock } from '../clock.ts';
import type { I2cTarget } from './i2c-bus.ts';

const ADDRESS = 0x68;
const REGISTERS = 0x13;
const TIME_REGISTERS = 7;
const CONTROL = 0x0e;
const STATUS = 0x0f;
/** Oscillator Stop Flag: set at power-on, cleared by whoever sets the time. */
const STATUS_OSF = 0x80;
const TEMPERATURE = 0x11;
const NS_PER_S = 1e9;

export interface Ds3231Options {
  readonly clock: Clock;
  /** Seconds of Unix time at power-on. */
  readonly epochSeconds: number;
}

export class Ds3231 implements I2cTarget {
  readonly name = 'ds3231';
  readonly address = ADDRESS;
  readonly speedMax = 400_000;
  readonly #clock: Clock;
  readonly #registers = new Uint8Array(REGISTERS);
  /** Unix time that the chip shows, less that of the board's clock. */
  #offsetSeconds: number;
  #pointer = 0;
  #isPointerNext = false;
  #isTimeWritten = false;

  constructor({ clock, epochSeconds }: Ds3231Options) {
    this.#clock = clock;
    this.#offsetSeconds = epochSeconds;
    this.#registers[CONTROL] = 0x1c;
    this.#registers[STATUS] = STATUS_OSF | 0x08;
    this.#registers[TEMPERATURE] = 25;
  }

  /** The time is copied at a start condition, so that a second cannot pass between two reads. */
  start(way: 'read' | 'write'): boolean {
    this.#isPointerNext = way === 'write';
    this.#latchTime();
    return true;
  }

  write(byte: number): boolean {
    if (this.#isPointerNext) {
      this.#pointer = byte % REGISTERS;
      this.#isPointerNext = false;
      return true;
    }
    if (this.#pointer < TIME_REGISTERS) this.#isTimeWritten = true;
    if (this.#pointer === STATUS) this.#registers[STATUS] = this.#statusAfter(byte);
    else if (this.#pointer < TEMPERATURE) this.#registers[this.#pointer] = byte;
    this.#advance();
    return true;
  }

  read(): number {
    const byte = this.#registers[this.#pointer] as number;
    this.#advance();
    return byte;
  }

  stop(): void {
    if (!this.#isTimeWritten) return;
    this.#isTimeWritten = false;
    this.#offsetSeconds = this.#writtenSeconds() - this.#clockSeconds();
  }

  snapshot(): Record<string, unknown> {
    this.#latchTime();
    return { pointer: this.#pointer, registers: Array.from(this.#registers) };
  }

  /** OSF can only be cleared. */
  #statusAfter(byte: number): number {
    const before = this.#registers[STATUS] as number;
    return (byte & 0x7f) | (before & byte & STATUS_OSF);
  }

  #advance(): void {
    this.#pointer = (this.#pointer + 1) % REGISTERS;
  }

  #clockSeconds(): number {
    return Math.floor(this.#clock.now() / NS_PER_S);
  }

  #latchTime(): void {
    if (this.#isTimeWritten) return;
    const time = new Date((this.#offsetSeconds + this.#clockSeconds()) * 1000);
    const fields = [
      time.getUTCSeconds(),
      time.getUTCMinutes(),
      time.getUTCHours(),
      time.getUTCDay() + 1,
      time.getUTCDate(),
      time.getUTCMonth() + 1,
      time.getUTCFullYear() % 100,
    ];
    for (const [register, value] of fields.entries()) this.#registers[register] = bcd(value);
  }

  #writtenSeconds(): number {
    const field = (register: number, mask: number): number =>
      fromBcd((this.#registers[register] as number) & mask);
    const year = 2000 + field(6, 0xff);
    return (
      Date.UTC(
        year,
        field(5, 0x1f) - 1,
        field(4, 0x3f),
        field(2, 0x3f),
        field(1, 0x7f),
        field(0, 0x7f),
      ) / 1000
    );
  }
}

function bcd(value: number): number {
  return Math.floor(value / 10) * 16 + (value % 10);
}

function fromBcd(byte: number): number {
  return (byte >>> 4) * 10 + (byte & 0xf);
}
