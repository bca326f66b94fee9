/**
 * Goal: translated code that serves accesses to devices does what the interpreter does, and is not
 * left for them. Method: a loop whose instructions access a device and memory in turn, by both
 * engines, stopped after any number of instructions and by the device itself.
 */

import { describe, expect, test } from 'vitest';
import { assemble } from '../../test/support/riscv-assembler.ts';
import { DATA, DEVICE, type Engine, RiscvMachine, TEXT } from '../../test/support/riscv-machine.ts';
import { createEngine, type EngineKind } from '../engine.ts';
import { EXIT, HART } from '../hart.ts';
import { Interpreter } from '../interpreter/interpreter.ts';
import { Translations } from './translations.ts';
import { type OtherEngine, Translator } from './translator.ts';

const AT_ONCE = { interpretedFirst: 0, hot: 1, stretch: 1, unit: 1500 };
const ROUNDS = 60;
const INSTRUCTIONS = 4 + ROUNDS * 11;

/**
 * Loads and stores of all widths, in each round by turns of the device and of memory; a register
 * that is known only in translated code (a6), one without a value (x0).
 */
const ACCESSES = `
        li   s2, ${(DEVICE ^ DATA) >> 12}
        slli s2, s2, 12
        li   a5, ${ROUNDS}
        li   a6, 0
loop:   lw   a1, 4(s0)
        add  a6, a6, a1
        sw   a6, 8(s0)
        ld   a3, 16(s0)
        lhu  s0, 2(s1)
        lbu  zero, 1(s1)
        sb   a3, 3(s1)
        xor  s1, s1, s2
        mv   s0, s1
        addi a4, a4, 1
        bne  a4, a5, loop
        ecall
`;

function machine(
  program: string,
  makeEngine: (made: RiscvMachine) => Engine = ({ ram, hart, space }) =>
    new Interpreter({ ram, at: hart, space }),
): RiscvMachine {
  const made = new RiscvMachine(undefined, makeEngine);
  made.load(TEXT, assemble(program));
  for (const x of [8, 9]) made.setX(x, BigInt(DEVICE));
  // So that the count of instructions carries on the way.
  made.setDouble(HART.retired, 2n ** 32n - 50n);
  return made;
}

function translated(
  program: string,
  translations: Translations,
  engine: EngineKind = 'translator',
): RiscvMachine {
  return machine(program, ({ ram, hart, space }) =>
    createEngine({ engine, ram, at: hart, space, translations, few: 0 }),
  );
}

/** Everything of a hart but the record of branches; its data; what it has asked of the device. */
function stateOf({ ram, hart, accesses }: RiscvMachine): string {
  return [
    Buffer.from(ram.u8.subarray(hart, hart + HART.branchCount)).toString('hex'),
    Buffer.from(ram.u8.subarray(0x8000, 0x8000 + 0x4000)).toString('base64'),
    ...accesses.map(({ kind, offset, width, value }) => `${kind} ${offset} ${width} ${value}`),
  ].join('\n');
}

/** Runs for so many instructions, entered anew as long as some are left. */
function runFor(made: RiscvMachine, limit: number): void {
  for (let left = limit; left > 0; left = made.word(HART.remaining)) {
    if (made.run(left) !== EXIT.limit) return;
  }
}

describe('translated code that serves accesses to devices', () => {
  test('stops at each instruction in the state of the interpreter', () => {
    const translations = new Translations();
    runFor(translated(ACCESSES, translations), INSTRUCTIONS);
    const units = translations.texts.map((text) => text.units.length);

    for (let limit = 1; limit <= INSTRUCTIONS; limit += limit < 60 ? 1 : 37) {
      const ours = translated(ACCESSES, translations);
      const reference = machine(ACCESSES);
      runFor(ours, limit);
      runFor(reference, limit);

      expect(stateOf(ours), `after ${limit} instructions`).toBe(stateOf(reference));
    }
    expect(units.every((count) => count > 1)).toBe(true);
  });

  test('stops behind an access that lowers what is left, as often as that happens', () => {
    const translations = new Translations();
    runFor(translated(ACCESSES, translations), INSTRUCTIONS);
    const [ours, reference] = [translated(ACCESSES, translations), machine(ACCESSES)];
    const stops = [ours, reference].map((made) => {
      const places: string[] = [];
      let calls = 0;
      made.onDevice = () => {
        calls += 1;
        const remaining = made.word(HART.remaining);
        places.push(`${made.trapPc} ${made.double(HART.retired)} ${remaining}`);
        if (calls % 3 !== 0) made.setWord(HART.remaining, Math.min(remaining, calls % 5));
      };
      for (let exit = EXIT.limit as number; exit === EXIT.limit; exit = made.run(200)) {
        places.push(`${made.pc} ${made.double(HART.retired)}`);
      }
      return places;
    });

    expect(stops[0]).toEqual(stops[1]);
    expect(stateOf(ours)).toBe(stateOf(reference));
    expect(stops[0]?.length).toBeGreaterThan(100);
  });

  test('is left at an access that traps, with nothing done', () => {
    const translations = new Translations();
    runFor(translated(ACCESSES, translations), INSTRUCTIONS);
    // Misaligned; where nothing is mapped; where no number is exact.
    for (const base of [BigInt(DEVICE + 2), 0x70_0000n, -8n, 2n ** 63n]) {
      const [ours, reference] = [translated(ACCESSES, translations), machine(ACCESSES)];
      const exits = [ours, reference].map((made) => {
        runFor(made, 4);
        made.setX(8, base);
        return made.run(100);
      });

      expect(exits[0]).toBe(exits[1]);
      expect(exits[0]).toBeGreaterThan(0);
      expect(stateOf(ours)).toBe(stateOf(reference));
    }
  });

  test('is entered no more often than without a device', () => {
    const translations = new Translations();
    let times = 0;
    const counted = (made: RiscvMachine): Engine => {
      const { ram, hart: at, space } = made;
      const inner = new Interpreter({ ram, at, space });
      const interpreter: OtherEngine = {
        run: (most) => ((times += 1), inner.run(most)),
        accessDevice: (instruction, pc) => inner.accessDevice(instruction, pc),
      };
      return new Translator({
        ram,
        at,
        space,
        interpreter,
        translations,
        laziness: AT_ONCE,
        few: 0,
      });
    };
    const interpreted = [1, 2].map(() => {
      const made = machine(ACCESSES, counted);
      times = 0;
      runFor(made, 100 * INSTRUCTIONS);
      expect(made.accesses).toHaveLength((ROUNDS / 2) * 7);
      return times;
    });

    expect(interpreted[0]).toBeGreaterThan(20);
    expect(interpreted[1]).toBeLessThan(4);
  });
});
