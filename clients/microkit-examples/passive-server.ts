/** Microkit's "passive server", the server: runs on the scheduling context of whoever calls it. */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import { messageInfo, messageLabel } from '../../microkit/pd.ts';

export function main(pd: ProtectionDomain): EntryPoints {
  pd.log('SERVER|INFO: init function running');
  return {
    notified: () => pd.log('SERVER|ERROR: received a notification on an unexpected channel'),
    protected(_channel, message) {
      const expected = messageLabel(message) === 1;
      pd.log(
        expected
          ? 'SERVER|INFO: running on clients scheduling context'
          : 'SERVER|ERROR: received an unexpected message',
      );
      return messageInfo(0, 0);
    },
  };
}
