/**
 * The DS3231 as a program sees it: reads and sets its time.
 *
 * Source: Maxim 19-5170 rev. 10, figure 1.
 */

import { type I2cOperation, write, writeRead } from './bus-client.ts';

export const DS3231_ADDRESS = 0x68;
const SECONDS = 0x00;
const TIME_BYTES = 7;

/** The whole time in one transaction: it belongs together. */
export const readTime: I2cOperation = writeRead(SECONDS, TIME_BYTES);

/** @param time from the year 2000 to 2099 */
export function setTime(time: Date): I2cOperation {
  const fields = [
    time.getUTCSeconds(),
    time.getUTCMinutes(),
    time.getUTCHours(),
    time.getUTCDay() + 1,
    time.getUTCDate(),
    time.getUTCMonth() + 1,
    time.getUTCFullYear() % 100,
  ];
  return write(SECONDS, ...fields.map((field) => Math.floor(field / 10) * 16 + (field % 10)));
}

/** @returns '2024-01-01 00:00:00', of what {@link readTime} has read */
export function timeText(registers: Uint8Array): string {
  const [seconds, minutes, hours, , day, month, year] = registers;
  const field = (byte = 0, mask = 0x7f): string => (byte & mask).toString(16).padStart(2, '0');
  const date = `20${field(year, 0xff)}-${field(month, 0x1f)}-${field(day, 0x3f)}`;
  return `${date} ${field(hours, 0x3f)}:${field(minutes)}:${field(seconds)}`;
}
