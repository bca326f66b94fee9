// Goal: what is noted of a program is what it has executed: each instruction, and each outcome of
// its conditional branches. Method: small programs with loops, calls, and ways that are never gone,
// on all engines, beside an interpreter that is watched instruction by instruction.

import { describe, expect, it } from 'vitest';
import { assemble } from '../../test/support/riscv-assembler.ts';
import {
  DATA,
  type Engine,
  RiscvMachine,
  TEXT,
  TEXT_AND_DATA,
} from '../../test/support/riscv-machine.ts';
import { createEngine, type EngineKind } from '../engine.ts';
import { EXIT } from '../hart.ts';
import { CoverageMap, NOTED } from './map.ts';
import { instructionAt, isConditionalBranch, straightFrom } from './straight.ts';

const ENGINES = ['interpreter', 'translator', 'auto'] as const satisfies readonly EngineKind[];
const PIECEMEAL = { interpretedFirst: 3, hot: 2, stretch: 5, unit: 1 };

const PROGRAMS = {
  'a loop over memory, and a branch that is never taken': `
        li   a2, 40
head:   sd   a1, 0(a0)
        addi a0, a0, 8
        addi a2, a2, -1
        bne  a2, zero, head
        beq  a2, a3, never
        ecall
never:  addi a4, a4, 1
        ecall`,
  'calls, branches by themselves, and both outcomes': `
        li   s1, 9
again:  jal  ra, odd
        beq  t0, zero, even
        addi s3, s3, 1
even:   addi s1, s1, -1
        bne  s1, zero, again
        blt  s1, zero, never
        bge  s1, zero, last
never:  jal  ra, odd
last:   ecall
odd:    andi t0, s1, 1
        ret`,
  'an access that traps in the middle': `
        li   a2, 3
        beq  a2, zero, over
        ld   a5, 0(zero)
        addi a2, a2, 1
over:   ecall`,
} as const;

interface Covered {
  readonly executed: readonly number[];
  readonly taken: readonly number[];
  readonly notTaken: readonly number[];
}

function load(program: string, makeEngine?: (machine: RiscvMachine) => Engine): RiscvMachine {
  const machine = new RiscvMachine(TEXT_AND_DATA, makeEngine);
  machine.load(TEXT, assemble(program));
  machine.setX(10, BigInt(DATA));
  machine.setX(13, 77n);
  return machine;
}

/** @param limit instructions that are executed at most at a time */
function noted(engine: EngineKind, program: string, limit: number): Covered {
  const words = assemble(program);
  let map: CoverageMap | undefined;
  const machine = load(program, ({ ram, hart, space }) => {
    map = CoverageMap.create(ram, { vaddr: TEXT, sizeBytes: 4 * words.length });
    return createEngine({
      ...{ engine, ram, at: hart, space, few: 0, coverage: map && { map } },
      ...(engine === 'auto' ? { laziness: PIECEMEAL } : {}),
    });
  });
  while (machine.run(limit) === EXIT.limit);
  const bytes = new Uint8Array(Int32Array.from(words).buffer);
  const pcs = words.map((_, index) => TEXT + 4 * index);
  const executed = new Set<number>();
  for (const begin of pcs.filter((pc) => map?.has(pc, NOTED.begun))) {
    for (const { pc } of straightFrom(bytes.subarray(begin - TEXT), begin, begin)) executed.add(pc);
  }
  return {
    executed: pcs.filter((pc) => executed.has(pc)),
    taken: pcs.filter((pc) => map?.has(pc, NOTED.taken)),
    notTaken: pcs.filter((pc) => map?.has(pc, NOTED.notTaken)),
  };
}

function watched(program: string): Covered & { readonly exit: number } {
  const words = assemble(program);
  const bytes = new Uint8Array(Int32Array.from(words).buffer);
  const machine = load(program);
  const [executed, taken, notTaken] = [new Set<number>(), new Set<number>(), new Set<number>()];
  for (;;) {
    const { pc } = machine;
    const exit = machine.run(1);
    executed.add(pc);
    const instruction = instructionAt(bytes, pc - TEXT);
    if (instruction !== undefined && isConditionalBranch(instruction)) {
      (machine.pc === pc + 4 ? notTaken : taken).add(pc);
    }
    if (exit === EXIT.limit) continue;
    const inOrder = (pcs: ReadonlySet<number>) => [...pcs].toSorted((a, b) => a - b);
    return {
      exit,
      executed: inOrder(executed),
      taken: inOrder(taken),
      notTaken: inOrder(notTaken),
    };
  }
}

describe.each(Object.entries(PROGRAMS))('%s', (_name, program) => {
  it.each(ENGINES)('%s', (engine) => {
    const { exit, ...expected } = watched(program);
    for (const limit of [1_000_000, 7, 1]) {
      const { executed, ...outcomes } = noted(engine, program, limit);
      const { executed: truth, ...outcomesExpected } = expected;
      expect(outcomes).toEqual(outcomesExpected);
      if (exit === EXIT.ecall) expect(executed).toEqual(truth);
      // Behind what traps, the code that goes straight on counts as executed.
      else expect(executed).toEqual([...truth, TEXT + 12, TEXT + 16]);
    }
  });
});
