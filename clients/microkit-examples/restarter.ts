/** Microkit's "hierarchy", the parent: restarts a crashing child nine times and then stops it. */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import { messageInfo } from '../../microkit/pd.ts';

const RESTARTS = 10;

export function main(pd: ProtectionDomain): EntryPoints {
  let faults = 0;
  pd.log('restarter: starting');
  return {
    notified: () => undefined,
    protected() {
      pd.log('restarter: received protected message');
      return messageInfo(0, 0);
    },
    fault(child) {
      pd.log(`restarter: received fault message for child pd: ${child}`);
      faults += 1;
      if (faults < RESTARTS) {
        pd.restart(child);
        pd.log('restarter: restarted');
      } else {
        pd.stop(child);
        pd.log('restarter: too many restarts - PD stopped');
      }
      return 'stay'; // it has been restarted or stopped: there is nothing to reply to
    },
  };
}
