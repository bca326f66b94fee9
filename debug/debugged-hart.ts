/**
 * The engine of a hart that somebody debugs. It runs the usual engine, at full speed, and steps in
 * where that comes to a stop:
 *
 *     entry ──▶ usual engine ──▶ planted stop ──▶ (halt) ──▶ one instruction ──▶ usual engine …
 *                    │  └──────▶ limit ──▶ (halt after what was asked for, or hit) ──▶ back
 *                    └─────────▶ trap ───▶ (halt) ──▶ back, with the trap
 *
 * To halt is to return later: everything stands where it is, whatever lies on the stack.
 */

import { EXIT, HART } from '../riscv/hart.ts';
import type { Engine } from '../riscv/engine.ts';
import type { DebuggableHart } from '../microkit/runtime/machine-program.ts';
import type { Stop } from './moment.ts';

const TWO_TO_32 = 2 ** 32;

/** What the hart asks when it could halt. */
export interface HaltAsker {
  /** The hart is about to execute: whoever wants to may halt it. */
  entering(hart: DebuggedHart): void;
  /** It stands before a planted stop. */
  reached(hart: DebuggedHart): void;
  /**
   * It has come back from executing, because of its limit or with a trap (a number of `scause`).
   */
  left(hart: DebuggedHart, trap: number): void;
}

export class DebuggedHart implements Engine {
  readonly pd: string;
  readonly parts: DebuggableHart;
  /** What has been hit by the instruction that is under way. */
  hit: Stop | undefined;
  /** Steps before which it halted last: it does not halt there again, but goes on. */
  haltedAt = -1;
  /**
   * What its engine was last told to look for, as text. It is not told the same twice, since that
   * would throw away its translations.
   */
  told = '';
  /** Version of the conditions and mappings that this was made from. */
  plantedVersion = -1;
  plantedMappings = -1;
  /** Whether it executes one instruction at a time. */
  isSingle = false;
  /** Steps before the last instruction that was executed by itself. */
  lastSingle = -1;
  #isInSingle = false;
  readonly #asker: HaltAsker;
  readonly #words: Int32Array;
  /**
   * Steps that its engine does not count: those of the domain's earlier harts, and instructions
   * that trapped.
   */
  #uncounted: number;
  #pauseAtSteps = Infinity;

  /** @param before steps that harts of this domain have taken before this one */
  constructor(parts: DebuggableHart, asker: HaltAsker, before: number) {
    this.parts = parts;
    this.pd = parts.pd;
    this.#asker = asker;
    this.#uncounted = before;
    this.#words = parts.ram.i32.subarray(parts.at >>> 2);
  }

  /** Instructions executed, and those that trapped. Exact whenever the engine is not under way. */
  get steps(): number {
    return this.#uncounted + this.#word(HART.retired) + TWO_TO_32 * this.#word(HART.retired + 4);
  }

  /**
   * Steps before the instruction that is accessing memory. It is counted already, unless it is one
   * that is done at once; those are always executed by themselves when memory is watched.
   */
  get stepsBeforeAccess(): number {
    return this.#isInSingle ? this.lastSingle : this.steps - 1;
  }

  get nextPc(): number {
    return this.#word(HART.nextPc) + TWO_TO_32 * this.#word(HART.nextPc + 4);
  }

  /** Virtual time of the instruction that is next; undefined where nobody knows. */
  get nowNs(): number | undefined {
    const step = this.#words[HART.clockStep >>> 2] as number;
    if (step < 0) return undefined;
    const clock = this.#word(HART.clock) + TWO_TO_32 * this.#word(HART.clock + 4);
    return clock - this.remaining * step;
  }

  /** Instructions that it may still execute. */
  get remaining(): number {
    return this.#words[HART.remaining >>> 2] as number;
  }

  /** Nanoseconds; below 0 where nobody knows. */
  get instructionNs(): number {
    return this.#words[HART.clockStep >>> 2] as number;
  }

  /** Whether {@link pauseAt} has told it of steps to pause at. */
  get isToPause(): boolean {
    return this.#pauseAtSteps !== Infinity;
  }

  /** The engine is entered anew when it has taken so many steps. */
  pauseAt(steps: number): void {
    this.#pauseAtSteps = steps;
    this.parts.pause.at = steps - this.#uncounted;
  }

  run(): number {
    this.#asker.entering(this);
    if (this.#isOver) return EXIT.limit;
    for (;;) {
      const exit = this.isSingle ? this.#single() : this.parts.engine.run();
      if (exit === EXIT.planted) {
        const trap = this.#overPlanted();
        if (trap > 0) return this.#trapped(trap);
        if (trap === 0) continue;
      } else if (exit > 0) {
        return this.#trapped(exit);
      }
      if (exit === EXIT.limit && this.isSingle && !this.#isOver) continue;
      this.#asker.left(this, 0);
      return EXIT.limit;
    }
  }

  /** It has been told something else to do while it halted: the engine is entered anew. */
  enterAnew(): void {
    this.parts.context().pauseHere();
  }

  /** @returns the cause of a trap, 0 to go on, or below it when the limit is reached */
  #overPlanted(): number {
    if (this.haltedAt !== this.steps) {
      this.#asker.reached(this);
      if (this.#isOver) return EXIT.limit;
    }
    const exit = this.#single();
    if (exit > 0) return exit;
    return this.#isOver ? EXIT.limit : 0;
  }

  #single(): number {
    this.lastSingle = this.steps;
    this.#isInSingle = true;
    const exit = this.parts.stepper.run(1);
    this.#isInSingle = false;
    return exit;
  }

  #trapped(trap: number): number {
    this.#uncounted += 1;
    if (this.isToPause) this.pauseAt(this.#pauseAtSteps);
    this.#asker.left(this, trap);
    return trap;
  }

  get #isOver(): boolean {
    return this.remaining <= 0;
  }

  #word(offset: number): number {
    return (this.#words[offset >>> 2] as number) >>> 0;
  }
}
