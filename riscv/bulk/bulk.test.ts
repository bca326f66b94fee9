/**
 * Goal: a bulk function that is done at once leaves memory, result and faults as its code does, and
 * counts alike in both engines. Method: plain functions in assembly are called with ranges inside,
 * across and outside of memory, overlapping, of registers of a device; with and without being known
 * by name, on each engine, and stopped after any number of instructions.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../test/support/riscv-assembler.ts';
import { DATA, DEVICE, RiscvMachine, TEXT } from '../../test/support/riscv-machine.ts';
import { createEngine, type EngineKind } from '../engine.ts';
import { EXIT, HART } from '../hart.ts';
import { Translations } from '../translator/translations.ts';
import { BULK_NAMES, type BulkFunction, type BulkName, whyExecuted } from './functions.ts';

const ENGINES = ['interpreter', 'translator'] as const satisfies readonly EngineKind[];
const PAGE = 0x1000;
/** The second page of data lies elsewhere in RAM: a range across the border is in two runs. */
const MAPPINGS = [
  { vaddr: TEXT, sizeBytes: PAGE, rights: 'rx', at: 0x1000 },
  { vaddr: DATA, sizeBytes: 2 * PAGE, rights: 'rw', at: 0x8000 },
  { vaddr: DATA + 2 * PAGE, sizeBytes: PAGE, rights: 'rw', at: 0x4000 },
  { vaddr: DATA + 8 * PAGE, sizeBytes: PAGE, rights: 'r', at: 0x5000 },
];
const RAM_FROM = 0x4000;
const RAM_TO = 0xb000;

/** Calls what follows again and again. */
const CALLER = 'again: jal ra, 12\n ecall\n j again\n';
const BEGIN = TEXT + 12;

const FORWARD = `
        mv   a3, a0
        beq  a2, zero, done
next:   lbu  a4, 0(a1)
        sb   a4, 0(a3)
        addi a1, a1, 1
        addi a3, a3, 1
        addi a2, a2, -1
        bne  a2, zero, next
done:   ret
`;
const CODE: Readonly<Record<BulkName, string>> = {
  memcpy: FORWARD,
  memmove: `
        bltu a1, a0, down
        ${FORWARD}
down:   add  a3, a0, a2
        add  a1, a1, a2
last:   beq  a2, zero, back
        addi a1, a1, -1
        addi a3, a3, -1
        lbu  a4, 0(a1)
        sb   a4, 0(a3)
        addi a2, a2, -1
        j    last
back:   ret
`,
  memset: `
        mv   a3, a0
        beq  a2, zero, done
next:   sb   a1, 0(a3)
        addi a3, a3, 1
        addi a2, a2, -1
        bne  a2, zero, next
done:   ret
`,
  memcmp: `
        mv   a3, zero
next:   beq  a2, zero, done
        lbu  a4, 0(a0)
        lbu  a5, 0(a1)
        sub  a3, a4, a5
        addi a0, a0, 1
        addi a1, a1, 1
        addi a2, a2, -1
        beq  a3, zero, next
done:   mv   a0, a3
        ret
`,
};

function functionOf(name: BulkName): BulkFunction {
  const words = assemble(CALLER + CODE[name]).slice(3);
  return { name, vaddr: BEGIN, code: new Uint8Array(Uint32Array.from(words).buffer) };
}

interface Made {
  readonly engine: EngineKind;
  readonly name: BulkName;
  readonly isReplaced: boolean;
}

function machine({ engine, name, isReplaced }: Made, translations = new Translations()) {
  const made = new RiscvMachine(MAPPINGS, ({ ram, hart, space }) =>
    createEngine({
      ...{ engine, ram, at: hart, space, translations, few: 0 },
      bulk: isReplaced ? [functionOf(name)] : [],
    }),
  );
  made.load(TEXT, assemble(CALLER + CODE[name]));
  // Long equal stretches, for comparisons.
  for (let at = RAM_FROM; at < RAM_TO; at += 1) made.ram.u8[at] = (at >>> 7) & 3;
  return made;
}

interface Call {
  readonly a0: number;
  readonly a1: number;
  readonly a2: number;
}

function prepare(made: RiscvMachine, { a0, a1, a2 }: Call): void {
  for (let x = 1; x < 32; x += 1) made.setX(x, BigInt(x));
  for (const [index, value] of [a0, a1, a2].entries()) made.setX(10 + index, BigInt(value));
  made.pc = TEXT;
  made.accesses.length = 0;
}

/** Saved registers, memory, accesses to the device: what has to be as it was, or as C says. */
function outcomeOf(made: RiscvMachine, name: BulkName): unknown[] {
  const a0 = BigInt.asIntN(64, made.x(10));
  const result = name === 'memcmp' ? (a0 > 0n ? 1 : a0 < 0n ? -1 : 0) : a0;
  const saved = [2, 3, 4, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27].map((x) => made.x(x));
  const memory = Buffer.from(made.ram.u8.subarray(RAM_FROM, RAM_TO)).toString('base64');
  return [result, ...saved, memory, JSON.stringify(made.accesses)];
}

/**
 * Where a range begins: at ends of pages and runs, in memory that may not be written or is not
 * there, at a device.
 */
const PLACES = [DATA, DATA + PAGE, DATA + 2 * PAGE, DATA + 3 * PAGE, DATA + 8 * PAGE].flatMap(
  (page) => [page, page + 40, page - 24],
);
const place = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(fc.constantFrom(...PLACES), fc.nat(48)) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(DEVICE, TEXT, 0), fc.nat(8)) },
);
const address = place.map(([base, offset]) => base + offset);
const length = fc.oneof(fc.nat(64), fc.nat(700), fc.constantFrom(4096, 4097, 5000));
const call = fc.record({ a0: address, a1: address, a2: length });

describe.each(BULK_NAMES)('%s done at once', (name) => {
  test('leaves what its code leaves, faults as it does, and counts alike in both engines', () => {
    const [executed, ...replaced] = [
      machine({ engine: 'interpreter', name, isReplaced: false }),
      ...ENGINES.map((engine) => machine({ engine, name, isReplaced: true })),
    ];
    fc.assert(
      fc.property(call, (each) => {
        const counts = replaced.map((made) => {
          prepare(made, each);
          const before = made.double(HART.retired);
          const exit = made.run();
          const fault = [exit, made.trapPc, made.double(HART.trapValue)];
          return [...fault, made.double(HART.retired) - before];
        });
        prepare(executed, each);
        const exit = executed.run();

        for (const made of replaced) {
          expect(outcomeOf(made, name)).toEqual(outcomeOf(executed, name));
        }
        const fault = [exit, executed.trapPc, executed.double(HART.trapValue)];
        expect(counts[0]?.slice(0, 3)).toEqual(fault);
        expect(counts[1]).toEqual(counts[0]);
      }),
      { numRuns: 40 },
    );
  });

  test('is one step to whoever stops it, at the same counts in both engines', () => {
    const translations = new Translations();
    for (const limit of [1, 2, 3, 12, 25, 29, 30, 31, 45, 46, 47]) {
      const states = ENGINES.map((engine) => {
        const made = machine({ engine, name, isReplaced: true }, translations);
        prepare(made, { a0: DATA, a1: DATA + 8 * PAGE, a2: 64 });
        made.run(limit);
        return [made.pc, made.word(HART.remaining), ...outcomeOf(made, name)];
      });

      expect(states[1]).toEqual(states[0]);
    }
  });
});

/** @returns instructions of one call, without the caller's two */
function countOf(name: BulkName, each: Call): number[] {
  return ENGINES.map((engine) => {
    const made = machine({ engine, name, isReplaced: true });
    prepare(made, each);
    expect(made.run()).toBe(EXIT.ecall);
    return Number(made.double(HART.retired)) - 1;
  });
}

describe('what a call counts as', () => {
  const [a0, a1] = [DATA, DATA + PAGE];

  test.each([
    ['memcpy', 1500, 12 + 375],
    ['memmove', 64, 12 + 16],
    ['memset', 1500, 12 + 187],
    ['memcpy', 0, 12],
  ] as const)('%s of %d bytes: %d instructions', (name, a2, count) => {
    expect(countOf(name, { a0, a1, a2 })).toEqual([count, count]);
  });

  test('memcmp: by the bytes that are equal', () => {
    const [interpreted] = countOf('memcmp', { a0: DATA, a1: DATA + 64, a2: 500 });

    expect(countOf('memcmp', { a0: DATA, a1: DATA + 64, a2: 500 })).toEqual([44, 44]);
    expect(interpreted).toBe(12 + 64 / 2);
  });

  test('more than 4096 bytes, and ranges that overlap, are executed', () => {
    expect(countOf('memset', { a0, a1, a2: 4096 })).toEqual([524, 524]);
    expect(countOf('memset', { a0, a1, a2: 4097 })).toEqual([16_391, 16_391]);
    expect(countOf('memcpy', { a0, a1: a0 + 8, a2: 16 })).toEqual([99, 99]);
  });
});

describe('a function is executed', () => {
  test('when other code stands there', () => {
    const counts = ENGINES.map((engine) => {
      const made = machine({ engine, name: 'memset', isReplaced: true });
      made.load(BEGIN, assemble('addi a0, a0, 1\n ret'));
      prepare(made, { a0: DATA, a1: 0, a2: 64 });
      made.run();
      return [made.x(10), made.double(HART.retired)];
    });

    expect(counts).toEqual(ENGINES.map(() => [BigInt(DATA + 1), 3n]));
  });

  test('when a branch of its own goes to its beginning', () => {
    const code = (text: string): Uint8Array =>
      new Uint8Array(Uint32Array.from(assemble(text)).buffer);

    expect(
      whyExecuted({
        name: 'memset',
        vaddr: BEGIN,
        code: code('next: sb a1, 0(a0)\n addi a2, a2, -1\n bne a2, zero, next\n ret'),
      }),
    ).toBe('a loop of it begins with its first instruction');
    expect(whyExecuted({ name: 'memset', vaddr: BEGIN, code: code('') })).toBe(
      'its size is not known',
    );
    expect(whyExecuted(functionOf('memset'))).toBeUndefined();
  });
});
