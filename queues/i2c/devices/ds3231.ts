/**
 * The DS3231 as a program sees it: reads and sets its time.
 *
 * Source: Maxim 19-5170 rev. 10, figure 1.
 */

import { type I2cOperation, write, writeRead } from '../client.ts';

/** Of 7 bits: the chip has no other. */
export const DS3231_ADDRESS = 0x68;
const SECONDS = 0x00;
const TIME_BYTES = 7;

/** The whole time in one transaction: it belongs together. */
export const readTime: I2cOperation = writeRead(SECONDS, TIME_BYTES);

/** A time of the chip, in numbers as people write them; it knows no time zone. */
export interface CalendarTime {
  /** 2000 to 2099. */
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  /** 1 to 7; which day is the first, is the user's choice. */
  readonly weekday: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
}

/** Writes the whole time in one transaction: it belongs together. */
export function setTime(time: CalendarTime): I2cOperation {
  const { year, month, day, weekday, hours, minutes, seconds } = time;
  const fields = [seconds, minutes, hours, weekday, day, month, year % 100];
  return write(SECONDS, ...fields.map((field) => Math.floor(field / 10) * 16 + (field % 10)));
}

/** @returns '2024-01-01 00:00:00', of what {@link readTime} has read */
export function timeText(registers: Uint8Array): string {
  const [seconds, minutes, hours, , day, month, year] = registers;
  const field = (byte = 0, mask = 0x7f): string => (byte & mask).toString(16).padStart(2, '0');
  const date = `20${field(year, 0xff)}-${field(month, 0x1f)}-${field(day, 0x3f)}`;
  return `${date} ${field(hours, 0x3f)}:${field(minutes)}:${field(seconds)}`;
}
