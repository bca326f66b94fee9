// Register numbers are written twice, once in each model and once in its driver, from the data
// sheet. Here the two tables are compared: the only place that sees both.

import { describe, expect, it } from 'vitest';
import * as ns16550aModel from '../../board/uart/ns16550a-registers.ts';
import * as pl011Model from '../../board/uart/pl011-registers.ts';
import * as ns16550aDriver from './ns16550a/regs.ts';
import * as pl011Driver from './pl011/regs.ts';

function shared(
  driver: Record<string, unknown>,
  model: Record<string, unknown>,
): [string, unknown, unknown][] {
  return Object.entries(driver).flatMap(([name, value]) =>
    name in model ? [[name, value, model[name]] as [string, unknown, unknown]] : [],
  );
}

describe('register tables of driver and model', () => {
  it('agree for the NS16550A', () => {
    const both = shared(ns16550aDriver, ns16550aModel);

    expect(both.length).toBeGreaterThan(30);
    for (const [name, driver, model] of both) expect([name, driver]).toEqual([name, model]);
  });

  it('agree for the PL011, whose driver writes the register before each bit', () => {
    const prefixed = Object.fromEntries(
      Object.entries(pl011Driver).map(([name, value]) => [name.replace(/^UART(?=.*_)/, ''), value]),
    );
    const renamed = { ...prefixed, UARTLCR_H: pl011Driver.UARTLCR_H };
    const both = shared(renamed, pl011Model);

    expect(both.map(([name]) => name)).toContain('CR_UARTEN');
    expect(both.length).toBeGreaterThan(24);
    for (const [name, driver, model] of both) expect([name, driver]).toEqual([name, model]);
  });
});
