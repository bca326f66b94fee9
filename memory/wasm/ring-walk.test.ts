/**
 * Goal: rings are walked as one would by a cursor and a mask, wherever they begin again. Method:
 * walks over three rings of different sizes, whose places are compared with what cursors say.
 */

import { expect, test } from 'vitest';
import { Ram } from '../ram.ts';
import { add, equal, shiftLeft } from './expression.ts';
import { ModuleWriter } from './module.ts';
import { TYPE } from './opcodes.ts';
import { walkRings } from './ring-walk.ts';
import { Routine } from './routine.ts';

const PLACES_AT = 4096;
const RINGS = [
  { at: 64, mask: 7, bytes: 16 },
  { at: 1024, mask: 3, bytes: 2, direction: 'down' },
  { at: 2048, mask: 31, bytes: 12 },
] as const;

/** Called with how far, the three cursors, and the round to leave in. */
type Walk = (most: number, one: number, other: number, third: number, last: number) => number;

/** Writes down the places of each round. */
function makeWalk(ram: Ram): Walk {
  return ram.functions((pages) => {
    const module = new ModuleWriter();
    module.importMemory('host', 'memory', pages);
    const routine = new Routine(5);
    const rings = RINGS.map((ring, index) => ({ ...ring, cursor: routine.parameter(1 + index) }));
    const count = routine.let(0);
    const done = walkRings(routine, routine.parameter(0), rings, (places, leave) => {
      routine.leaveIf(leave, equal(count, routine.parameter(4)));
      for (const [index, place] of places.entries()) {
        routine.store32(add(PLACES_AT + 4 * index, shiftLeft(count, 4)), place);
      }
      count.set(add(count, 1));
    });
    const type = { parameters: new Array<number>(5).fill(TYPE.i32), results: [TYPE.i32] };
    module.exportFunction('walk', module.function(module.type(type), routine.finish(done)));
    return module.finish();
  })['walk'] as Walk;
}

test.each([
  [0, 0, 0, 0],
  [1, 7, 0, 31],
  [40, 0, 3, 0],
  [40, 5, 2, 29],
  [40, 65_530, -1, 0x7fff_fffe],
  [100, -3, 0, 0xffff_fff0],
])('%i rounds from %i, %i and %i', (most, ...cursors) => {
  const ram = new Ram({ sizeBytes: 65_536 });
  const walk = makeWalk(ram);
  const expected = (round: number): readonly number[] =>
    RINGS.map((ring, index) => {
      const cursor = cursors[index] as number;
      const slot = ('direction' in ring ? cursor - round : cursor + round) & ring.mask;
      return ring.at + slot * ring.bytes;
    });
  const [one, other, third] = cursors as unknown as readonly [number, number, number];
  for (const last of [most, most - 1, most >>> 1, 0, 1000]) {
    ram.fill(PLACES_AT, 0, 4096);
    const rounds = Math.min(most, last < 0 ? most : last);
    expect(walk(most, one, other, third, last)).toBe(rounds);
    for (let round = 0; round <= rounds; round += 1) {
      const at = (PLACES_AT >>> 2) + 4 * round;
      const wanted = round < rounds ? expected(round) : [0, 0, 0];
      expect([...ram.i32.subarray(at, at + 3)]).toEqual(wanted);
    }
  }
});
