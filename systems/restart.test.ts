/**
 * Goal: a restarted child runs `init` on its memory as it is, as in Microkit, or with its own
 * memory as at boot. Method: a child that leaves marks in a region of its own, in one filled from a
 * file and in one that it shares, and crashes.
 */

import { expect, it } from 'vitest';
import { system } from '../microkit/builder.ts';
import { createTestbed } from './testbed.ts';

const FILE = { path: 'file.bin', bytes: Uint8Array.of(7, 8, 9) };

/** @returns for each start of the child, what it has found in the three regions */
function run(memory: 'as it is' | 'fresh' | undefined): number[][] {
  const found: number[][] = [];
  const sys = system({ name: 'restart' });
  const regions = {
    own: sys.region('own', { size: '8K' }),
    filled: sys.region('filled', { prefill: FILE }),
    shared: sys.region('shared', { size: '4K' }),
  };
  const parent = sys.pd('parent', {
    priority: 10,
    program: (pd) => ({
      notified: () => undefined,
      fault: (child) => {
        if (found.length < 3) pd.restart(child, memory);
        else pd.stop(child);
        return 'stay';
      },
    }),
  });
  const child = parent.child('child', {
    priority: 9,
    program: (pd) => {
      const parts = [pd.region('own'), pd.region('filled'), pd.region('shared')];
      found.push([...parts.map((part) => part.read8(0)), parts[0]?.read8(8191) ?? -1]);
      for (const part of parts) part.write8(0, part.read8(0) + 1);
      parts[0]?.write8(8191, 5);
      throw new Error('crash');
    },
  });
  for (const region of Object.values(regions)) child.map(region, { perms: 'rw' });
  parent.map(regions.shared, { perms: 'r' });
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors.map(({ message }) => message).join('\n'));
  createTestbed({ system: built.system, clock: 'virtual' }).runUntilQuiet();
  return found;
}

it.each([undefined, 'as it is'] as const)('leaves memory as it is: %s', (memory) => {
  expect(run(memory)).toEqual([
    [0, 7, 0, 0],
    [1, 8, 1, 5],
    [2, 9, 2, 5],
  ]);
});

it("sets the child's own memory back to what it was at boot, and nobody else's", () => {
  expect(run('fresh')).toEqual([
    [0, 7, 0, 0],
    [0, 7, 1, 0],
    [0, 7, 2, 0],
  ]);
});
