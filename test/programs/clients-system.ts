/**
 * Clients in C of the timer, serial and block classes, behind this project's drivers and
 * virtualisers in TypeScript.
 */

import { SUPERVISOR_COUNTERS } from '../../clients/supervisor/counters.ts';
import { type BuildResult, system } from '../../microkit/builder.ts';
import { addDisk, DRIVER_PRIORITY } from '../../systems/blk.ts';
import { addTerminal, addTimer } from '../../systems/common-domains.ts';
import { byPriority, Family, SUPERVISED_OPTIONS, SUPERVISOR_PD } from '../../systems/supervised.ts';

const IMAGES = 'programs/build/';

export const options = SUPERVISED_OPTIONS;
export const counters = { [SUPERVISOR_PD]: SUPERVISOR_COUNTERS };

export function build(choices: Readonly<Record<string, string>>): BuildResult {
  const sys = system({ name: 'clients' });
  const family = new Family(sys, { choices, driverPriority: DRIVER_PRIORITY });
  const time = addTimer(sys, family.timerPriority);
  const ticks = sys.pd('ticks', { image: `${IMAGES}timer_ticks.elf`, priority: 10 });
  time.addClient(ticks);

  const terminal = addTerminal(sys, family);
  terminal.addClient(family.pd('greeter', { image: `${IMAGES}serial_hello.elf`, priority: 10 }));

  const disk = addDisk(sys, time, 0, { kind: 'round-robin' }, { family });
  const checker = family.pd('checker', { image: `${IMAGES}blk_check.elf`, priority: 10 });
  disk.addClient(checker, { partition: 'whole' });
  family.supervise(time, byPriority);
  return sys.build();
}
