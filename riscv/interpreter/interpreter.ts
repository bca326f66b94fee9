/**
 * The interpreter: the specification of both engines.
 *
 * `walk.ts` executes what concerns registers and plain RAM. This file decides what happens where
 * that loop stops: at an instruction that is not decoded yet, at a trap, a CSR, an atomic or
 * unusual access, a jump to another piece of code.
 */

import type { Ram } from '../../memory/ram.ts';
import type { AddressSpace } from '../address-space.ts';
import { BulkExecution } from '../bulk/execute.ts';
import type { BulkFunction, BulkName } from '../bulk/functions.ts';
import { type CoverageMap, type Noted, NOTED } from '../coverage/map.ts';
import { decode, type Instruction } from '../decode.ts';
import { EXIT, HART, HART_BYTES } from '../hart.ts';
import { OP_OF, OPERATIONS } from '../operations.ts';
import { executeAtomic } from './atomic.ts';
import { CELL, wordOfF, wordOfResult, wordOfX, WORDS_PER_BYTE } from './cells.ts';
import { CodeWindows, type FetchFault } from './code-windows.ts';
import { executeCsr } from './csr.ts';
import { type Address, addressAfter, MemoryAccess, vaddrOf } from './memory.ts';
import { type CodeWindow, type HartViews, TLB_ENTRIES, TLB_ENTRY_WORDS } from './views.ts';
import { walk } from './walk.ts';

export interface InterpreterOptions {
  readonly ram: Ram;
  /** Offset in RAM of the hart block, in the staging area. */
  readonly at: number;
  readonly space: AddressSpace;
  /** Functions that are done at once: see `../bulk/`. */
  readonly bulk?: readonly BulkFunction[] | undefined;
  /** Where it is noted what is executed, if anybody wants to know. */
  readonly coverage?: CoverageMap | undefined;
}

const PC = HART.registers >> 2;
const NEXT_PC = HART.nextPc >> 2;
const RETIRED = HART.retired >> 2;
const REMAINING = HART.remaining >> 2;
const HAS_RESERVATION = HART.hasReservation >> 2;
const HAS_FLOATING_POINT = HART.hasFloatingPoint >> 2;
const BRANCH_COUNT = HART.branchCount >> 2;
const BRANCHES = HART.branches >> 2;
const RETURN_ADDRESS = 1;
const NOWHERE: Address = { low: 0, high: 0 };

/** Words whose decoding is remembered. */
const MOST_INSTRUCTIONS = 1024;

/** The instruction that the loop has stopped at. */
interface Stop {
  readonly instruction: Instruction;
  readonly word: number;
  readonly pc: Address;
}

export class Interpreter {
  readonly #space: AddressSpace;
  readonly #hart: HartViews;
  readonly #memory: MemoryAccess;
  readonly #windows: CodeWindows;
  readonly #bulk: BulkExecution;
  readonly #coverage: CoverageMap | undefined;
  readonly #instructions = new Map<number, Instruction>();
  /** The version of the address space that caches are of. */
  #mappings = -1;
  /** What is left of the instructions that `run` was to execute at most. */
  #most = 0;

  constructor({ ram, at, space, bulk = [], coverage }: InterpreterOptions) {
    this.#space = space;
    this.#coverage = coverage;
    this.#bulk = new BulkExecution({ ram, at, space });
    this.#hart = makeViews(ram, at);
    this.#memory = new MemoryAccess(this.#hart, space);
    this.#windows = new CodeWindows(space, ram.u8, bulk, coverage);
  }

  /**
   * Executes from `nextPc` on until a trap, a planted stop, or until `remaining` is used up.
   *
   * @param most as many instructions at most, however many `remaining` allows
   * @returns why it has stopped, one of `EXIT`: `limit` also after `most`
   */
  run(most = Number.MAX_SAFE_INTEGER): number {
    const { x } = this.#hart;
    this.#most = most;
    this.#space.refresh();
    if (this.#space.version !== this.#mappings) {
      this.#mappings = this.#space.version;
      this.#memory.flush();
      this.#windows.invalidate();
    }
    this.#windows.setFloatingPoint(x[HAS_FLOATING_POINT] !== 0);
    // The register that keeps it over a trap, sepc, has no lowest bit.
    x[NEXT_PC] = (x[NEXT_PC] as number) & ~1;
    if ((x[REMAINING] as number) > 0 && most > 0) this.#note(this.#nextPc(), NOTED.begun);
    let exit = 0;
    while (exit === 0) exit = this.#advance();
    if (exit > 0) x[HAS_RESERVATION] = 0;
    if (exit !== EXIT.ecall) this.#setPc(this.#nextPc());
    return exit;
  }

  /**
   * Executes one load or store of integers, if what it accesses is a device's registers.
   *
   * @param pc its address
   * @returns whether it has; otherwise, also where it traps, nothing has happened
   */
  accessDevice(instruction: Instruction, pc: Address): boolean {
    const address = vaddrOf(addressAt(this.#x(instruction.rs1), instruction.imm));
    if (address === undefined || this.#space.runAt(address)?.device === undefined) return false;
    this.#setPc(pc);
    this.#setNextPc(pc);
    return this.#access({ instruction, word: 0, pc }) === 0;
  }

  /**
   * Executes up to the next stop of the loop, and there one instruction.
   * @returns 0 to go on, or why not
   */
  #advance(): number {
    if ((this.#hart.x[REMAINING] as number) <= 0 || this.#most <= 0) return EXIT.limit;
    const pc = this.#nextPc();
    const window = this.#windows.find(pc);
    return isFault(window) ? this.#fetchTrap(window) : this.#walkIn(window, pc);
  }

  #walkIn(window: CodeWindow, from: Address): number {
    const { x } = this.#hart;
    const before = x[REMAINING] as number;
    const cell = ((from.low - window.low) >>> 0) * WORDS_PER_BYTE;
    const index = walk(this.#hart, window, cell, this.#most);
    const executed = before - (x[REMAINING] as number);
    this.#most -= executed;
    this.#addRetired(executed);
    const pc = addressAfter(window, index / WORDS_PER_BYTE);
    this.#setNextPc(pc);
    if ((x[REMAINING] as number) <= 0 || this.#most <= 0) return EXIT.limit;
    const word = this.#windows.wordAt(window, index);
    if (window.cells[index + CELL.op] !== OP_OF.illegal) {
      return this.#step({ instruction: this.#decoded(word), word, pc });
    }
    const undecoded = this.#windows.decodeAt(window, index);
    switch (undecoded) {
      case 'decoded':
      case 'end':
        return 0;
      case 'illegal':
        return this.#illegal(word);
      case 'crosses':
        return this.#walkOne(pc);
      default:
        return this.#doAtOnce(undecoded) ? 0 : this.#walkOne(pc);
    }
  }

  /** Executes one instruction in a window of its own. */
  #walkOne(pc: Address): number {
    const single = this.#windows.single(pc);
    return isFault(single) ? this.#fetchTrap(single) : this.#walkIn(single, pc);
  }

  /**
   * Does the function that has just been called, and returns from it.
   * @returns false when its code is to be executed
   */
  #doAtOnce(name: BulkName): boolean {
    const charge = this.#bulk.execute(name);
    if (charge === 0) return false;
    const { low, high } = this.#x(RETURN_ADDRESS);
    const target = { low: low & ~1, high };
    this.#count(charge);
    this.#recordBranch(target);
    this.#setNextPc(target);
    return true;
  }

  /** Decodes a word, or remembers what it was: loops come back to what the walk leaves. */
  #decoded(word: number): Instruction {
    const known = this.#instructions.get(word);
    if (known !== undefined) return known;
    const instruction = decode(word);
    if (this.#instructions.size >= MOST_INSTRUCTIONS) this.#instructions.clear();
    this.#instructions.set(word, instruction);
    return instruction;
  }

  /** Executes one instruction that the loop has left. */
  #step(stop: Stop): number {
    const { instruction, pc } = stop;
    this.#setPc(pc);
    switch (OPERATIONS[instruction.op]?.format) {
      case 'J':
      case 'B':
        return this.#jump(addressAt(pc, instruction.imm), stop);
      case 'jalr': {
        const target = addressAt(this.#x(instruction.rs1), instruction.imm);
        return this.#jump({ low: target.low & ~1, high: target.high }, stop);
      }
      case 'csr':
      case 'csri': {
        const isLegal = executeCsr(this.#hart.x, instruction, this.#space.outside);
        return isLegal ? this.#finish(stop) : this.#illegal(stop.word);
      }
      case 'none':
        return this.#environment(stop);
      default:
        return this.#access(stop);
    }
  }

  /** `jal`, `jalr` or a branch that is taken, to where the loop does not go. */
  #jump(target: Address, stop: Stop): number {
    const { x } = this.#hart;
    const { op, rd } = stop.instruction;
    if (op === OP_OF.jal || op === OP_OF.jalr) {
      const next = addressAfter(stop.pc, stop.instruction.length);
      x[wordOfResult(rd)] = next.low;
      x[wordOfResult(rd) + 1] = next.high;
    }
    if (OPERATIONS[op]?.format === 'B') this.#note(stop.pc, NOTED.taken);
    this.#recordBranch(target);
    this.#finish(stop);
    this.#setNextPc(target);
    if ((x[REMAINING] as number) > 0 && this.#most > 0) this.#note(target, NOTED.begun);
    return 0;
  }

  #note(pc: Address, noted: Noted): void {
    const vaddr = this.#coverage === undefined ? undefined : vaddrOf(pc);
    if (vaddr !== undefined) this.#coverage?.note(vaddr, noted);
  }

  #recordBranch({ low, high }: Address): void {
    const { x } = this.#hart;
    const count = x[BRANCH_COUNT] as number;
    x[BRANCHES + 2 * (count & 15)] = low;
    x[BRANCHES + 2 * (count & 15) + 1] = high;
    x[BRANCH_COUNT] = count + 1;
  }

  /** `fence.i`, `ecall`, `ebreak`. */
  #environment(stop: Stop): number {
    const { op } = stop.instruction;
    if (op === OP_OF['fence.i']) {
      this.#space.fenceInstructions();
      this.#windows.invalidate();
      return this.#finish(stop);
    }
    if (op === OP_OF.ebreak && this.#isPlanted(stop.pc)) return EXIT.planted;
    this.#memory.trap(0, NOWHERE);
    if (op === OP_OF.ebreak) return EXIT.breakpoint;
    this.#setNextPc(addressAfter(stop.pc, stop.instruction.length));
    return EXIT.ecall;
  }

  #isPlanted(pc: Address): boolean {
    const vaddr = vaddrOf(pc);
    return vaddr !== undefined && this.#space.isPlanted(vaddr);
  }

  /** Loads, stores, atomic operations; and floating point with a rounding mode that is none. */
  #access(stop: Stop): number {
    const { instruction, word } = stop;
    const { op, rd, rs1, rs2, imm } = instruction;
    // Counted first, since a device that is accessed looks at the count. A trap takes it back.
    this.#count(1);
    let exit = 0;
    switch (OPERATIONS[op]?.format) {
      case 'load':
      case 'fload': {
        const result = op === OP_OF.flw || op === OP_OF.fld ? wordOfF(rd) : wordOfResult(rd);
        exit = this.#memory.load(op, result, addressAt(this.#x(rs1), imm));
        break;
      }
      case 'S':
      case 'fstore': {
        const source = op === OP_OF.fsw || op === OP_OF.fsd ? wordOfF(rs2) : wordOfX(rs2);
        const address = addressAt(this.#x(rs1), imm);
        exit = this.#memory.store(op, source, address);
        if (exit === 0) this.#hasStored(address);
        break;
      }
      case 'lr':
      case 'amo': {
        const operands = { rd: wordOfResult(rd), rs1: wordOfX(rs1), rs2: wordOfX(rs2) };
        const address = this.#x(rs1);
        exit = executeAtomic(this.#hart, this.#memory, op, operands);
        if (exit === 0) this.#hasStored(address);
        break;
      }
      default:
        exit = this.#illegal(word);
    }
    if (exit !== 0) this.#count(-1);
    else this.#setNextPc(addressAfter(stop.pc, instruction.length));
    return exit;
  }

  /**
   * Tells of a store of 8 bytes at most: when it is to code, what follows may be another than was
   * decoded.
   */
  #hasStored(address: Address): void {
    const vaddr = vaddrOf(address);
    if (vaddr !== undefined && this.#space.hasStored(vaddr, 8)) this.#windows.invalidate();
  }

  #finish({ instruction, pc }: Stop): 0 {
    this.#count(1);
    this.#setNextPc(addressAfter(pc, instruction.length));
    return 0;
  }

  #illegal(word: number): number {
    return this.#memory.trap(EXIT.illegal, { low: word, high: 0 });
  }

  #fetchTrap({ cause, address }: FetchFault): number {
    return this.#memory.trap(cause, address);
  }

  #count(instructions: number): void {
    const { x } = this.#hart;
    x[REMAINING] = (x[REMAINING] as number) - instructions;
    this.#most -= instructions;
    this.#addRetired(instructions);
  }

  #addRetired(instructions: number): void {
    const { x } = this.#hart;
    const before = x[RETIRED] as number;
    const low = (before + instructions) | 0;
    x[RETIRED] = low;
    const isNegative = instructions < 0;
    const wraps = isNegative ? low >>> 0 > before >>> 0 : low >>> 0 < before >>> 0;
    if (wraps) x[RETIRED + 1] = (x[RETIRED + 1] as number) + (isNegative ? -1 : 1);
  }

  #x(register: number): Address {
    const word = wordOfX(register);
    return { low: this.#hart.x[word] as number, high: this.#hart.x[word + 1] as number };
  }

  #nextPc(): Address {
    const { x } = this.#hart;
    return { low: x[NEXT_PC] as number, high: x[NEXT_PC + 1] as number };
  }

  #setNextPc({ low, high }: Address): void {
    this.#hart.x[NEXT_PC] = low;
    this.#hart.x[NEXT_PC + 1] = high;
  }

  #setPc({ low, high }: Address): void {
    this.#hart.x[PC] = low;
    this.#hart.x[PC + 1] = high;
  }
}

function isFault(found: CodeWindow | FetchFault): found is FetchFault {
  return 'cause' in found;
}

/** The sum of an address and a signed offset. */
function addressAt({ low, high }: Address, offset: number): Address {
  const sum = (low + offset) | 0;
  return { low: sum, high: (high + (offset >> 31) + (sum >>> 0 < low >>> 0 ? 1 : 0)) | 0 };
}

function makeViews(ram: Ram, at: number): HartViews {
  const { buffer } = ram.u8;
  const words = HART_BYTES >> 2;
  return {
    x: new Int32Array(buffer, at, words),
    f64: new Float64Array(buffer, at, words >> 1),
    f32: new Float32Array(buffer, at, words),
    u8: ram.u8,
    u16: ram.u16,
    i32: ram.i32,
    tlb: new Int32Array(TLB_ENTRIES * TLB_ENTRY_WORDS).fill(-1),
  };
}
