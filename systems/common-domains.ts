/** Domains that several ready-made systems have, each the same way. */

import { main as serialDriver } from '../drivers/serial/ns16550a/driver.ts';
import { main as timerDriver } from '../drivers/timer/goldfish/driver.ts';
import type { PdBuilder, SystemBuilder } from '../microkit/builder.ts';
import { type Serial, serial } from '../microkit/sddf/serial.ts';
import { type Timer, timer } from '../microkit/sddf/timer.ts';
import { main as virtRx } from '../virtualisers/serial/rx/virt-rx.ts';
import { main as virtTx } from '../virtualisers/serial/tx/virt-tx.ts';
import { DRIVER_BUDGET, TIMER_BUDGET } from './budgets.ts';
import { timerDevice } from './devices.ts';
import { serialDevices } from './serial-devices.ts';
import type { Family } from './supervised.ts';

/** A page for the program's counters, so that they can be looked at from outside. */
export function addStats(sys: SystemBuilder, pd: PdBuilder): void {
  const stats = sys.region(`${pd.name}_stats`, { size: '4K' });
  pd.map(stats, { perms: 'rw' });
  pd.configure({ stats: stats.name });
}

/** The timer class, on the board's clock. @param priority above that of all who call it */
export function addTimer(sys: SystemBuilder, priority: number): Timer {
  return timer(sys, { device: timerDevice, driver: timerDomain(sys, priority) });
}

/** The same, with its driver's counters. */
export function addCountedTimer(sys: SystemBuilder, priority: number): Timer {
  const driver = timerDomain(sys, priority);
  addStats(sys, driver);
  return timer(sys, { device: timerDevice, driver });
}

function timerDomain(sys: SystemBuilder, priority: number): PdBuilder {
  return sys.pd('timer_driver', {
    program: timerDriver,
    image: 'drivers/timer/goldfish/driver.ts',
    priority,
    passive: true,
    ...TIMER_BUDGET,
  });
}

/** The serial class, on a 16550A, for one client beside devices of another class. */
export function addTerminal(sys: SystemBuilder, family: Pick<Family, 'pd'>): Serial {
  return serial(sys, {
    device: serialDevices.ns16550a,
    driver: family.pd('serial_driver', {
      program: serialDriver,
      image: 'drivers/serial/ns16550a/driver.ts',
      priority: 200,
      ...DRIVER_BUDGET,
    }),
    tx: family.pd('serial_virt_tx', {
      program: virtTx,
      image: 'virtualisers/serial/tx/virt-tx.ts',
      priority: 199,
    }),
    rx: family.pd('serial_virt_rx', {
      program: virtRx,
      image: 'virtualisers/serial/rx/virt-rx.ts',
      priority: 199,
    }),
    colour: 'off',
  });
}
