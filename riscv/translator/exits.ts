/**
 * How a function is left to the interpreter. Every check may leave, and wherever it does, the
 * registers that the hart's block lacks are written back: written out at each place, that was two
 * thirds of all code, and V8 takes memory and time by the size of a function.
 *
 * So exits share their stores. The exit for some registers stores one of them, the one that fewest
 * exits have, and goes on to the exit for the others; the last one, for none, returns. In
 * WebAssembly, which only jumps forwards out of blocks, they lie one behind the other at the
 * function's end:
 *
 *     block block block         none, {a0}, {a0, a1}
 *       the function            … leaves by `br` to the exit for what is dirty there
 *     end  store a1
 *     end  store a0
 *     end  store what is left of `remaining`, return the pc
 *
 * Each exit is reached only from places that have its registers, so nothing is kept longer than it
 * is needed.
 */

import type { Code, Label } from '../../memory/wasm/code.ts';
import { registersIn } from './register-flow.ts';

/** Exits of a function at most; the sets that would need more are written out where they are. */
const MOST_EXITS = 500;

/** The sets of registers that a function is left with, and in which order they are stored. */
export class Exits {
  /** How many places have each register dirty: what is rarer is stored first. */
  readonly #places = new Int32Array(32);
  /** From the exit for no registers to those for the most. */
  readonly #masks: readonly number[];
  readonly #labels = new Map<number, Label>();

  /** @param masks one for each place that leaves, as often as it occurs */
  constructor(masks: readonly number[]) {
    for (const mask of masks) {
      for (const x of registersIn(mask)) this.#places[x] = (this.#places[x] as number) + 1;
    }
    const wanted = new Set([0]);
    for (const mask of new Set(masks)) {
      const chain: number[] = [];
      for (let rest = mask; !wanted.has(rest); rest = this.#without(rest)) chain.push(rest);
      if (wanted.size + chain.length > MOST_EXITS) continue;
      for (const each of chain) wanted.add(each);
    }
    this.#masks = [...wanted].toSorted((a, b) => registersIn(a).length - registersIn(b).length);
  }

  /** At the beginning of the function. */
  open(code: Code): void {
    for (const mask of this.#masks) this.#labels.set(mask, code.block());
  }

  /** @returns where to go with these registers dirty; undefined when there is no such exit */
  labelOf(mask: number): Label | undefined {
    return this.#labels.get(mask);
  }

  /**
   * At the end of the function, behind code that does not come here.
   *
   * @param store writes one register to the hart's block
   * @param leave what is to be done with all registers there
   */
  close(code: Code, store: (x: number) => void, leave: () => void): void {
    for (let index = this.#masks.length - 1; index > 0; index -= 1) {
      const mask = this.#masks[index] as number;
      const rest = this.#without(mask);
      code.end();
      store(this.#rarestOf(mask));
      if (this.#masks[index - 1] !== rest) code.br(this.#labels.get(rest) as Label);
    }
    code.end();
    leave();
  }

  #rarestOf(mask: number): number {
    const count = (x: number): number => this.#places[x] as number;
    return registersIn(mask).reduce((rarest, x) => (count(x) < count(rarest) ? x : rarest));
  }

  #without(mask: number): number {
    return mask & ~(1 << this.#rarestOf(mask));
  }
}
