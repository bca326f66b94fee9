/** Where in RAM the indices lie at which a domain and its peers look: those of all its queues. */

import type { UserThread } from '../../kernel/user.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import { queueRecords } from '../../queues/classes.ts';
import { locateRegion } from '../../systems/trace/queue-probes.ts';

/** Indices of the typed arrays over RAM, as texts: that is what a proxy is asked for. */
export interface LookedAt {
  readonly halfwords: ReadonlySet<string>;
  readonly words: ReadonlySet<string>;
}

export function looksOf(system: SystemDescription, domain: string, thread: UserThread): LookedAt {
  const halfwords = new Set<string>();
  const words = new Set<string>();
  const described = flatten(system).find(({ pd }) => pd.name === domain)?.pd;
  if (described === undefined) return { halfwords, words };
  for (const record of queueRecords(described.config)) {
    const place = locateRegion(system, described, record.region, thread);
    if (place === undefined) continue;
    const { tail, head, indexBits } = record.kind;
    for (const at of [place.at + tail, place.at + head]) {
      if (indexBits === 16) halfwords.add(String(at >>> 1));
      else words.add(String(at >>> 2));
    }
  }
  return { halfwords, words };
}
