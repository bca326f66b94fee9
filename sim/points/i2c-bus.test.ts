/**
 * Goal: what the plan does to an I2C bus happens, a correct driver lives with it, and one that
 * takes a byte for acknowledged that was not is found by what its client reads. Method: worlds of
 * the i2c system whose EEPROM client goes on for ever.
 */

import { describe, expect, it } from 'vitest';
import type { Device } from '../../board/device.ts';
import { i2cSystem } from '../../systems/i2c.ts';
import { attachI2c, I2C_PLACE } from '../../systems/i2c-devices.ts';
import { completeChoices } from '../../systems/system.ts';
import type { Rule } from '../plan/plan.ts';
import type { Testbed } from '../../systems/testbed.ts';
import { runWorld, type WorldSystem } from '../world.ts';

const built = i2cSystem.build(completeChoices(i2cSystem, { eeprom: 'steady' }));
if (!built.ok) throw new Error('the i2c system is built');
const { system } = built;

const INTR_STATE = 0;
const NAK = 1 << 4;

/** The controller of a driver that clears NAK and does not look at it. */
function hideNak(board: Parameters<typeof attachI2c>[0]): void {
  attachI2c(board);
  const range = board.bus.deviceAt(I2C_PLACE.base);
  const device = range?.device as Device;
  const read = device.read.bind(device);
  device.read = (offset, width) => {
    const value = read(offset, width);
    if (offset !== INTR_STATE || (value & NAK) === 0) return value;
    device.write(INTR_STATE, NAK, width);
    return value & ~NAK;
  };
}

function world(rules: readonly Partial<Rule>[], rest: Partial<WorldSystem> = {}) {
  const usual = { at: 'i2c.byte', fault: 'nak', when: {}, for: {}, parameters: {} };
  const { oracles = [], counters = {} } = i2cSystem;
  return runWorld({
    target: { system, oracles, counters, ...rest },
    plan: { name: 'test', rules: rules.map((each) => ({ ...usual, optional: 'no', ...each })) },
    seed: 1,
    forNs: 40e6,
  });
}

describe('a world with an I2C bus', () => {
  it.each([
    ['nak', { when: { probability: 0.05 } }],
    ['stretch', { when: { probability: 0.02 }, parameters: { by: 100_000 } }],
    ['stretch', { at: 'i2c.read', when: { every: 3 }, parameters: { by: 100_000 } }],
    ['collide', { when: { probability: 0.05 } }],
    ['sda', { at: 'i2c.wires', when: { timeNs: 20e6 } }],
    ['scl', { at: 'i2c.wires', when: { timeNs: 10e6 }, for: { durationNs: 5e6 } }],
  ] as const)('holds when the plan says %s', (fault, rule) => {
    const { verdict, strikes, violations } = world([{ fault, ...rule }]);
    expect({ verdict, violations }).toEqual({ verdict: 'passed', violations: [] });
    expect(strikes.filter((strike) => strike.fault === fault).length).toBeGreaterThan(0);
  });

  // A byte that a target sends is acknowledged by the controller: such a strike would do nothing.
  it.each([
    ['nak', 'notAcknowledged'],
    ['collide', 'disturbed'],
  ] as const)('has no %s that the driver does not see', (fault, counter) => {
    let seen = 0;
    const look = (testbed: Testbed) => {
      seen = testbed.counters().programs['i2c_driver']?.[counter] ?? 0;
      return [];
    };
    const oracles = [{ name: 'seen', holds: 'what the driver has seen is looked at', check: look }];
    const rules = [{ fault, when: { every: 3 } }];
    const { strikes } = world(rules, { oracles });

    expect(strikes.length).toBeGreaterThan(50);
    expect(seen).toBeGreaterThanOrEqual(strikes.length);
  });

  it('says so when a byte that was lost is taken for written', () => {
    const { verdict, violations } = world([{ when: { probability: 0.2 } }], {
      attachDevices: hideNak,
    });
    expect(verdict).toBe('failed');
    expect(violations.map(({ oracle }) => oracle)).toContain('eeprom');
  });
});
