/** A driver, a reader and a lamp, on the thermometer of the tutorial. */

import { system } from 'sddf-testbed/microkit';
import { main as driverMain } from './driver.ts';
import { main as lampMain } from './lamp.ts';
import { main as readerMain } from './reader.ts';
import { attachThermometer, PLACE } from './thermometer.ts';

export const attachDevices = attachThermometer;

export function build() {
  const sys = system({ name: 'samples' });
  const driver = sys.pd('driver', { program: driverMain, priority: 20 });
  const lamp = sys.pd('lamp', { program: lampMain, priority: 15 });
  const reader = sys.pd('reader', { program: readerMain, priority: 10 });

  const registers = sys.region('thermometer', { size: '4K', physAddr: PLACE.base });
  driver.map(registers, { perms: 'rw', cached: false });
  const irq = driver.irq(PLACE.irq);
  const ring = sys.region('ring', { size: '4K' });
  driver.map(ring, { perms: 'rw' });
  reader.map(ring, { perms: 'rw' });

  const toReader = sys.channel(driver, reader);
  const toLamp = sys.channel(reader, lamp);
  driver.configure(() => ({ irq: irq.value, reader: toReader.a.value }));
  reader.configure(() => ({ lamp: toLamp.a.value }));
  return sys.build();
}
