/**
 * Microkit's "domains", the other side: sees one event for each of its turns, because notifications
 * coalesce while its scheduling domain does not run.
 */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';

export function main(pd: ProtectionDomain): EntryPoints {
  pd.log('collector: Waiting for an event');
  return { notified: () => pd.log('collector: Got an event') };
}
