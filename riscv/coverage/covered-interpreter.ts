/**
 * The interpreter, stopped wherever execution may turn, so that the way it takes is noted. It
 * executes the same instructions as without.
 */

import type { Ram } from '../../memory/ram.ts';
import type { AddressSpace, CodeRun } from '../address-space.ts';
import type { Instruction } from '../decode.ts';
import { EXIT, HART } from '../hart.ts';
import type { Interpreter } from '../interpreter/interpreter.ts';
import type { Address } from '../interpreter/memory.ts';
import { type CoverageMap, NOTED } from './map.ts';
import { isConditionalBranch, straightFrom } from './straight.ts';

export interface CoveredParts {
  readonly ram: Ram;
  /** Offset in RAM of the hart's block. */
  readonly at: number;
  readonly space: AddressSpace;
  readonly coverage: CoverageMap;
}

/** What is executed straight on from an address. */
interface Stretch {
  readonly instructions: number;
  /** The conditional branch that it ends with. */
  readonly branch: { readonly pc: number; readonly target: number } | undefined;
}

const NEXT_PC = HART.nextPc >> 2;
const REMAINING = HART.remaining >> 2;

export class CoveredInterpreter {
  readonly #inner: Interpreter;
  readonly #parts: CoveredParts;
  readonly #words: Int32Array;
  /** Of each snapshot of code: what is known by address. */
  readonly #stretches = new WeakMap<CodeRun, Map<number, Stretch>>();

  constructor(inner: Interpreter, parts: CoveredParts) {
    this.#inner = inner;
    this.#parts = parts;
    this.#words = parts.ram.i32.subarray(parts.at >>> 2);
  }

  /** As `Interpreter.run`. */
  run(most = Number.MAX_SAFE_INTEGER): number {
    this.#parts.space.refresh();
    const x = this.#words;
    for (let left = most; ;) {
      const before = x[REMAINING] as number;
      const pc = this.#nextPc();
      const stretch = this.#stretchAt(pc);
      if (before > 0 && left > 0) this.#parts.coverage.note(pc, NOTED.begun);
      const exit = this.#inner.run(Math.min(left, stretch.instructions));
      const executed = before - (x[REMAINING] as number);
      if (exit !== EXIT.limit) return exit;
      if (executed === stretch.instructions) this.#noteBranch(stretch);
      left -= executed;
      if ((x[REMAINING] as number) <= 0 || left <= 0) return exit;
    }
  }

  /** As `Interpreter.accessDevice`: who executes translated code notes the instruction. */
  accessDevice(instruction: Instruction, pc: Address): boolean {
    return this.#inner.accessDevice(instruction, pc);
  }

  #noteBranch({ branch }: Stretch): void {
    if (branch === undefined) return;
    const isTaken = this.#nextPc() === branch.target;
    this.#parts.coverage.note(branch.pc, isTaken ? NOTED.taken : NOTED.notTaken);
  }

  #stretchAt(pc: number): Stretch {
    const code = this.#parts.space.bareCodeAt(pc);
    // Code that changes all the time: one by one.
    if (code === undefined) return { instructions: 1, branch: undefined };
    const known = this.#stretches.get(code) ?? new Map<number, Stretch>();
    this.#stretches.set(code, known);
    const found = known.get(pc) ?? stretchIn(code, pc);
    known.set(pc, found);
    return found;
  }

  #nextPc(): number {
    const low = this.#words[NEXT_PC] as number;
    return ((this.#words[NEXT_PC + 1] as number) >>> 0) * 2 ** 32 + ((low & ~1) >>> 0);
  }
}

function stretchIn({ bytes, vaddr }: CodeRun, pc: number): Stretch {
  let instructions = 0;
  let branch: Stretch['branch'];
  for (const { pc: at, instruction } of straightFrom(bytes, vaddr, pc)) {
    instructions += 1;
    if (isConditionalBranch(instruction)) branch = { pc: at, target: at + instruction.imm };
  }
  return { instructions: Math.max(1, instructions), branch };
}
