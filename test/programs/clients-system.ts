/**
 * Clients in C of the timer, serial and block classes, behind this project's drivers and
 * virtualisers in TypeScript.
 */

import { SUPERVISOR_COUNTERS } from '../../clients/supervisor/counters.ts';
import { main as serialDriver } from '../../drivers/serial/ns16550a/driver.ts';
import { type BuildResult, system } from '../../microkit/builder.ts';
import { serial } from '../../microkit/sddf/serial.ts';
import { addDisk, addTimer, DRIVER_PRIORITY } from '../../systems/blk.ts';
import { serialDevice } from '../../systems/devices.ts';
import { byPriority, Family, SUPERVISED_OPTIONS, SUPERVISOR_PD } from '../../systems/supervised.ts';
import { main as virtRx } from '../../virtualisers/serial/rx/virt-rx.ts';
import { main as virtTx } from '../../virtualisers/serial/tx/virt-tx.ts';

const IMAGES = 'programs/build/';

export const options = SUPERVISED_OPTIONS;
export const counters = { [SUPERVISOR_PD]: SUPERVISOR_COUNTERS };

export function build(choices: Readonly<Record<string, string>>): BuildResult {
  const sys = system({ name: 'clients' });
  const family = new Family(sys, { choices, driverPriority: DRIVER_PRIORITY });
  const time = addTimer(sys, family.timerPriority);
  const ticks = sys.pd('ticks', { image: `${IMAGES}timer_ticks.elf`, priority: 10 });
  time.addClient(ticks);

  const terminal = serial(sys, {
    device: serialDevice,
    driver: family.pd('serial_driver', {
      program: serialDriver,
      image: 'drivers/serial/ns16550a/driver.ts',
      priority: 200,
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
  terminal.addClient(family.pd('greeter', { image: `${IMAGES}serial_hello.elf`, priority: 10 }));

  const disk = addDisk(sys, time, 0, { kind: 'round-robin' }, { family });
  const checker = family.pd('checker', { image: `${IMAGES}blk_check.elf`, priority: 10 });
  disk.addClient(checker, { partition: 'whole' });
  family.supervise(time, byPriority);
  return sys.build();
}
