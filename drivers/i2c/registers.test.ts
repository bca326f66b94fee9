// Register numbers are written twice, in the model and in its driver, from the data sheet. Here the
// two tables are compared; and the times that the driver asks for with those of UM10204.

import { describe, expect, it } from 'vitest';
import * as model from '../../board/i2c/opentitan-registers.ts';
import * as driver from './opentitan/regs.ts';
import { timingOf } from './opentitan/timing.ts';

const CLOCK_NS = 20;

describe('the tables of driver and model', () => {
  it('agree for OpenTitan’s I2C', () => {
    const known: Readonly<Record<string, unknown>> = model;
    const both = Object.entries(driver).filter(([name]) => name in known);

    expect(both.length).toBeGreaterThan(25);
    for (const [name, value] of both) expect([name, value]).toEqual([name, known[name]]);
  });

  it('name the same interrupts', () => {
    const bit = (name: model.Interrupt): number => 1 << model.INTERRUPTS.indexOf(name);

    expect(driver.INTR_FMT_THRESHOLD).toBe(bit('fmt_threshold'));
    expect(driver.INTR_RX_THRESHOLD).toBe(bit('rx_threshold'));
    expect(driver.INTR_NAK).toBe(bit('nak'));
    expect(driver.INTR_SDA_INTERFERENCE).toBe(bit('sda_interference'));
    expect(driver.INTR_STRETCH_TIMEOUT).toBe(bit('stretch_timeout'));
    expect(driver.INTR_CMD_COMPLETE).toBe(bit('cmd_complete'));
  });
});

describe('the times of a bus', () => {
  // UM10204 rev. 7, table 10: least times in ns, and the period.
  it.each([
    [100_000, { high: 4000, low: 4700, setUpStart: 4700, holdStart: 4000, busFree: 4700 }],
    [400_000, { high: 600, low: 1300, setUpStart: 600, holdStart: 600, busFree: 1300 }],
    [1_000_000, { high: 260, low: 500, setUpStart: 260, holdStart: 260, busFree: 500 }],
  ] as const)('of %i bits a second are none too short', (speed, least) => {
    const timing = timingOf(speed, CLOCK_NS);

    for (const [name, ns] of Object.entries(least)) {
      expect(timing[name as keyof typeof least] * CLOCK_NS).toBeGreaterThanOrEqual(ns);
    }
    const period = (timing.high + timing.low + timing.rise + timing.fall) * CLOCK_NS;
    expect(period).toBeGreaterThanOrEqual(1e9 / speed);
    expect(period).toBeLessThan((1e9 / speed) * 1.02);
  });
});
