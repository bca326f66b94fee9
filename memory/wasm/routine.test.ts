/**
 * Goal: statements and expressions are what they read like, and a copy of any length is that length
 * and no byte more. Method: routines are instantiated and compared with the same in TypeScript.
 */

import { describe, expect, test } from 'vitest';
import { Ram } from '../ram.ts';
import { copyBytes } from './copy.ts';
import * as e from './expression.ts';
import { ModuleWriter } from './module.ts';
import { TYPE } from './opcodes.ts';
import { Routine } from './routine.ts';
import { load64 } from './wide-expression.ts';

type Loop = (...given: number[]) => number;

function instantiate(parameters: number, write: (routine: Routine) => e.Operand): [Loop, Ram] {
  const ram = new Ram({ sizeBytes: 65_536 });
  const exported = ram.functions((pages) => {
    const module = new ModuleWriter();
    module.importMemory('host', 'memory', pages);
    const routine = new Routine(parameters);
    const body = routine.finish(write(routine));
    const type = { parameters: new Array<number>(parameters).fill(TYPE.i32), results: [TYPE.i32] };
    module.exportFunction('f', module.function(module.type(type), body));
    return module.finish();
  });
  return [exported['f'] as Loop, ram];
}

const NUMBERS = [0, 1, 2, 7, -1, -8, 2 ** 31 - 1, -(2 ** 31)];
const PAIRS = NUMBERS.flatMap((one) => NUMBERS.map((other) => [one, other] as const));

describe('expressions', () => {
  test.each<
    [string, (a: e.Operand, b: e.Operand) => e.Expression, (a: number, b: number) => unknown]
  >([
    ['add', e.add, (a, b) => a + b],
    ['subtract', e.subtract, (a, b) => a - b],
    ['and', e.and, (a, b) => a & b],
    ['or', e.or, (a, b) => a | b],
    ['exclusiveOr', e.exclusiveOr, (a, b) => a ^ b],
    ['shiftLeft', e.shiftLeft, (a, b) => a << b],
    ['shiftRight', e.shiftRight, (a, b) => a >>> b],
    ['equal', e.equal, (a, b) => a === b],
    ['notEqual', e.notEqual, (a, b) => a !== b],
    ['less', e.less, (a, b) => a < b],
    ['atMost', e.atMost, (a, b) => a <= b],
    ['more', e.more, (a, b) => a > b],
    ['atLeast', e.atLeast, (a, b) => a >= b],
    ['below', e.below, (a, b) => a >>> 0 < b >>> 0],
    ['notBelow', e.notBelow, (a, b) => a >>> 0 >= b >>> 0],
    ['choose', (a, b) => e.choose(a, b, 9), (a, b) => (a === 0 ? 9 : b)],
  ])('%s', (_, expression, expected) => {
    const [f] = instantiate(2, (r) => expression(r.parameter(0), r.parameter(1)));
    for (const [a, b] of PAIRS) expect(f(a, b), `${a}, ${b}`).toBe(Number(expected(a, b)) | 0);
  });
});

describe('statements', () => {
  test('a loop counts how often it has run to its end', () => {
    const [f, ram] = instantiate(2, (routine) => {
      const [most, last] = [routine.parameter(0), routine.parameter(1)];
      return routine.countUp(most, (index, leave) => {
        routine.store8(index, 1);
        routine.leaveIf(leave, e.equal(index, last));
      });
    });
    expect([f(0, 9), f(5, 9), f(5, 2), f(1, 0)]).toEqual([0, 5, 2, 0]);
    expect([...ram.u8.subarray(0, 6)]).toEqual([1, 1, 1, 1, 1, 0]);
  });

  test('a condition chooses, and a return leaves everything', () => {
    const [f] = instantiate(1, (routine) => {
      const value = routine.parameter(0);
      routine.rarely(e.equal(value, 7), () => routine.return(70));
      const chosen = routine.let(0);
      routine.when(
        e.less(value, 3),
        () => chosen.set(1),
        () => chosen.set(2),
      );
      return chosen;
    });
    expect([f(2), f(3), f(7)]).toEqual([1, 2, 70]);
  });

  test('stores write as many bytes as they say', () => {
    const [f, ram] = instantiate(1, (routine) => {
      const at = routine.parameter(0);
      routine.store32(at, -1);
      routine.store16(at, 0x1234, 8);
      routine.store8(at, 0x56, 12);
      routine.store64(e.add(at, 16), load64(at));
      return e.add(e.load16(at, 8), e.load8(at, 12));
    });
    expect(f(65)).toBe(0x1234 + 0x56);
    expect([...ram.u8.subarray(64, 90)]).toEqual([
      0, 255, 255, 255, 255, 0, 0, 0, 0, 0x34, 0x12, 0, 0, 0x56, 0, 0, 0, 255, 255, 255, 255, 0, 0,
      0, 0, 0,
    ]);
  });
});

test('a copy is as long as it is to be, whatever its length', () => {
  const ram = new Ram({ sizeBytes: 65_536 });
  const { copy } = ram.functions((pages) => {
    const module = new ModuleWriter();
    module.importMemory('host', 'memory', pages);
    const routine = new Routine(3);
    copyBytes(routine, routine.parameter(0), routine.parameter(1), routine.parameter(2));
    const type = module.type({ parameters: [TYPE.i32, TYPE.i32, TYPE.i32], results: [] });
    module.exportFunction('copy', module.function(type, routine.finish()));
    return module.finish();
  }) as { copy: (to: number, from: number, lengthBytes: number) => void };
  for (let at = 0; at < 2048; at += 1) ram.u8[at] = at * 7;
  for (const length of [
    0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 80, 127, 128, 129, 511, 512, 513, 1514,
  ]) {
    const to = 4096 + (length % 5);
    ram.fill(4080, 0xa5, 2048);
    copy(to, 3, length);
    expect([...ram.u8.subarray(to, to + length)]).toEqual([...ram.u8.subarray(3, 3 + length)]);
    expect([ram.u8[to - 1], ram.u8[to + length]]).toEqual([0xa5, 0xa5]);
  }
});
