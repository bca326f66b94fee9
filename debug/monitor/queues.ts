/** Queues of a system, read from outside. */

import { flatten } from '../../microkit/model.ts';
import { queueRecords } from '../../queues/classes.ts';
import { systemQueues } from '../../systems/diagnosis.ts';
import type { Testbed } from '../../systems/testbed.ts';

/** @returns a line for each queue: how much it holds, and who is at its ends */
export function describeQueues(testbed: Testbed): readonly string[] {
  return systemQueues(testbed.system).map(({ region, capacity, kind }) => {
    const ends = endsOf(testbed, region);
    const memory = ends.map((pd) => testbed.inspect(pd, region)).find((each) => each !== undefined);
    const between = ends.join(' \u2194 ');
    if (memory === undefined) return `${region.padEnd(32)} not mapped yet; ${between}`;
    const { tail, head, indexBits } = kind;
    const [at, from] =
      indexBits === 16
        ? [memory.read16(tail), memory.read16(head)]
        : [memory.read32(tail), memory.read32(head)];
    const mask = indexBits === 16 ? 0xffff : 0xffff_ffff;
    const held = ((at - from) & mask) >>> 0;
    return `${region.padEnd(32)} ${held} of ${capacity} (tail ${at}, head ${from}); ${between}`;
  });
}

function endsOf(testbed: Testbed, region: string): readonly string[] {
  return flatten(testbed.system)
    .filter(({ pd }) => queueRecords(pd.config).some((record) => record.region === region))
    .map(({ pd }) => pd.name);
}
