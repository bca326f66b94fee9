/**
 * Goal: what the encoder writes is what V8 reads. Method: small modules are made, instantiated and
 * called, and integers around every border of LEB128 come back unchanged.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Code } from './code.ts';
import { ModuleWriter } from './module.ts';
import { ACCESS, OP, TYPE } from './opcodes.ts';

const PAGES = 1;

/**
 * Instantiates a module with one exported function `f` that has two i32 parameters and one result.
 */
function instantiate(
  result: number,
  write: (code: Code) => void,
): (a: number, b: number) => unknown {
  const module = new ModuleWriter();
  module.importMemory('host', 'memory', PAGES);
  const code = new Code(2);
  write(code);
  const type = module.type({ parameters: [TYPE.i32, TYPE.i32], results: [result] });
  module.exportFunction('f', module.function(type, code.finish()));
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
  const compiled = new WebAssembly.Module(module.finish());
  const { exports } = new WebAssembly.Instance(compiled, { host: { memory } });
  return exports['f'] as (a: number, b: number) => unknown;
}

const BORDERS = [0, 1, 63, 64, 127, 128, 8191, 8192, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 52];

describe('constants', () => {
  test.each(BORDERS.flatMap((each) => [each, -each - 1]))('i64.const %d', (value) => {
    expect(instantiate(TYPE.i64, (code) => code.i64(value))(0, 0)).toBe(BigInt(value));
  });

  test('any i32 and any pair of halves come back', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (low, high) => {
        const both = instantiate(TYPE.i64, (code) => code.i64Halves(low, high));

        expect(instantiate(TYPE.i32, (code) => code.i32(low))(0, 0)).toBe(low);
        expect(both(0, 0)).toBe((BigInt(high) << 32n) | BigInt(low >>> 0));
      }),
      { numRuns: 50 },
    );
  });

  test('f64.const', () => {
    expect(instantiate(TYPE.f64, (code) => code.f64(-0.1))(0, 0)).toBe(-0.1);
  });
});

describe('control', () => {
  /** Sum of 1..a by a loop; leaves by the label of the block around it. */
  test('labels name constructs, whatever the depth', () => {
    const sum = instantiate(TYPE.i32, (code) => {
      const total = code.local(TYPE.i32);
      const done = code.block();
      const again = code.loop();
      code.get(0);
      code.op(OP.i32Eqz);
      code.brIf(done);
      code.get(total);
      code.get(0);
      code.op(OP.i32Add);
      code.set(total);
      code.get(0);
      code.i32(1);
      code.op(OP.i32Sub);
      code.set(0);
      code.br(again);
      code.end();
      code.end();
      code.get(total);
    });

    expect(sum(10, 0)).toBe(55);
  });

  test('br_table chooses by index, and the last label behind its end', () => {
    const choose = instantiate(TYPE.i32, (code) => {
      const other = code.block();
      const one = code.block();
      const zero = code.block();
      code.get(0);
      code.brTable([zero, one], other);
      code.end();
      code.i32(100);
      code.op(OP.return);
      code.end();
      code.i32(101);
      code.op(OP.return);
      code.end();
      code.i32(199);
    });

    expect([choose(0, 0), choose(1, 0), choose(2, 0), choose(-1, 0)]).toEqual([100, 101, 199, 199]);
  });

  test('if and else', () => {
    const larger = instantiate(TYPE.i32, (code) => {
      code.get(0);
      code.get(1);
      code.op(OP.i32GtS);
      code.if();
      code.get(0);
      code.set(1);
      code.else();
      code.op(OP.nop);
      code.end();
      code.get(1);
    });

    expect([larger(3, 4), larger(5, 4)]).toEqual([4, 5]);
  });

  test('a branch to a construct that is closed is our bug', () => {
    const code = new Code(0);
    const label = code.block();
    code.end();

    expect(() => code.br(label)).toThrow(/construct around it/);
  });
});

test('memory, locals of several types, and calls through the table', () => {
  const module = new ModuleWriter();
  module.importMemory('host', 'memory', PAGES);
  module.importTable('host', 'table', 3);
  const type = module.type({ parameters: [TYPE.i32], results: [TYPE.i32] });
  const twice = module.importFunction('host', 'twice', type);
  const code = new Code(1);
  const wide = code.local(TYPE.i64);
  const narrow = code.local(TYPE.i32);
  code.get(0);
  code.op(OP.i64ExtendI32U);
  code.set(wide);
  code.i32(8);
  code.get(wide);
  code.access(ACCESS.i64Store, 300);
  code.i32(8);
  code.access(ACCESS.i32Load, 300);
  code.set(narrow);
  code.get(narrow);
  code.i32(2);
  code.callIndirect(type);
  const own = module.function(type, code.finish());
  module.exportFunction('f', own);
  module.element(2, twice);
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });

  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), {
    host: {
      memory,
      table: new WebAssembly.Table({ element: 'anyfunc', initial: 3 }),
      twice: (value: number) => value * 2,
    },
  });

  expect((instance.exports['f'] as (a: number) => number)(21)).toBe(42);
  expect(new DataView(memory.buffer).getUint32(308, true)).toBe(21);
});

test('variables keep their value from one call to the next', () => {
  const module = new ModuleWriter();
  module.importMemory('host', 'memory', PAGES);
  const narrow = module.global(TYPE.i32);
  const wide = module.global(TYPE.i64);
  const code = new Code(1);
  code.globalGet(wide);
  code.get(0);
  code.op(OP.i64ExtendI32S);
  code.op(OP.i64Add);
  code.globalSet(wide);
  code.globalGet(wide);
  code.op(OP.i32WrapI64);
  code.globalSet(narrow);
  code.globalGet(narrow);
  const type = module.type({ parameters: [TYPE.i32], results: [TYPE.i32] });
  module.exportFunction('f', module.function(type, code.finish()));
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });

  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), {
    host: { memory },
  });
  const add = exports['f'] as (a: number) => number;

  expect([add(3), add(-5), add(100)]).toEqual([3, -2, 98]);
});
