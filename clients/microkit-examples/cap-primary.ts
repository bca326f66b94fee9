/**
 * Microkit's "cap sharing", the domain that holds the TCB of another (and its own): suspends it,
 * notifies it in vain, and resumes it. The basis of a scheduler in user space.
 */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';

/** Channel of the secondary. */
const SECONDARY = 0;
/** Slots of the primary's CSpace, as the description fills them. */
export const SLOT_SECONDARY_SC = 1;
export const SLOT_SECONDARY_TCB = 2;
export const SLOT_OWN_SC = 3;
export const SLOT_OWN_TCB = 4;

export function main(pd: ProtectionDomain): EntryPoints {
  const secondaryTcb = pd.userTcb(SLOT_SECONDARY_TCB);
  const halt = (): void => {
    pd.userTcb(SLOT_OWN_TCB).suspend();
    pd.log('|primary  | error: should not reach this point! we should have suspended ourself!');
  };
  pd.log('|primary  | hello, world');
  pd.log('|primary  | notifying secondary');
  pd.notify(SECONDARY);
  pd.log('|primary  | suspending secondary');
  if (secondaryTcb.suspend() !== 0) pd.log('|primary  | error suspending TCB');
  pd.log('|primary  | notifying secondary (it should not print)');
  pd.notify(SECONDARY);
  pd.log('|primary  | resuming secondary (it should then print)');
  if (secondaryTcb.resume() !== 0) pd.log('|primary  | error resuming TCB');
  pd.log('|primary  | halting (success)...');
  halt();
  return { notified: () => undefined };
}
