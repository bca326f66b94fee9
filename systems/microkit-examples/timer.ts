/** Microkit's example "timer": a driver in one file. */

import { main } from '../../clients/microkit-examples/timer.ts';
import { type BuildResult, system } from '../../microkit/builder.ts';
import { timerDevice } from '../devices.ts';
import type { SystemModule } from '../system.ts';

function build(): BuildResult {
  const sys = system({ name: 'timer' });
  const driver = sys.pd('timer', { program: main, image: 'clients/microkit-examples/timer.ts' });
  const registers = sys.region('timer', {
    size: timerDevice.sizeBytes,
    physAddr: timerDevice.physAddr,
  });
  driver.map(registers, { cached: false });
  driver.irq(timerDevice.irq, { id: 0 });
  return sys.build();
}

export const timer: SystemModule = {
  summary: 'a timer driver in one file, that prints the time every second',
  build,
};
