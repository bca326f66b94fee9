/**
 * Puts each sample into a ring in shared memory. It signals only when the reader has asked for it,
 * as sDDF's queues do: a reader that is at work finds the next sample by itself.
 */

import type { EntryPoints, ProtectionDomain } from 'sddf-testbed/microkit';
import { CAPACITY, PERIOD_US, SAMPLES, TAIL, VALUES, WANTED } from './ring.ts';

const CONTROL = 0x04;
const PERIOD = 0x08;
const SAMPLE = 0x0c;

export interface DriverConfig {
  readonly irq: number;
  readonly reader: number;
}

export function main(pd: ProtectionDomain<DriverConfig>): EntryPoints {
  const device = pd.deviceRegion('thermometer');
  const ring = pd.region('ring');
  ring.write32(WANTED, 1);
  device.write32(PERIOD, PERIOD_US);
  device.write32(CONTROL, 1);
  return {
    notified(channel) {
      const value = device.read32(SAMPLE);
      const tail = ring.read32(TAIL);
      ring.write32(VALUES + 4 * (tail % CAPACITY), value);
      ring.write32(TAIL, tail + 1);
      if (tail + 1 === SAMPLES) device.write32(CONTROL, 0); // that was the last one
      pd.irqAck(channel);
      if (ring.read32(WANTED) === 0) return;
      ring.write32(WANTED, 0);
      pd.notify(pd.config.reader);
    },
  };
}
