/**
 * The serial class's part in the restart protocol (`docs/restart.md`). A byte queue lends nothing:
 * each index is written by its own end alone, and an end that is started again goes on where its
 * index says. So there is nothing to let go of; but a signal may have died with the one that was to
 * see it, so both ends look again.
 */

import { type Connections, type Member, type MemberDomain, supervised } from '../restart/member.ts';

/** The last call of a serial program's `init`: see {@link supervised}. */
export function supervisedSerial<Entry extends { notified(this: void, channel: number): void }>(
  pd: MemberDomain,
  member: Member | undefined,
  entry: Entry,
): Entry {
  const connections: Connections = {
    close: () => undefined,
    open: (channel) => {
      pd.notify(channel);
      entry.notified(channel);
    },
  };
  return supervised(member, connections, entry);
}
