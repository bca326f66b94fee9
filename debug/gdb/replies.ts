/** Short answers that several packets have, and the reply that tells of a stop. */

import type { Cause } from '../moment.ts';
import { hexOf } from './packets.ts';

export const OK = 'OK';
/** The packet is not known here. */
export const UNKNOWN = '';
export const BAD = 'E01';
export const NO_MEMORY = 'E0e';

const SIGNALS = { interrupt: 2, illegal: 4, trap: 5, bus: 7, fpe: 8, segv: 11 } as const;
/** By number of the exception. */
const SIGNAL_OF_EXCEPTION: Readonly<Record<number, number>> = {
  2: SIGNALS.illegal,
  3: SIGNALS.trap,
  4: SIGNALS.bus,
  6: SIGNALS.bus,
};
const WATCH_REPLIES = { write: 'watch', read: 'rwatch', access: 'awatch' } as const;

/**
 * Source: "Debugging with GDB", section Stop Reply Packets.
 *
 * @param thread as in `thread:3;core:0;`
 */
export function stopReply(cause: Cause, thread: string): string {
  switch (cause.kind) {
    case 'breakpoint':
      return `T05swbreak:;${thread}`;
    case 'watch':
      return `T05${WATCH_REPLIES[cause.access]}:${cause.vaddr.toString(16)};${thread}`;
    case 'interrupt':
      return `T${hexOf([SIGNALS.interrupt])}${thread}`;
    case 'exception':
      return `T${hexOf([SIGNAL_OF_EXCEPTION[cause.cause] ?? SIGNALS.segv])}${thread}`;
    case 'begin':
    case 'end':
      return `T05replaylog:${cause.kind};${thread}`;
    case 'step':
    case 'caught':
      return `T05${thread}`;
    default:
      return cause satisfies never;
  }
}
