/** Queues of a system, read from outside. */

import { flatten } from '../../microkit/model.ts';
import { indexDistance, queueRecords, readIndex } from '../../queues/classes.ts';
import { systemQueues } from '../../systems/diagnosis.ts';
import type { Testbed } from '../../systems/testbed.ts';

/** @returns a line for each queue: how much it holds, and who is at its ends */
export function describeQueues(testbed: Testbed): readonly string[] {
  return systemQueues(testbed.system).map(({ region, capacity, kind }) => {
    const ends = endsOf(testbed, region);
    const memory = ends.map((pd) => testbed.inspect(pd, region)).find((each) => each !== undefined);
    const between = ends.join(' \u2194 ');
    if (memory === undefined) return `${region.padEnd(32)} not mapped yet; ${between}`;
    const tail = readIndex(kind, memory, kind.tail);
    const head = readIndex(kind, memory, kind.head);
    const held = indexDistance(kind, tail, head);
    return `${region.padEnd(32)} ${held} of ${capacity} (tail ${tail}, head ${head}); ${between}`;
  });
}

function endsOf(testbed: Testbed, region: string): readonly string[] {
  return flatten(testbed.system)
    .filter(({ pd }) => queueRecords(pd.config).some((record) => record.region === region))
    .map(({ pd }) => pd.name);
}
