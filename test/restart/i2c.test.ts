/**
 * Any domain of the i2c class may die: what is on the bus ends, its transaction fails once, and the
 * others' go on. Worlds in which an EEPROM's client writes and reads back for ever, a clock's reads
 * the time, and one domain dies at its wake-ups; all oracles speak.
 *
 * `npm test` takes a few wake-ups of each; SDDF_RESTART_EVERY=1 takes every one of the first 300.
 */

import { expect, it } from 'vitest';
import { WorldMemory } from '../../sim/world-memory.ts';
import { i2cSystem } from '../../systems/i2c.ts';
import { completeChoices } from '../../systems/system.ts';
import { described } from '../support/echo-testbed.ts';
import { type Kill, killRun, type KillRun } from './kill-run.ts';

const EVERY = Number(process.env['SDDF_RESTART_EVERY'] ?? 149);
const FOR_NS = 60_000_000;
const FLOWS_WITHIN_NS = 10_000_000;
/** So often each is woken within the time of a world. */
const WAKE_UPS: Readonly<Record<string, number>> = {
  i2c_driver: 300,
  i2c_virt: 300,
  eeprom: 300,
  clock: 1,
  serial_driver: 1,
};

const choices = completeChoices(i2cSystem, { eeprom: 'steady', supervised: 'on' });
const system = described(i2cSystem.build(choices));
const memory = new WorldMemory();

function run(kills: readonly Kill[]): KillRun {
  const { counters, oracles = [] } = i2cSystem;
  return killRun({ system, counters, oracles, kills, amount: 20, forNs: FOR_NS, memory });
}

/** Written and read back by the EEPROM's client since it was started last. */
function rounds({ counters }: KillRun): number {
  return counters['eeprom']?.['rounds'] ?? 0;
}

const whole = rounds(run([]));

it.each(Object.entries(WAKE_UPS))(
  '%s dies when it is woken, and the bus goes on',
  (domain, last) => {
    for (let nth = 1; nth <= last; nth += EVERY) {
      const died = run([{ domain, when: { nth: [nth] } }]);
      const what = `${domain} at wake-up ${nth}`;

      expect([what, died.outcome.verdict, died.outcome.violations]).toEqual([what, 'passed', []]);
      const expected = { deaths: 1, restarts: 1, givenUp: 0, unanswered: 0, pretended: 0 };
      expect([what, died.supervisor]).toEqual([what, expect.objectContaining(expected)]);
      expect(died.downNs.get(domain), `${what}: is down`).toBeLessThan(FLOWS_WITHIN_NS);
      // Of one that was not killed itself, next to nothing is missing.
      if (domain === 'eeprom') expect(rounds(died), what).toBeGreaterThan(0);
      else expect(rounds(died), what).toBeGreaterThanOrEqual(whole - 2);
    }
  },
);
