/** Microkit's "cap sharing", the domain whose TCB another holds. */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';

export function main(pd: ProtectionDomain): EntryPoints {
  pd.log('|secondary| hello, world');
  return {
    notified(channel) {
      pd.log('|secondary| notified');
      pd.notify(channel);
    },
  };
}
