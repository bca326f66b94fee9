// A function that is done at once is interpreted in one step, wherever translated code is left for
// it: it has to be translated all the same, or each call of it costs two ways between the engines.

import { expect, it } from 'vitest';
import { assemble } from '../../test/support/riscv-assembler.ts';
import { DATA, RiscvMachine, TEXT, TEXT_AND_DATA } from '../../test/support/riscv-machine.ts';
import { createEngine } from '../engine.ts';
import { EXIT } from '../hart.ts';
import { Translations } from './translations.ts';

const ROUNDS = 200;
const MEMCPY_AT = 0x100;

const LOOP = assemble(`
  lui s0, ${DATA >>> 12}
  li s1, ${ROUNDS}
again:
  mv a0, s0
  addi a1, s0, 64
  li a2, 8
  jal ra, ${MEMCPY_AT - 20}
  addi s1, s1, -1
  bnez s1, again
  ecall
`);
const MEMCPY = assemble(`
  ld a5, 0(a1)
  sd a5, 0(a0)
  ret
`);

it('a function that translated code calls and that is done at once is translated when it is hot', () => {
  const translations = new Translations();
  const code = new Uint8Array(Uint32Array.from(MEMCPY).buffer);
  const machine = new RiscvMachine(TEXT_AND_DATA, ({ ram, hart, space }) =>
    createEngine({
      ...{ engine: 'auto', ram, at: hart, space, translations },
      // A unit has room for one function: what it calls is translated for itself.
      laziness: { interpretedFirst: 0, hot: 8, stretch: 10, unit: 1 },
      functionStarts: () => [TEXT, TEXT + MEMCPY_AT],
      bulk: [{ name: 'memcpy', vaddr: TEXT + MEMCPY_AT, code }],
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
