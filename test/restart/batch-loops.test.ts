/**
 * Goal: domains that die and are started again find their books as the others have kept them, by
 * the loops over batches as by their steps. Method: the same deaths in two worlds, of which one has
 * the loops: whatever is counted, how long who was down, and all of RAM at the end are the same.
 */

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Batches } from '../../memory/ram.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { WorldMemory } from '../../sim/world-memory.ts';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';
import type { Testbed } from '../../systems/testbed.ts';
import { type KillRun, killRun } from './kill-run.ts';

const QUESTIONS = 500;
const DEATHS = [6, 12];
/** Without a copier, clients return buffers themselves. */
const PATHS: readonly (readonly [path: string, domains: readonly string[]])[] = [
  ['4pd', ['ethernet_driver', 'net_virt_tx', 'net_virt_rx', 'client0']],
  ['5pd', ['client1_net_copier']],
];

interface Seen {
  readonly died: KillRun;
  readonly ram: string;
}

function see(system: SystemDescription, memory: WorldMemory, domain: string): Seen {
  let ram = '';
  const look = {
    name: 'memory',
    holds: 'memory is looked at',
    check: ({ board }: Testbed) => {
      const { u8, sizeBytes } = board.ram;
      ram = createHash('sha256').update(u8.subarray(0, sizeBytes)).digest('hex');
      return [];
    },
  };
  const kills = [{ domain, when: { nth: DEATHS } }];
  const { counters } = echo;
  const died = killRun({ system, counters, kills, amount: QUESTIONS, memory, oracles: [look] });
  return { died, ram };
}

describe.each(PATHS)('on the path of %s', (path, domains) => {
  const built = echo.build(completeChoices(echo, { path, supervised: 'on' }));
  if (!built.ok) throw new Error(built.errors.map(({ message }) => message).join('\n'));
  const { system } = built;
  const memories = (['wasm', 'steps'] as const).map((batches: Batches) => new WorldMemory(batches));

  it.each(domains)('%s dies, and it makes no difference who moved the batches', (domain) => {
    const [loops, steps] = memories.map((memory) => see(system, memory, domain));
    expect(loops?.died.outcome.verdict).toBe('passed');
    expect(loops?.died.supervisor).toMatchObject({ deaths: 2, restarts: 2 });
    expect(loops).toEqual(steps);
  });
});
