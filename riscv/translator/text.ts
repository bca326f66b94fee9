/**
 * The instructions of a text: a stretch of executable memory, as it was when the snapshot was
 * taken.
 */

import { decode, type Instruction, lengthOf } from '../decode.ts';

/** Its lowest byte; the other three are 0. */
const ECALL = 0x73;

export class Text {
  /** Virtual address of the first byte, even. */
  readonly base: number = 0;
  readonly bytes: Uint8Array;
  readonly #instructions: (Instruction | undefined)[] = [];

  constructor(base: number, bytes: Uint8Array) {
    this.base = base;
    this.bytes = bytes;
    this.#instructions = new Array<Instruction | undefined>(bytes.length >>> 1).fill(undefined);
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  /** Number of the halfword at an address, or -1 when it is outside or odd. */
  halfword(pc: number): number {
    const offset = pc - this.base;
    // An integer by then: V8 takes the remainder of any number by a slow instruction.
    const isInside = offset >= 0 && offset < this.bytes.length && (offset & 1) === 0;
    return isInside ? offset >>> 1 : -1;
  }

  /**
   * @returns the instruction that begins there; undefined outside, or where the text ends in the
   * middle of it
   */
  at(pc: number): Instruction | undefined {
    const index = this.halfword(pc);
    if (index < 0) return undefined;
    const known = this.#instructions[index];
    if (known !== undefined) return known;
    const decoded = this.#decode(index);
    this.#instructions[index] = decoded;
    return decoded;
  }

  /** Whether the instruction at an address is `ecall`. */
  isSystemCall(pc: number): boolean {
    const at = pc - this.base;
    const { bytes } = this;
    return bytes[at] === ECALL && bytes[at + 1] === 0 && bytes[at + 2] === 0 && bytes[at + 3] === 0;
  }

  #decode(index: number): Instruction | undefined {
    const low = this.#half(index);
    const length = lengthOf(low);
    if (index * 2 + length > this.bytes.length) return undefined;
    return decode(length === 4 ? low | (this.#half(index + 1) << 16) : low);
  }

  #half(index: number): number {
    const at = index * 2;
    return (this.bytes[at] as number) | ((this.bytes[at + 1] as number) << 8);
  }
}
