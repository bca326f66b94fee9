/**
 * Goal: driver and device model have the same registers. Each has its own table; the numbers are
 * written a third time.
 */

import { expect, it } from 'vitest';
import { GOLDFISH_RTC } from '../../../board/goldfish-rtc.ts';
import * as regs from './regs.ts';

const TABLE = {
  TIME_LOW: 0x00,
  TIME_HIGH: 0x04,
  ALARM_LOW: 0x08,
  ALARM_HIGH: 0x0c,
  IRQ_ENABLED: 0x10,
  CLEAR_ALARM: 0x14,
  ALARM_STATUS: 0x18,
  CLEAR_INTERRUPT: 0x1c,
};

it('the registers of the driver are those of the model', () => {
  expect({ ...regs }).toEqual(TABLE);
  expect({ ...GOLDFISH_RTC }).toEqual(TABLE);
});
