/**
 * Goal: a world in the memory of another is byte for byte the one that it is in memory of its own,
 * and systems fit into what is made for them. Method: worlds in a memory that is full of something
 * else beforehand; the largest of our systems.
 */

import { describe, expect, it } from 'vitest';
import { Random } from '../board/random.ts';
import type { SystemDescription } from '../microkit/model.ts';
import { echo } from '../systems/echo.ts';
import { completeChoices } from '../systems/system.ts';
import { standardChaos } from './plan/chaos.ts';
import { NO_FAULTS } from './plan/plan.ts';
import { pointsOf } from './points/system-points.ts';
import { runWorld } from './world.ts';
import { WorldMemory, worldRamBytes } from './world-memory.ts';

function systemOf(choices: Readonly<Record<string, string>>): SystemDescription {
  const built = echo.build(completeChoices(echo, choices));
  if (!built.ok) throw new Error('the echo system is built');
  return built.system;
}

describe('the memory of worlds', () => {
  it('makes no difference, whatever ran in it before', () => {
    const system = systemOf({});
    const memory = new WorldMemory();
    for (const seed of [3, 4]) {
      const plan = standardChaos(pointsOf(system), new Random(seed));
      const outcomes = [{ system, memory }, { system }].map((target) =>
        JSON.stringify(runWorld({ target, plan, seed, amount: 40 })),
      );
      expect(outcomes[0]).toBe(outcomes[1]);
      const ram = memory.take({ system });
      ram.fill(0, 0xa5, ram.u8.length);
      ram.takeStaging(1000);
    }
  });

  it('is one and the same from world to world', () => {
    const memory = new WorldMemory();
    const ram = memory.take({ system: systemOf({}) });
    expect(memory.take({ system: systemOf({}) })).toBe(ram);
    expect(memory.take({ system: systemOf({ clients: '8' }) })).not.toBe(ram);
  });

  it('is large enough for our largest system, and for regions at fixed addresses', () => {
    const largest = systemOf({ path: '4pd', clients: '32' });
    const { asked } = runWorld({
      target: { system: largest },
      plan: NO_FAULTS,
      seed: 1,
      amount: 1,
    });
    expect(asked).toBe('something');
    const small = systemOf({});
    const fixed = { ...(small.regions[0] as object), physAddr: 0xa000_0000n, size: 0x1000n };
    const high = { ...small, regions: [...small.regions, fixed] } as SystemDescription;
    expect(worldRamBytes(high)).toBeGreaterThan(0x2000_1000);
  });
});
