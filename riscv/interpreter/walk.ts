/**
 * The interpreter's loop: fetch a cell, execute it, write the result back.
 *
 * Read it beside the manual, volume I, chapters RV32I, RV64I, M, F and D (loads and stores only;
 * arithmetic is in `../float/`). A 64-bit value is two 32-bit halves, `…High` the upper one; both
 * are signed numbers, `>>> 0` makes one unsigned where the order matters.
 *
 * It executes what concerns registers and plain RAM alone, and stops in front of everything else:
 * see `walk`. V8 makes a jump table of a switch only when its labels are literal numbers, hence the
 * numbers: they are those of `../operations.ts`, and a test compares each with the name in its
 * comment. Helpers are written out in line, because V8 gives up putting them into a function of
 * this size.
 */

import { BYTES_PER_HALFWORD, NOTED } from '../coverage/map.ts';
import { executeFloat } from '../float/execute.ts';
import { HART } from '../hart.ts';
import { OP_OF } from '../operations.ts';
import { CELL, CELL_WORDS, WORDS_PER_BYTE } from './cells.ts';
import { executeRareInteger, mulhu32 } from './rare-integer.ts';
import {
  type CodeWindow,
  type HartViews,
  TLB,
  TLB_ENTRIES,
  TLB_ENTRY_WORDS,
  TLB_FOLD,
} from './views.ts';

const REMAINING = HART.remaining >> 2;
const BRANCH_COUNT = HART.branchCount >> 2;
const BRANCHES = HART.branches >> 2;
const OP = CELL.op;
const RD = CELL.rd;
const RS1 = CELL.rs1;
const RS2 = CELL.rs2;
const IMM = CELL.imm;
const EXTRA = CELL.extra;
const EXTRA_HIGH = CELL.extraHigh;
const STEP = CELL.step;
const READABLE = TLB.readable;
const WRITABLE = TLB.writable;
const DELTA = TLB.delta;
const TLB_MASK = TLB_ENTRIES - 1;
const TLB_SHIFT = TLB_FOLD;
const TLB_WORDS = TLB_ENTRY_WORDS;
const BYTE_WORDS = WORDS_PER_BYTE;
const FLOATS_FROM = OP_OF.flw;
/** `jal` and `jalr`, which also jump, have lower numbers. */
const FIRST_BRANCH = OP_OF.beq;
/** From the index of a cell, which is a multiple of its words, to the position of its notes. */
const NOTE_SHIFT = 31 - Math.clz32(CELL_WORDS / BYTES_PER_HALFWORD);
const BEGUN = NOTED.begun;
const TAKEN = NOTED.taken;
const NOT_TAKEN = NOTED.notTaken;

/**
 * Executes from a cell on, until `remaining` or `most` is used up or an instruction needs more than
 * registers and plain RAM: one that is not decoded yet, a trap, a jump out of the window, an access
 * that the TLB does not know or that is misaligned, an atomic one, a CSR. Of that instruction
 * nothing is done.
 *
 * `remaining` is up to date afterwards, `retired` is not.
 *
 * @returns the index of the cell that would be next
 */
// oxlint-disable-next-line max-lines-per-function -- in one function its state stays in registers
export function walk(hart: HartViews, window: CodeWindow, from: number, most: number): number {
  const { x, u8, u16, i32, tlb } = hart;
  const { cells, low: windowLow, high: windowHigh, sizeBytes, notesAt } = window;
  let index = from;
  const remaining = x[REMAINING] as number;
  const kept = remaining > most ? remaining - most : 0;
  let left = remaining - kept;
  walking: while (left > 0) {
    const op = cells[index + OP] as number;
    const rd = cells[index + RD] as number;
    const rs1 = cells[index + RS1] as number;
    const rs2 = cells[index + RS2] as number;
    const imm = cells[index + IMM] as number;
    const a = x[rs1] as number;
    const aHigh = x[rs1 + 1] as number;
    const b = x[rs2] as number;
    const bHigh = x[rs2 + 1] as number;
    let low = 0;
    let high = 0;
    let target = imm;
    jump: {
      next: {
        stay: {
          switch (op) {
            case 0: // illegal, or not decoded yet
              break walking;
            case 1: // lui
            case 2: // auipc
              low = imm;
              high = cells[index + EXTRA] as number;
              break;

            case 3: // jal
              if (imm < 0) break walking;
              x[rd] = cells[index + EXTRA] as number;
              x[rd + 1] = cells[index + EXTRA_HIGH] as number;
              break jump;
            // jalr
            case 4: {
              low = (a + imm) | 0;
              high = (aHigh + (imm >> 31) + (low >>> 0 < a >>> 0 ? 1 : 0)) | 0;
              const offset = ((low & ~1) - windowLow) >>> 0;
              if (high !== windowHigh || offset >= sizeBytes) break walking;
              x[rd] = cells[index + EXTRA] as number;
              x[rd + 1] = cells[index + EXTRA_HIGH] as number;
              target = offset * BYTE_WORDS;
              break jump;
            }
            case 5: // beq
              if (a === b && aHigh === bHigh) break jump;
              break stay;
            case 6: // bne
              if (a !== b || aHigh !== bHigh) break jump;
              break stay;
            case 7: // blt
              if (aHigh < bHigh || (aHigh === bHigh && a >>> 0 < b >>> 0)) break jump;
              break stay;
            case 8: // bge
              if (aHigh > bHigh || (aHigh === bHigh && a >>> 0 >= b >>> 0)) break jump;
              break stay;
            case 9: // bltu
              if (aHigh >>> 0 < bHigh >>> 0 || (aHigh === bHigh && a >>> 0 < b >>> 0)) break jump;
              break stay;
            case 10: // bgeu
              if (aHigh >>> 0 > bHigh >>> 0 || (aHigh === bHigh && a >>> 0 >= b >>> 0)) break jump;
              break stay;

            case 11: // lb
            case 12: // lh
            case 13: // lw
            case 14: // ld
            case 15: // lbu
            case 16: // lhu
            case 17: // lwu
            case 127: // flw
            // fld
            case 157: {
              const address = (a + imm) | 0;
              high = (aHigh + (imm >> 31) + (address >>> 0 < a >>> 0 ? 1 : 0)) | 0;
              const page = (address >>> 12) | (high << 20);
              const entry = ((page ^ (page >>> TLB_SHIFT)) & TLB_MASK) * TLB_WORDS;
              if (tlb[entry + READABLE] !== page || high >>> 6 !== 0) break walking;
              const at = (address + (tlb[entry + DELTA] as number)) | 0;
              switch (op) {
                case 11: // lb
                  low = ((u8[at] as number) << 24) >> 24;
                  high = low >> 31;
                  break;
                case 12: // lh
                  if ((at & 1) !== 0) break walking;
                  low = ((u16[at >> 1] as number) << 16) >> 16;
                  high = low >> 31;
                  break;
                case 13: // lw
                  if ((at & 3) !== 0) break walking;
                  low = i32[at >> 2] as number;
                  high = low >> 31;
                  break;
                case 15: // lbu
                  low = u8[at] as number;
                  high = 0;
                  break;
                case 16: // lhu
                  if ((at & 1) !== 0) break walking;
                  low = u16[at >> 1] as number;
                  high = 0;
                  break;
                case 17: // lwu
                  if ((at & 3) !== 0) break walking;
                  low = i32[at >> 2] as number;
                  high = 0;
                  break;
                case 127: // flw: boxed in a NaN
                  if ((at & 3) !== 0) break walking;
                  low = i32[at >> 2] as number;
                  high = -1;
                  break;
                default: // ld, fld
                  if ((at & 7) !== 0) break walking;
                  low = i32[at >> 2] as number;
                  high = i32[(at >> 2) + 1] as number;
                  break;
              }
              break;
            }

            case 18: // sb
            case 19: // sh
            case 20: // sw
            case 21: // sd
            case 128: // fsw
            // fsd
            case 158: {
              const address = (a + imm) | 0;
              high = (aHigh + (imm >> 31) + (address >>> 0 < a >>> 0 ? 1 : 0)) | 0;
              const page = (address >>> 12) | (high << 20);
              const entry = ((page ^ (page >>> TLB_SHIFT)) & TLB_MASK) * TLB_WORDS;
              if (tlb[entry + WRITABLE] !== page || high >>> 6 !== 0) break walking;
              const at = (address + (tlb[entry + DELTA] as number)) | 0;
              switch (op) {
                case 18: // sb
                  u8[at] = b;
                  break;
                case 19: // sh
                  if ((at & 1) !== 0) break walking;
                  u16[at >> 1] = b;
                  break;
                case 20: // sw
                case 128: // fsw
                  if ((at & 3) !== 0) break walking;
                  i32[at >> 2] = b;
                  break;
                default: // sd, fsd
                  if ((at & 7) !== 0) break walking;
                  i32[at >> 2] = b;
                  i32[(at >> 2) + 1] = bHigh;
                  break;
              }
              break next;
            }

            case 22: // addi
              low = (a + imm) | 0;
              high = (aHigh + (imm >> 31) + (low >>> 0 < a >>> 0 ? 1 : 0)) | 0;
              break;
            case 23: // slti
              low = aHigh < imm >> 31 || (aHigh === imm >> 31 && a >>> 0 < imm >>> 0) ? 1 : 0;
              break;
            case 24: // sltiu
              low =
                aHigh >>> 0 < (imm >> 31) >>> 0 || (aHigh === imm >> 31 && a >>> 0 < imm >>> 0)
                  ? 1
                  : 0;
              break;
            case 25: // xori
              low = a ^ imm;
              high = aHigh ^ (imm >> 31);
              break;
            case 26: // ori
              low = a | imm;
              high = aHigh | (imm >> 31);
              break;
            case 27: // andi
              low = a & imm;
              high = aHigh & (imm >> 31);
              break;
            // Shifts: JavaScript takes amounts modulo 32, and `<< 1 << (31 - n)` is right where n
            // is 0.
            case 28: // slli
              if (imm < 32) {
                low = a << imm;
                high = (aHigh << imm) | ((a >>> 1) >>> (31 - imm));
              } else {
                high = a << imm;
              }
              break;
            case 29: // srli
              if (imm < 32) {
                low = (a >>> imm) | ((aHigh << 1) << (31 - imm));
                high = (aHigh >>> imm) | 0;
              } else {
                low = (aHigh >>> imm) | 0;
              }
              break;
            case 30: // srai
              if (imm < 32) {
                low = (a >>> imm) | ((aHigh << 1) << (31 - imm));
                high = aHigh >> imm;
              } else {
                low = aHigh >> imm;
                high = aHigh >> 31;
              }
              break;

            case 31: // add
              low = (a + b) | 0;
              high = (aHigh + bHigh + (low >>> 0 < a >>> 0 ? 1 : 0)) | 0;
              break;
            case 32: // sub
              low = (a - b) | 0;
              high = (aHigh - bHigh - (a >>> 0 < b >>> 0 ? 1 : 0)) | 0;
              break;
            // sll
            case 33: {
              const amount = b & 63;
              if (amount < 32) {
                low = a << amount;
                high = (aHigh << amount) | ((a >>> 1) >>> (31 - amount));
              } else {
                high = a << amount;
              }
              break;
            }
            case 34: // slt
              low = aHigh < bHigh || (aHigh === bHigh && a >>> 0 < b >>> 0) ? 1 : 0;
              break;
            case 35: // sltu
              low = aHigh >>> 0 < bHigh >>> 0 || (aHigh === bHigh && a >>> 0 < b >>> 0) ? 1 : 0;
              break;
            case 36: // xor
              low = a ^ b;
              high = aHigh ^ bHigh;
              break;
            // srl
            case 37: {
              const amount = b & 63;
              if (amount < 32) {
                low = (a >>> amount) | ((aHigh << 1) << (31 - amount));
                high = (aHigh >>> amount) | 0;
              } else {
                low = (aHigh >>> amount) | 0;
              }
              break;
            }
            // sra
            case 38: {
              const amount = b & 63;
              if (amount < 32) {
                low = (a >>> amount) | ((aHigh << 1) << (31 - amount));
                high = aHigh >> amount;
              } else {
                low = aHigh >> amount;
                high = aHigh >> 31;
              }
              break;
            }
            case 39: // or
              low = a | b;
              high = aHigh | bHigh;
              break;
            case 40: // and
              low = a & b;
              high = aHigh & bHigh;
              break;

            // On 32 bits, with the result's sign extended.
            case 41: // addiw
              low = (a + imm) | 0;
              high = low >> 31;
              break;
            case 42: // slliw
              low = a << imm;
              high = low >> 31;
              break;
            case 43: // srliw
              low = (a >>> imm) | 0;
              high = low >> 31;
              break;
            case 44: // sraiw
              low = a >> imm;
              high = low >> 31;
              break;
            case 45: // addw
              low = (a + b) | 0;
              high = low >> 31;
              break;
            case 46: // subw
              low = (a - b) | 0;
              high = low >> 31;
              break;
            case 47: // sllw
              low = a << b;
              high = low >> 31;
              break;
            case 48: // srlw
              low = (a >>> b) | 0;
              high = low >> 31;
              break;
            case 49: // sraw
              low = a >> b;
              high = low >> 31;
              break;

            case 50: // fence: one hart, in order
              break next;

            case 60: // mul
              low = Math.imul(a, b);
              high = (mulhu32(a, b) + Math.imul(aHigh, b) + Math.imul(a, bHigh)) | 0;
              break;
            case 68: // mulw
              low = Math.imul(a, b);
              high = low >> 31;
              break;

            default:
              if (op > FLOATS_FROM) {
                const registers = cells[index + EXTRA] as number;
                if (!executeFloat(hart, op, registers, imm)) break walking;
              } else if (!executeRareInteger(x, cells, index)) {
                break walking;
              }
              break next;
          }
          x[rd] = low;
          x[rd + 1] = high;
          break next;
        }
        if (notesAt >= 0) {
          u8[(notesAt + (index >> NOTE_SHIFT) + NOT_TAKEN) | 0] = 1;
          const next = (index + (cells[index + STEP] as number)) | 0;
          if (left > 1) u8[(notesAt + (next >> NOTE_SHIFT) + BEGUN) | 0] = 1;
        }
      }
      index += cells[index + STEP] as number;
      left -= 1;
      continue;
    }
    if (target < 0) break;
    if (notesAt >= 0) {
      if (op >= FIRST_BRANCH) u8[(notesAt + (index >> NOTE_SHIFT) + TAKEN) | 0] = 1;
      // With nothing left, whoever goes on there notes it.
      if (left > 1) u8[(notesAt + (target >> NOTE_SHIFT) + BEGUN) | 0] = 1;
    }
    const count = x[BRANCH_COUNT] as number;
    const slot = BRANCHES + 2 * (count & 15);
    x[slot] = windowLow + ((target / BYTE_WORDS) | 0);
    x[slot + 1] = windowHigh;
    x[BRANCH_COUNT] = count + 1;
    index = target;
    left -= 1;
  }
  x[REMAINING] = left + kept;
  return index;
}
