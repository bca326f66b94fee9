/** Microkit's "passive server", the client. */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import { messageInfo } from '../../microkit/pd.ts';

/** Channel of the server. */
const SERVER = 0;

export function main(pd: ProtectionDomain): EntryPoints {
  pd.log('CLIENT|INFO: init function running');
  pd.ppcall(SERVER, messageInfo(1, 1));
  return {
    notified: () => pd.log('CLIENT|INFO: received a notification on an unexpected channel'),
  };
}
