/**
 * The DS3231, a clock with a calendar: registers 0x00 to 0x12, an address pointer that counts on
 * and wraps, time in BCD that is the board's time.
 *
 * Not modelled: alarms (their registers are kept), the square wave, ageing. The temperature is 25
 * degrees. The century bit is not kept, and the hours are always those of a 24-hour clock.
 *
 * Source: Maxim 19-5170 rev. 10, pages 11 to 18.
 */

import type { Clock } from '../clock.ts';
import type { I2cTarget } from './i2c-bus.ts';

const ADDRESS = 0x68;
const REGISTERS = 0x13;
const TIME_REGISTERS = 7;
const WEEKDAY = 0x03;
const CONTROL = 0x0e;
const STATUS = 0x0f;
/** Oscillator Stop Flag: set at power-on, cleared by whoever sets the time. */
const STATUS_OSF = 0x80;
const TEMPERATURE = 0x11;
const NS_PER_S = 1e9;
const DAY_S = 86_400;
/** From the first of March of the year 0. */
const DAYS_TO_1970 = 719_468;

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
  /** Unix time that the chip shows, less that of the board's clock: not whole seconds, once set. */
  #offsetSeconds: number;
  #pointer = 0;
  #isPointerNext = false;
  #isTimeWritten = false;
  /** Writing the seconds begins a second, writing nothing else does: 'Clock and Calendar'. */
  #isSecondBegun = false;
  /** Days by which the weekday that was set is ahead of Sunday = 1. */
  #weekdayOffset = 0;

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
    if (this.#pointer === 0) this.#isSecondBegun = true;
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
    const written = this.#writtenSeconds();
    const shown = this.#offsetSeconds + this.#clockSeconds();
    const passed = this.#isSecondBegun ? 0 : shown - Math.floor(shown);
    this.#isSecondBegun = false;
    this.#offsetSeconds = written + passed - this.#clockSeconds();
    const weekday = (this.#registers[WEEKDAY] as number) & 7;
    this.#weekdayOffset = weekday - 1 - weekdayOf(Math.floor(written / DAY_S));
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
    return this.#clock.now() / NS_PER_S;
  }

  #latchTime(): void {
    if (this.#isTimeWritten) return;
    const now = Math.floor(this.#offsetSeconds + this.#clockSeconds());
    const [days, second] = [Math.floor(now / DAY_S), now % DAY_S];
    const { year, month, day } = dateOf(days);
    const weekday = ((weekdayOf(days) + this.#weekdayOffset + 7) % 7) + 1;
    const clock = [second % 60, Math.floor(second / 60) % 60, Math.floor(second / 3600)];
    const fields = [...clock, weekday, day, month, year % 100];
    for (const [register, value] of fields.entries()) this.#registers[register] = bcd(value);
  }

  #writtenSeconds(): number {
    const field = (register: number, mask: number): number =>
      fromBcd((this.#registers[register] as number) & mask);
    const days = daysOf({
      year: 2000 + field(6, 0xff),
      month: field(5, 0x1f),
      day: field(4, 0x3f),
    });
    return days * DAY_S + field(2, 0x3f) * 3600 + field(1, 0x7f) * 60 + field(0, 0x7f);
  }
}

interface CalendarDate {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
}

/** Days since the first of January 1970, by the Gregorian calendar; years from 1970. */
function daysOf({ year, month, day }: CalendarDate): number {
  // Years begin in March, so that a leap day is a year's last.
  const years = month <= 2 ? year - 1 : year;
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  const beforeMonth = Math.floor((153 * ((month + 9) % 12) + 2) / 5);
  return years * 365 + leapDays + beforeMonth + day - 1 - DAYS_TO_1970;
}

/** @returns 0 for a Sunday: the first of January 1970 was a Thursday */
function weekdayOf(days: number): number {
  return (days + 4) % 7;
}

function dateOf(days: number): CalendarDate {
  let year = 1970 + Math.floor(days / 366);
  while (daysOf({ year: year + 1, month: 1, day: 1 }) <= days) year += 1;
  let month = 1;
  while (month < 12 && daysOf({ year, month: month + 1, day: 1 }) <= days) month += 1;
  return { year, month, day: days - daysOf({ year, month, day: 1 }) + 1 };
}

function bcd(value: number): number {
  return Math.floor(value / 10) * 16 + (value % 10);
}

function fromBcd(byte: number): number {
  return (byte >>> 4) * 10 + (byte & 0xf);
}
