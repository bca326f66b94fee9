// Functions that are done at once, where translated code calls them and where it jumps to them.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { assemble } from '../../test/support/riscv-assembler.ts';
import { DATA, RiscvMachine, TEXT, TEXT_AND_DATA } from '../../test/support/riscv-machine.ts';
import { createEngine, type EngineKind } from '../engine.ts';
import { EXIT, HART } from '../hart.ts';
import { Translations } from './translations.ts';

const ROUNDS = 200;
const MEMCPY_AT = 0x100;

/** Calls a function that jumps to `memcpy`: there is no call of that one. */
const LOOP = assemble(`
  lui s0, ${DATA >>> 12}
  li s1, ${ROUNDS}
again:
  mv a0, s0
  addi a1, s0, 64
  li a2, 8
  jal ra, 16
  addi s1, s1, -1
  bnez s1, again
  ecall
  jal zero, ${MEMCPY_AT - 36}
`);
const MEMCPY = assemble(`
  ld a5, 0(a1)
  sd a5, 0(a0)
  ret
`);

function bytesOf(words: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(words).buffer);
}

// It is interpreted in one step, wherever translated code is left for it: it has to be translated
// all the same, or each jump to it costs two ways between the engines.
it('one that translated code jumps to is translated when it is hot', () => {
  const translations = new Translations();
  const machine = new RiscvMachine(TEXT_AND_DATA, ({ ram, hart, space }) =>
    createEngine({
      ...{ engine: 'auto', ram, at: hart, space, translations },
      // A unit has room for one function: what it calls is translated for itself.
      laziness: { interpretedFirst: 0, hot: 8, stretch: 10, unit: 1 },
      functionStarts: () => [TEXT, TEXT + MEMCPY_AT],
      bulk: [{ name: 'memcpy', vaddr: TEXT + MEMCPY_AT, code: bytesOf(MEMCPY) }],
      few: 0,
    }),
  );
  machine.load(TEXT, LOOP);
  machine.load(TEXT + MEMCPY_AT, MEMCPY);
  machine.ram.view.setBigUint64(machine.place(DATA + 64), 0x1234_5678_9abc_def0n, true);

  expect(machine.run()).toBe(EXIT.ecall);
  expect(machine.ram.view.getBigUint64(machine.place(DATA), true)).toBe(0x1234_5678_9abc_def0n);
  const [text] = translations.texts;
  const index = text?.translation.functionAt(TEXT + MEMCPY_AT) ?? -1;
  expect(index).toBeGreaterThanOrEqual(0);
  expect(text?.translation.isTranslated(index)).toBe(true);
});

/**
 * Copies s2 times from s0 to s1, which go on by s4 and s5, s3 bytes each; reads and writes by the
 * same registers before and behind it.
 */
const COPIES = assemble(`
again:
  ld t0, 0(s1)
  add s6, s6, t0
  mv a0, s1
  mv a1, s0
  mv a2, s3
  jal ra, ${MEMCPY_AT - 20}
  ld t1, 8(s1)
  add s6, s6, t1
  sd s6, 16(s1)
  add s0, s0, s4
  add s1, s1, s5
  addi s2, s2, -1
  bnez s2, again
  ecall
`);
/** By bytes, and leaves what it has used. */
const BYTES = assemble(`
  beq a2, zero, done
  mv a3, a0
next:
  lbu a4, 0(a1)
  sb a4, 0(a3)
  addi a1, a1, 1
  addi a3, a3, 1
  addi a2, a2, -1
  bne a2, zero, next
done:
  ret
`);
const copies = fc.record({
  from: fc.nat(0x3ff0),
  to: fc.nat(0x3ff0),
  rounds: fc.integer({ min: 1, max: 6 }),
  bytes: fc.oneof(fc.nat(20), fc.nat(300), fc.constantFrom(255, 256, 257, 4096, 4097)),
  steps: fc.tuple(fc.integer({ min: -200, max: 200 }), fc.integer({ min: -200, max: 200 })),
});

function copying(engine: EngineKind): RiscvMachine {
  const machine = new RiscvMachine(TEXT_AND_DATA, ({ ram, hart, space }) =>
    createEngine({
      ...{ engine, ram, at: hart, space, few: 0 },
      bulk: [{ name: 'memcpy', vaddr: TEXT + MEMCPY_AT, code: bytesOf(BYTES) }],
    }),
  );
  machine.load(TEXT, COPIES);
  machine.load(TEXT + MEMCPY_AT, BYTES);
  return machine;
}

it('where one is called, both engines are in the same state after any number of instructions', () => {
  const machines = (['interpreter', 'translator'] as const).map(copying);
  const property = fc.property(
    copies,
    fc.array(fc.integer({ min: 1, max: 150 }), { maxLength: 6 }),
    ({ from, to, rounds, bytes, steps }, stops) => {
      const [one, other] = machines.map((machine) => {
        machine.pc = TEXT;
        for (let x = 1; x < 32; x += 1) machine.setX(x, BigInt(x));
        const values = [from + DATA, to + DATA, rounds, bytes, ...steps];
        for (const [index, x] of [8, 9, 18, 19, 20, 21].entries()) {
          machine.setX(x, BigInt.asUintN(64, BigInt(values[index] as number)));
        }
        for (let at = 0x8000; at < 0xc000; at += 1) machine.ram.u8[at] = (at * 7) >>> 3;
        return [...stops, 100_000].map((limit) => {
          const exit = machine.run(limit);
          const registers = Array.from({ length: 32 }, (_, x) => machine.x(x));
          const memory = Buffer.from(machine.ram.u8.subarray(0x8000, 0xc000)).toString('base64');
          return [exit, machine.pc, machine.word(HART.remaining), ...registers, memory];
        });
      });

      expect(other).toEqual(one);
    },
  );
  fc.assert(property, { numRuns: 150 });
});

it('one that is jumped to with a return address elsewhere returns to where ra says', () => {
  const jump = assemble(`
    mv a0, s0
    addi a1, s0, 64
    li a2, 8
    auipc ra, 0
    addi ra, ra, 16
    jal t0, ${MEMCPY_AT - 20}
    li a5, 1
    ecall
  `);
  const outcomes = (['interpreter', 'translator'] as const).map((engine) => {
    const machine = copying(engine);
    machine.load(TEXT, jump);
    machine.setX(8, BigInt(DATA));
    return [machine.run(), machine.trapPc, machine.x(15), machine.double(HART.retired)];
  });

  expect(outcomes[0]).toEqual([EXIT.ecall, TEXT + 28, 0n, 20n]);
  expect(outcomes[1]).toEqual(outcomes[0]);
});
