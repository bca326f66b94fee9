/** Microkit's "domains", one side: notifies as often as it can. */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';

const COLLECTOR = 0;
const EVENTS = 100_000;
const SAY_EVERY = 10_000;

export function main(pd: ProtectionDomain): EntryPoints {
  pd.log('emitter: starting to emit events...');
  for (let event = 1; event <= EVENTS; event += 1) {
    pd.notify(COLLECTOR);
    if (event % SAY_EVERY === 0) pd.log('emitter: still emitting events...');
  }
  pd.log('emitter: done emitting events');
  return { notified: () => undefined };
}
