/**
 * Finds the functions of a text, and their blocks.
 *
 * No symbols are needed. What is called is a function; so is what the host names; and what nothing
 * reaches, but what looks like code behind the end of other code, is taken for a case of a `switch`
 * of the function before it, if that has one, or else for a function that is called through a
 * pointer. A wrong guess costs translation, never correctness: each block is what the bytes say.
 */

import { assert } from '../../memory/assert.ts';
import type { Instruction } from '../decode.ts';
import { OP_OF } from '../operations.ts';
import { type BlockEnd, endOf } from './flow.ts';
import type { Text } from './text.ts';

/** Instructions that run one after the other, entered at the first one only. */
export interface Block {
  readonly pc: number;
  readonly instructions: readonly Instruction[];
  readonly end: BlockEnd;
}

/** One WebAssembly function will be made of it. */
export interface GuestFunction {
  /** The first block is where it is called. */
  readonly blocks: readonly Block[];
  /** Index of each block by its address. */
  readonly indexOf: ReadonlyMap<number, number>;
  /** Instructions of all its blocks. */
  readonly length: number;
  /** Addresses of blocks that its indirect jumps may go to: cases of a `switch`. */
  readonly cases: readonly number[];
}

/** Functions that are longer are cut: what V8 needs to compile one grows faster than its length. */
const MOST_INSTRUCTIONS = 2000;
/**
 * The same for blocks: loops in loops cost us their product, and code stands inside that of its
 * dominators.
 */
const MOST_BLOCKS = 400;
/** Roots behind a function that are looked at, whether they are cases of a `switch` in it. */
const MOST_CASES = 256;
/**
 * An engine that has less to execute than a block leaves it to the interpreter, so blocks end
 * somewhere.
 */
const LONGEST_BLOCK = 120;

/**
 * @param hints addresses where functions begin, as far as the host knows; others are found
 * @returns the functions; every block of the text that was found is in one of them
 */
export function findFunctions(text: Text, hints: readonly number[]): GuestFunction[] {
  const reach = new Reach(text);
  for (const pc of hints) {
    reach.root(pc);
  }
  reach.sweep();
  return new Partition(text, reach).functions();
}

const INSTRUCTION = 1;
const LEADER = 2;
const ROOT = 4;
/** A root that nothing is known to call. */
const SWEPT = 8;

/** What is known of each halfword: whether an instruction, a block, a function begins there. */
class Reach {
  readonly marks: Uint8Array;
  readonly roots: number[] = [];
  readonly #text: Text;
  readonly #pending: number[] = [];

  constructor(text: Text) {
    this.#text = text;
    this.marks = new Uint8Array(text.sizeBytes >>> 1);
  }

  root(pc: number): void {
    if (this.#mark(pc, ROOT)) this.roots.push(pc);
    this.#leader(pc);
    this.#follow();
  }

  isMarked(pc: number, mark: number): boolean {
    const index = this.#text.halfword(pc);
    return index >= 0 && ((this.marks[index] as number) & mark) !== 0;
  }

  /** Takes every instruction that nothing has reached for the beginning of a function. */
  sweep(): void {
    const { base, sizeBytes } = this.#text;
    let pc = base;
    while (pc < base + sizeBytes) {
      const instruction = this.#text.at(pc);
      if (instruction === undefined || instruction.op === 0) {
        pc += 2;
        continue;
      }
      if (!this.isMarked(pc, INSTRUCTION)) {
        this.root(pc);
        this.#mark(pc, SWEPT);
      }
      pc += instruction.length;
    }
  }

  #follow(): void {
    for (let pc = this.#pending.pop(); pc !== undefined; pc = this.#pending.pop()) {
      this.#walk(pc);
    }
  }

  #walk(from: number): void {
    let pc = from;
    let before: Instruction | undefined;
    while (!this.isMarked(pc, INSTRUCTION)) {
      const instruction = this.#text.at(pc);
      if (instruction === undefined) return;
      this.#mark(pc, INSTRUCTION);
      const end = endOf(pc, instruction, before);
      if (end !== undefined) {
        this.#ends(end);
        return;
      }
      before = instruction;
      pc += instruction.length;
    }
  }

  #ends(end: BlockEnd): void {
    if (end.kind === 'call' && this.#mark(end.target, ROOT)) this.roots.push(end.target);
    if (end.kind === 'call' || end.kind === 'branch' || end.kind === 'jump')
      this.#leader(end.target);
    if ('next' in end) this.#leader(end.next);
  }

  #leader(pc: number): void {
    if (this.#mark(pc, LEADER)) this.#pending.push(pc);
  }

  /** @returns whether the mark is new there */
  #mark(pc: number, mark: number): boolean {
    const index = this.#text.halfword(pc);
    if (index < 0) return false;
    const marks = this.marks[index] as number;
    this.marks[index] = marks | mark;
    return (marks & mark) === 0;
  }
}

/** Gives each block to one function: to the first that reaches it without a call. */
class Partition {
  readonly #text: Text;
  readonly #reach: Reach;
  readonly #taken = new Set<number>();
  /** All roots, by address. */
  readonly #sorted: Float64Array;

  constructor(text: Text, reach: Reach) {
    this.#text = text;
    this.#reach = reach;
    this.#sorted = Float64Array.from(reach.roots).toSorted();
  }

  functions(): GuestFunction[] {
    const found: GuestFunction[] = [];
    const roots = [...this.#reach.roots];
    // What is cut off is appended while this loop runs.
    for (const root of roots) {
      if (this.#taken.has(root)) continue;
      const { made, cutOff } = this.#functionAt(root);
      if (made.blocks.length > 0) found.push(made);
      roots.push(...cutOff);
    }
    return found;
  }

  /** Roots behind a function that nothing calls, up to the next one that something does. */
  #casesBehind(root: number): number[] {
    const cases: number[] = [];
    const first = firstAbove(this.#sorted, root);
    for (const pc of this.#sorted.subarray(first, first + MOST_CASES)) {
      if (!this.#reach.isMarked(pc, SWEPT)) break;
      if (!this.#taken.has(pc) && this.#text.at(pc)?.op !== OP_OF.illegal) cases.push(pc);
    }
    return cases;
  }

  /** @returns the function, and the blocks that would make it too long */
  #functionAt(root: number): { made: GuestFunction; cutOff: number[] } {
    const blocks: Block[] = [];
    const indexOf = new Map<number, number>();
    const pending = [root];
    const cases = new Set<number>();
    let hasLooked = false;
    let instructions = 0;
    const made = (): GuestFunction => ({
      ...{ blocks, indexOf, length: instructions },
      cases: [...cases].filter((pc) => indexOf.has(pc)),
    });
    for (let pc = pending.pop(); pc !== undefined; pc = pending.pop()) {
      const isElsewhere = pc !== root && this.#reach.isMarked(pc, ROOT) && !cases.has(pc);
      if (isElsewhere || this.#taken.has(pc)) continue;
      if (instructions > MOST_INSTRUCTIONS || blocks.length >= MOST_BLOCKS)
        return { made: made(), cutOff: [...pending, pc] };
      const block = this.#blockAt(pc);
      if (block === undefined) continue;
      this.#taken.add(pc);
      indexOf.set(pc, blocks.length);
      blocks.push(block);
      instructions += block.instructions.length;
      pending.push(...successors(block.end).toReversed());
      if (!hasLooked && isSwitch(block)) {
        hasLooked = true;
        for (const each of this.#casesBehind(root)) cases.add(each);
        pending.unshift(...cases);
      }
    }
    return { made: made(), cutOff: [] };
  }

  #blockAt(start: number): Block | undefined {
    const instructions: Instruction[] = [];
    let pc = start;
    for (;;) {
      const instruction = this.#text.at(pc);
      if (instruction === undefined) {
        return instructions.length === 0
          ? undefined
          : { pc: start, instructions, end: { kind: 'fall', next: pc } };
      }
      const end = endOf(pc, instruction, instructions.at(-1));
      instructions.push(instruction);
      if (end !== undefined) return { pc: start, instructions, end };
      pc += instruction.length;
      if (this.#reach.isMarked(pc, LEADER) || instructions.length === LONGEST_BLOCK) {
        return { pc: start, instructions, end: { kind: 'fall', next: pc } };
      }
    }
  }
}

/** @returns the place of the first number above another one, among numbers in order */
function firstAbove(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Registers whose use in `jalr x0` is a return: the manual's hints for return-address stacks. */
export const LINKS: readonly number[] = [1, 5];

/** Whether a block ends with a jump to an address that has been computed. */
function isSwitch({ end, instructions }: Block): boolean {
  const last = instructions.at(-1);
  return end.kind === 'indirect' && last !== undefined && !LINKS.includes(last.rs1);
}

/** Whether a block's last instruction is executed by the interpreter. */
export function isInterpreted(end: BlockEnd): boolean {
  return end.kind === 'leave' || end.kind === 'stop';
}

/** Addresses at which the same function goes on. */
export function successors(end: BlockEnd): readonly number[] {
  switch (end.kind) {
    case 'fall':
    case 'call':
    case 'indirectCall':
    case 'bulkCall':
    case 'leave':
      return [end.next];
    case 'jump':
      return [end.target];
    case 'branch':
      return [end.next, end.target];
    case 'indirect':
    case 'stop':
      return [];
    default:
      end satisfies never;
      assert(false, 'every kind of end is named');
  }
}
