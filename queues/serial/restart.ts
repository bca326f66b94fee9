/**
 * The serial class's part in the restart protocol (`docs/restart.md`). A byte queue lends nothing:
 * each index is written by its own end alone, and an end that is started again goes on where its
 * index says. So there is nothing to let go of; but a signal may have died with the one that was to
 * see it, so both ends look again.
 */

import { type Connections, type Member, type MemberDomain, supervised } from '../restart/member.ts';

/**
 * What a serial program does about its neighbours.
 *
 * @param notified the program's entry point
 */
export function serialConnections(
  pd: MemberDomain,
  notified: (channel: number) => void,
): Connections {
  return {
    close: () => undefined,
    open: (channel) => {
      pd.notify(channel);
      notified(channel);
    },
  };
}

/** The last call of a serial program's `init`: see {@link supervised}. */
export function supervisedSerial<Entry extends { notified(this: void, channel: number): void }>(
  pd: MemberDomain,
  member: Member | undefined,
  entry: Entry,
): Entry {
  return supervised(member, serialConnections(pd, entry.notified), entry);
}
