// Goal: what is noted of a program is what it has executed: each instruction, and each outcome of
// its conditional branches. Method: small programs with loops, calls, and ways that are never gone,
// and random ones, on all engines, beside an interpreter that is watched instruction by
// instruction.

import { describe, expect, it } from 'vitest';
import { assemble } from '../../test/support/riscv-assembler.ts';
import {
  DATA,
  type Engine,
  RiscvMachine,
  TEXT,
  TEXT_AND_DATA,
} from '../../test/support/riscv-machine.ts';
import {
  makeProgram,
  PROGRAM_RECORDS,
  PROGRAM_TEXT,
  randomSequence,
} from '../../test/support/riscv-random.ts';
import { createEngine, type EngineKind } from '../engine.ts';
import { EXIT } from '../hart.ts';
import { CoverageMap, NOTED } from './map.ts';
import { instructionAt, isConditionalBranch, straightFrom } from './straight.ts';

const ENGINES = ['interpreter', 'translator', 'auto'] as const satisfies readonly EngineKind[];
/** Of three sequences each. */
const RANDOM_PROGRAMS = Number(process.env['SDDF_COVERAGE_PROGRAMS'] ?? 3);
const RANDOM_SEED = Number(process.env['SDDF_COVERAGE_SEED'] ?? 1);
const PAGE_BYTES = 4096;
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

/** What is executed, and where it lies. */
interface Loaded {
  readonly text: Uint8Array;
  readonly load: (makeEngine?: (machine: RiscvMachine) => Engine) => RiscvMachine;
}

function assembled(program: string): Loaded {
  const words = assemble(program);
  return {
    text: new Uint8Array(Int32Array.from(words).buffer),
    load: (makeEngine) => {
      const machine = new RiscvMachine(TEXT_AND_DATA, makeEngine);
      machine.load(TEXT, words);
      machine.setX(10, BigInt(DATA));
      machine.setX(13, 77n);
      return machine;
    },
  };
}

/** As `test/riscv/random-programs.test.ts` runs it. */
function random(seeds: readonly number[]): Loaded {
  const { text, records } = makeProgram(seeds.map(randomSequence));
  const whole = (bytes: number): number => Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
  const recordsAt = PAGE_BYTES + whole(text.length);
  const mappings = [
    { vaddr: PROGRAM_TEXT, sizeBytes: whole(text.length), rights: 'rx', at: PAGE_BYTES },
    { vaddr: PROGRAM_RECORDS, sizeBytes: whole(records.length), rights: 'rw', at: recordsAt },
  ];
  return {
    text,
    load: (makeEngine) => {
      const machine = new RiscvMachine(mappings, makeEngine, recordsAt + whole(records.length));
      machine.ram.u8.set(text, PAGE_BYTES);
      machine.ram.u8.set(records, recordsAt);
      return machine;
    },
  };
}

/** @param limit instructions that are executed at most at a time */
function noted({ text, load }: Loaded, engine: EngineKind, limit: number): Covered {
  let map: CoverageMap | undefined;
  const machine = load(({ ram, hart, space }) => {
    map = CoverageMap.create(ram, { vaddr: TEXT, sizeBytes: text.length });
    return createEngine({
      ...{ engine, ram, at: hart, space, few: 0, coverage: map && { map } },
      ...(engine === 'auto' ? { laziness: PIECEMEAL } : {}),
    });
  });
  while (machine.run(limit) === EXIT.limit);
  const pcs = Array.from({ length: text.length >> 1 }, (_, index) => TEXT + 2 * index);
  const executed = new Set<number>();
  for (const begin of pcs.filter((pc) => map?.has(pc, NOTED.begun))) {
    for (const { pc } of straightFrom(text, TEXT, begin)) executed.add(pc);
  }
  return {
    executed: pcs.filter((pc) => executed.has(pc)),
    taken: pcs.filter((pc) => hasWays(text, pc) && map?.has(pc, NOTED.taken)),
    notTaken: pcs.filter((pc) => hasWays(text, pc) && map?.has(pc, NOTED.notTaken)),
  };
}

/** Whether it is a branch whose outcome can be seen by where it goes on. */
function hasWays(text: Uint8Array, pc: number): boolean {
  const instruction = instructionAt(text, pc - TEXT);
  if (instruction === undefined || !isConditionalBranch(instruction)) return false;
  return instruction.imm !== instruction.length;
}

function watched({ text, load }: Loaded): Covered & { readonly exit: number } {
  const machine = load();
  const [executed, taken, notTaken] = [new Set<number>(), new Set<number>(), new Set<number>()];
  for (;;) {
    const { pc } = machine;
    const exit = machine.run(1);
    executed.add(pc);
    const instruction = instructionAt(text, pc - TEXT);
    if (instruction !== undefined && hasWays(text, pc)) {
      (machine.pc === pc + instruction.length ? notTaken : taken).add(pc);
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
    const loaded = assembled(program);
    const { exit, ...expected } = watched(loaded);
    for (const limit of [1_000_000, 7, 1]) {
      const { executed, ...outcomes } = noted(loaded, engine, limit);
      const { executed: truth, ...outcomesExpected } = expected;
      expect(outcomes).toEqual(outcomesExpected);
      if (exit === EXIT.ecall) expect(executed).toEqual(truth);
      // Behind what traps, the code that goes straight on counts as executed.
      else expect(executed).toEqual([...truth, TEXT + 12, TEXT + 16]);
    }
  });
});

it.each(ENGINES)('random programs: %s', (engine) => {
  for (let seed = RANDOM_SEED; seed < RANDOM_SEED + RANDOM_PROGRAMS; seed += 1) {
    const loaded = random([3 * seed, 3 * seed + 1, 3 * seed + 2]);
    const { exit, ...expected } = watched(loaded);
    expect(exit).toBe(EXIT.ecall);
    for (const limit of [1_000_000, 23]) {
      expect(noted(loaded, engine, limit), `seed ${seed}, limit ${limit}`).toEqual(expected);
    }
  }
});
