/**
 * Goal: counters count, privately or in a region, where the holder of the region reads them by
 * name.
 */

import { expect, it } from 'vitest';
import { Ram } from '../memory/ram.ts';
import { Region } from '../memory/region.ts';
import { counterNames, Counters, readCounters } from './counters.ts';

const NAMES = counterNames('packets', 'bytes');

function regionOf(sizeBytes: number): Region {
  return new Region({ ram: new Ram({ sizeBytes: 65_536 }), at: 64, sizeBytes, vaddr: 0 });
}

it('counts in private without a region', () => {
  const counters = new Counters(NAMES);
  counters.add(NAMES.bytes, 1500);
  counters.add(NAMES.bytes, 1);

  expect(counters.read()).toEqual({ packets: 0, bytes: 1501 });
});

it('counts in a region, as doubles in the order of the names, beyond 32 bits', () => {
  const region = regionOf(16);
  const counters = new Counters(NAMES, region);
  counters.add(NAMES.packets, 3);
  counters.add(NAMES.bytes, 2 ** 40 + 1);

  expect(readCounters(NAMES, region)).toEqual({ packets: 3, bytes: 2 ** 40 + 1 });
  const bytes = new Uint8Array(16);
  region.read(0, bytes);
  expect(new DataView(bytes.buffer).getFloat64(8, true)).toBe(2 ** 40 + 1);
});

it('goes on from what the region holds, as after a restart', () => {
  const region = regionOf(16);
  new Counters(NAMES, region).add(NAMES.packets, 5);
  const again = new Counters(NAMES, region);
  again.add(NAMES.packets, 1);

  expect(again.read().packets).toBe(6);
});

it('refuses a region that is too small', () => {
  expect(() => new Counters(NAMES, regionOf(8))).toThrow('does not hold 2 counters');
});
