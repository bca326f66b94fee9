// Goal: standard chaos leaves a system a way to go on. Method: plans of many seeds for a system
// with a disk, whose configuration is read again whenever it has changed.

import { expect, it } from 'vitest';
import { Random } from '../../board/random.ts';
import { blkSystem } from '../../systems/blk.ts';
import { completeChoices } from '../../systems/system.ts';
import { pointsOf } from '../points/system-points.ts';
import { standardChaos } from './chaos.ts';

it('no fault strikes at each of its opportunities', () => {
  const built = blkSystem.build(completeChoices(blkSystem, {}));
  if (!built.ok) throw new Error('the system is built');
  const points = pointsOf(built.system);
  const chances = Array.from({ length: 500 }, (_, seed) =>
    standardChaos(points, new Random(seed)).rules.map(({ when }) => when.probability ?? 0),
  ).flat();

  expect(chances.length).toBeGreaterThan(1000);
  expect(Math.max(...chances)).toBe(0.9);
});
