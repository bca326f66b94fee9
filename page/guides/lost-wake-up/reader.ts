/** Takes what is in the ring, lets the lamp blink, and goes to sleep. */

import type { EntryPoints, ProtectionDomain } from 'sddf-testbed/microkit';
import { CAPACITY, HEAD, TAIL, VALUES, WANTED } from './ring.ts';

const BLINKS = 30;

export interface ReaderConfig {
  readonly lamp: number;
}

export function main(pd: ProtectionDomain<ReaderConfig>): EntryPoints {
  const ring = pd.region('ring');

  function takeAll(): void {
    while (ring.read32(HEAD) !== ring.read32(TAIL)) {
      const head = ring.read32(HEAD);
      const value = ring.read32(VALUES + 4 * (head % CAPACITY));
      pd.log(`sample ${head + 1}: ${(value / 1000).toFixed(1)} degrees`);
      ring.write32(HEAD, head + 1);
    }
  }

  return {
    notified() {
      takeAll();
      for (let blink = 0; blink < BLINKS; blink += 1) pd.notify(pd.config.lamp);
      ring.write32(WANTED, 1);
    },
  };
}
