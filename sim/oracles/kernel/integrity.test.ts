// Goal: a random program never changes what its capabilities do not reach, and gets no capability
// of the other partition's where none are granted. Method: two partitions of hostile threads; every
// object is compared before and after each kernel entry. And bugs that are planted are found.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NULL_CAP } from '../../../kernel/objects/objects.ts';
import type { Cap } from '../../../kernel/objects/objects.ts';
import type { PlacedSlot } from '../../../kernel/inspect/census.ts';
import type { Channel } from './partition-setup.ts';
import { runPartitions } from './partitions.ts';
import type { Plant } from './partitions.ts';

const RUNS = 15;
const STEPS = 300;

/** @returns the capability of a kind that is first in a list of slots */
function first<Kind extends Cap['kind']>(
  slots: readonly PlacedSlot[],
  kind: Kind,
): Cap & { kind: Kind } {
  const found = slots.map(({ slot }) => slot.cap).find((cap) => cap.kind === kind);
  if (found === undefined) throw new Error(`no ${kind} is left`);
  return found as Cap & { kind: Kind };
}

const PLANTS: readonly (readonly [what: string, message: RegExp, plant: Plant])[] = [
  [
    'sets the priority of a thread of the other',
    /tcb@0x[0-9a-f]+ priority/,
    ({ others }) => void (first(others, 'thread').tcb.priority += 1),
  ],
  [
    'changes a register of a thread of the other',
    /tcb@0x[0-9a-f]+ register word 20/,
    ({ others }) => void ((first(others, 'thread').tcb.regs[20] as number) ^= 1),
  ],
  [
    'takes time from a scheduling context of the other',
    /schedContext@0x[0-9a-f]+ budget/,
    ({ others }) => {
      const sc = first(others, 'schedContext').schedContext;
      sc.refillAmount[sc.refillHead] = (sc.refillAmount[sc.refillHead] as number) - 1;
    },
  ],
  [
    "writes to the other's memory",
    /the page at/,
    ({ k, others }) => {
      const { base } = first(others, 'frame');
      k.ram.view.setUint32(base - k.ram.base + 3000, 0x1234_5678);
    },
  ],
  [
    "maps a page in the other's address space",
    /pageTable@0x[0-9a-f]+ entry 77/,
    ({ others }) => {
      const { base } = first(others, 'frame');
      first(others, 'pageTable').table.entries[77] = {
        kind: 'page',
        base,
        sizeBits: 12,
        vmRights: 3,
        isExecutable: false,
        isDevice: false,
      };
    },
  ],
  [
    'deletes a capability of the other',
    /cnode@0x[0-9a-f]+\[\d+\]/,
    ({ others }) => {
      const placed = others.find(({ slot }) => slot.cap.kind === 'reply');
      if (placed !== undefined) placed.slot.cap = NULL_CAP;
    },
  ],
  [
    'hands out a capability of the other',
    /has got a capability of the other: thread/,
    ({ own, others }) => {
      const placed = own.find(({ slot }) => slot.cap.kind === 'reply');
      if (placed !== undefined) placed.slot.cap = first(others, 'thread');
    },
  ],
];

describe('two partitions', () => {
  it.each<Channel>(['messages', 'grants'])('keep to themselves over %s', (channel) => {
    let compared = 0;
    let across = 0;
    const property = fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (seed) => {
      const result = runPartitions({ seed, steps: STEPS, channel });
      compared += result.compared;
      across += result.across;
      expect(result.broken).toEqual([]);
    });

    fc.assert(property, { numRuns: RUNS });

    expect(compared).toBeGreaterThan(RUNS * 50);
    expect(across).toBeGreaterThan(RUNS);
  });

  it.each(PLANTS)('are told apart by a kernel that %s', (_, message, plant) => {
    const seeds = [11, 12, 13, 14, 15, 16, 17, 18];

    const found = seeds
      .map((seed) => runPartitions({ seed, steps: STEPS, channel: 'messages', plant }).broken)
      .filter((broken) => broken.length > 0);

    // Some programs end before the bug is planted, or have nothing left that it could spoil.
    for (const broken of found) expect(broken.join('\n')).toMatch(message);
    expect(found.length).toBeGreaterThan(2);
  });
});
