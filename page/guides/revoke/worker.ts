/** Works when it is told to. */

import type { EntryPoints, ProtectionDomain } from 'sddf-testbed/microkit';

export function main(pd: ProtectionDomain<never>): EntryPoints {
  let times = 0;
  return {
    notified() {
      times += 1;
      pd.log(`I work, for the ${times}. time`);
    },
  };
}
