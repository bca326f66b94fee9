/**
 * The i2c system: a clock, an EEPROM and a shell on one bus.
 *
 *     priority 201    timer_driver      passive
 *              200    i2c_driver ── OpenTitan's controller ── DS3231 (0x68), 24LC256 (0x50)
 *              200    serial_driver ── the UART
 *              199    ├─ i2c_virt       who has which address, and whose turn it is
 *              199    ├─ serial_virt_tx, serial_virt_rx
 *                1        ├─ clock      reads the time once a second; with `clock=shell`, the shell has it
 *                1        ├─ eeprom     writes across a page, polls, reads back
 *                1        └─ shell      `date`
 */

import { SUPERVISOR_COUNTERS } from '../clients/supervisor/counters.ts';
import { main as clockClient } from '../clients/i2c/clock.ts';
import { main as eepromClient } from '../clients/i2c/eeprom.ts';
import { main as shell } from '../clients/shell/shell.ts';
import type { SystemView } from '../clients/shell/view.ts';
import { I2C_DRIVER_COUNTERS, main as i2cDriver } from '../drivers/i2c/opentitan/driver.ts';
import { TIMER_DRIVER_COUNTERS } from '../drivers/timer/goldfish/driver.ts';
import {
  type BuildResult,
  type PdBuilder,
  system,
  type SystemBuilder,
} from '../microkit/builder.ts';
import { i2c } from '../microkit/sddf/i2c.ts';
import { I2C_VIRT_COUNTERS, main as i2cVirt } from '../virtualisers/i2c/virt.ts';
import { DRIVER_BUDGET } from './budgets.ts';
import { addCountedTimer, addStats, addTerminal } from './common-domains.ts';
import { I2C_MORE_IRQS, i2cDevice } from './i2c-devices.ts';
import { byPriority, Family, SUPERVISED_OPTIONS, SUPERVISOR_PD } from './supervised.ts';
import type { SystemModule } from './system.ts';

/** A transaction of a client that has died may be on the bus for that long. */
const PATIENCE_NS = 500_000_000;
const SPEEDS = ['100k', '400k', '1M'] as const;
const BITS: Readonly<Record<string, 100_000 | 400_000 | 1_000_000>> = {
  '100k': 100_000,
  '400k': 400_000,
  '1M': 1_000_000,
};

function build(choices: Readonly<Record<string, string>>): BuildResult {
  const sys = system({ name: 'i2c' });
  const family = new Family(sys, { choices, driverPriority: 200, patienceNs: PATIENCE_NS });
  const timers = addCountedTimer(sys, family.timerPriority);
  const driver = family.pd('i2c_driver', {
    program: i2cDriver,
    image: 'drivers/i2c/opentitan/driver.ts',
    priority: 200,
    ...DRIVER_BUDGET,
  });
  const virt = family.pd('i2c_virt', {
    program: i2cVirt,
    image: 'virtualisers/i2c/virt.ts',
    priority: 199,
  });
  for (const pd of [driver, virt]) addStats(sys, pd);
  const speed = BITS[choices['speed'] ?? ''] ?? 400_000;
  const bus = i2c(sys, { device: i2cDevice, moreIrqs: I2C_MORE_IRQS, driver, virt, speed });
  if (choices['clock'] === 'client') {
    const image = 'clients/i2c/clock.ts';
    const clock = family.pd('clock', { program: clockClient, image, priority: 1 });
    bus.addClient(clock);
    timers.addClient(clock);
  }
  const image = 'clients/i2c/eeprom.ts';
  const rounds = choices['eeprom'] === 'steady' ? 'for ever' : 'once';
  bus.addClient(
    family.pd('eeprom', { program: eepromClient, image, priority: 1, config: { rounds } }),
  );
  const shellPd = addShell(sys, family);
  bus.addClient(shellPd);
  timers.addClient(shellPd);
  family.supervise(timers, byPriority);
  return sys.build();
}

function addShell(sys: SystemBuilder, family: Family): PdBuilder {
  const view: SystemView = { pds: [], queues: [], irqs: [], regions: [], net: [], blk: [] };
  const shellPd = family.pd('shell', {
    program: shell,
    image: 'clients/shell/shell.ts',
    priority: 1,
    config: { view },
  });
  addTerminal(sys, family).addClient(shellPd);
  return shellPd;
}

export const i2cSystem: SystemModule = {
  summary: 'a clock, an EEPROM and a shell (date) on one I2C bus, through a virtualiser',
  options: {
    speed: { help: 'bits a second on the bus', choices: SPEEDS, standard: '400k' },
    eeprom: {
      help: 'writes and reads back once, or goes on for ever: for sddf sim',
      choices: ['once', 'steady'],
      standard: 'once',
    },
    clock: {
      help: 'who claims the clock: a client that prints the time, or the shell (date)',
      choices: ['client', 'shell'],
      standard: 'client',
    },
    ...SUPERVISED_OPTIONS,
  },
  counters: {
    [SUPERVISOR_PD]: SUPERVISOR_COUNTERS,
    timer_driver: TIMER_DRIVER_COUNTERS,
    i2c_driver: I2C_DRIVER_COUNTERS,
    i2c_virt: I2C_VIRT_COUNTERS,
  },
  oracles: [
    {
      name: 'eeprom',
      holds: 'what the EEPROM’s client reads back is what it wrote, whatever happens on the bus',
      check: (testbed) => {
        const mismatches = testbed.counters().programs['eeprom']?.['mismatches'] ?? 0;
        if (mismatches === 0) return [];
        return [{ where: 'eeprom', what: `${mismatches} times other bytes were read back` }];
      },
    },
  ],
  build,
};
