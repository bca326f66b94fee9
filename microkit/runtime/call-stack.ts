/**
 * The chain of calls that a hart is in, found as a debugger does it without tables: from what a
 * function's first instructions have done to the stack pointer, and where they have stored the
 * return address. This rests on how compilers write functions and proves nothing, so a stack is
 * followed only as long as each return address lies behind a call; the rest is left out.
 */

import { REG_PC, REG_RA, REG_SP } from '../../kernel/abi.ts';
import { decode, lengthOf } from '../../riscv/decode.ts';
import { OP_OF } from '../../riscv/operations.ts';
import type { ElfImage, FunctionIndex } from '../elf/image.ts';
import type { HartContext } from './machine-code.ts';

const CALLS_MAX = 64;
/** Where a function's beginning ends: it has put its return address away by then. */
const BEGINNING_INSTRUCTIONS = 4096;
const X_ZERO = 0;
const X_RA = 1;
const X_SP = 2;

/** What a function has done to the stack up to one pc. */
interface Frame {
  /** Bytes by which the stack pointer lies below what it was at the beginning of the function. */
  readonly sizeBytes: number;
  /**
   * Where the return address is, counted from the stack pointer at the function's beginning; still
   * in `ra` if undefined.
   */
  readonly returnAt: number | undefined;
}

const NO_FRAME: Frame = { sizeBytes: 0, returnAt: undefined };

export class CallStacks {
  readonly #image: ElfImage;
  readonly #functions: FunctionIndex;
  readonly #frames = new Map<number, Frame>();
  readonly #names = new Map<number, string>();

  constructor(image: ElfImage) {
    this.#image = image;
    this.#functions = image.symbols.functions();
  }

  /**
   * @returns the functions that a hart is in, by name, the outermost first; an address where there
   * is no name
   */
  of(hart: HartContext): readonly string[] {
    let pc = hart.registerAsNumber(REG_PC);
    let stack = hart.registerAsNumber(REG_SP);
    const names = [this.#nameAt(pc)];
    while (names.length < CALLS_MAX) {
      const { sizeBytes, returnAt } = this.#frameAt(pc);
      stack += sizeBytes;
      // A function that has called another one finds the way back from that call in `ra`, and not
      // its own.
      if (returnAt === undefined && names.length > 1) break;
      const back =
        returnAt === undefined ? hart.registerAsNumber(REG_RA) : hart.wordAt(stack + returnAt);
      if (back === undefined || !this.#isBehindCall(back)) break;
      pc = back;
      names.push(this.#nameAt(pc - 1)); // a call that never returns may be a function's last instruction
    }
    return names.toReversed();
  }

  #nameAt(pc: number): string {
    const known = this.#names.get(pc);
    if (known !== undefined) return known;
    const name = this.#functions.at(pc)?.name ?? `0x${pc.toString(16)}`;
    this.#names.set(pc, name);
    return name;
  }

  #frameAt(pc: number): Frame {
    const known = this.#frames.get(pc);
    if (known !== undefined) return known;
    const found = this.#functions.at(pc) ?? this.#functions.at(pc - 1);
    const frame = found === undefined ? NO_FRAME : this.#readFrame(pc - found.offset, pc);
    this.#frames.set(pc, frame);
    return frame;
  }

  /** Follows a function in the order of its addresses, from its beginning up to a pc. */
  #readFrame(start: number, pc: number): Frame {
    let frame = NO_FRAME;
    /**
     * The frame before it was taken down, by a return that is not the function's last instruction.
     */
    let standing: Frame | undefined;
    let at = start;
    for (let count = 0; at < pc && count < BEGINNING_INSTRUCTIONS; count += 1) {
      const instruction = this.#instructionAt(at);
      if (instruction === undefined) break;
      const { op, rd, rs1, rs2, imm } = instruction;
      at += instruction.length;
      if (op === OP_OF.addi && rd === X_SP && rs1 === X_SP) {
        if (imm > 0) standing ??= frame;
        const sizeBytes = frame.sizeBytes - imm;
        frame = sizeBytes <= 0 ? NO_FRAME : { ...frame, sizeBytes };
      } else if (op === OP_OF.sd && rs1 === X_SP && rs2 === X_RA) {
        frame = { ...frame, returnAt: imm - frame.sizeBytes };
      } else if (rd === X_ZERO && (op === OP_OF.jal || op === OP_OF.jalr)) {
        frame = standing ?? frame;
        standing = undefined;
      }
    }
    return frame;
  }

  #isBehindCall(address: number): boolean {
    return [4, 2].some((length) => {
      const call = this.#instructionAt(address - length);
      if (call?.length !== length || call.rd !== X_RA) return false;
      return call.op === OP_OF.jal || call.op === OP_OF.jalr;
    });
  }

  /** @returns undefined outside of the image's text */
  #instructionAt(address: number): ReturnType<typeof decode> | undefined {
    const text = this.#image.segments.find(
      ({ vaddr, contents, permissions }) =>
        permissions.includes('x') && address >= vaddr && address + 2 <= vaddr + contents.length,
    );
    if (text === undefined || address % 2 !== 0) return undefined;
    const { contents, vaddr } = text;
    const view = new DataView(contents.buffer, contents.byteOffset, contents.byteLength);
    const low = view.getUint16(address - vaddr, true);
    if (lengthOf(low) === 2) return decode(low);
    const isWhole = address + 4 <= vaddr + contents.length;
    return isWhole ? decode(view.getUint32(address - vaddr, true)) : undefined;
  }
}
