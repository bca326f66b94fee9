/**
 * A program that is interrupted after any number of instructions ends as if it had not been; an
 * endless one ends.
 */

import { createHash } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { EXIT, HART } from '../../riscv/hart.ts';
import { OP_OF } from '../../riscv/operations.ts';
import { encode } from '../support/riscv-assembler.ts';
import { ENGINES } from '../support/riscv-engines.ts';
import { RiscvMachine, TEXT, TEXT_AND_DATA } from '../support/riscv-machine.ts';
import { makeProgram, PROGRAM_RECORDS, PROGRAM_TEXT } from '../support/riscv-random.ts';

/** What a program can see of itself afterwards. */
function stateOf(machine: RiscvMachine, exit: number): unknown {
  const { ram, hart } = machine;
  const words = (from: number, to: number): string =>
    Buffer.from(ram.u8.slice(hart + from, hart + to)).toString('hex');
  return {
    exit,
    registers: words(HART.registers, HART.fcsr + 4),
    retired: machine.double(HART.retired),
    trapValue: exit === EXIT.limit ? 0n : machine.double(HART.trapValue),
    floats: words(HART.floats, HART.zero),
    zero: machine.double(HART.zero),
    memory: createHash('sha1').update(ram.u8.slice(0, 0xc000)).digest('hex'),
    accesses: machine.accesses,
  };
}

describe.each(ENGINES)('the %s, interrupted', (_, makeEngine) => {
  it(
    'after each of the first 2000 instructions in turn, ends in the same state',
    { timeout: 600_000 },
    () => {
      const genes = fc.sample(fc.integer(), { numRuns: 200, seed: 14 });
      const { text, records } = makeProgram(
        Array.from({ length: 8 }, (__, index) => ({
          seed: index,
          genes: genes.slice(25 * index, 25 * index + 25),
        })),
      );
      const machine = new RiscvMachine(
        [
          { vaddr: PROGRAM_TEXT, sizeBytes: 0x4000, rights: 'rx', at: 0x1000 },
          { vaddr: PROGRAM_RECORDS, sizeBytes: 0x4000, rights: 'rw', at: 0x8000 },
        ],
        makeEngine,
      );
      machine.ram.u8.set(text, 0x1000);
      const before = machine.ram.u8.slice(machine.hart, machine.hart + HART.engine);
      const runFrom = (...limits: readonly number[]): unknown => {
        machine.ram.u8.set(before, machine.hart);
        machine.ram.u8.set(records, 0x8000);
        let exit: number = EXIT.limit;
        for (const limit of limits) exit = machine.run(limit);
        return stateOf(machine, exit);
      };
      const whole = runFrom(100_000);
      const retired = Number(machine.double(HART.retired));

      expect(retired).toBeGreaterThan(1000);
      for (let first = 1; first <= Math.min(2000, retired); first += 1) {
        expect(runFrom(first, 100_000)).toEqual(whole);
      }
    },
  );
});

describe('an endless loop', () => {
  it.each(ENGINES)('in the %s ends at its limit', (_, makeEngine) => {
    const machine = new RiscvMachine(TEXT_AND_DATA, makeEngine);
    machine.load(TEXT, [encode(OP_OF.jal, {})]);

    expect(machine.run(1_234_567)).toBe(EXIT.limit);
    expect(machine.double(HART.retired)).toBe(1_234_567n);
  });
});
