/**
 * What the interpreter executes, as decoded cells: pieces of snapshots, decoded as they are
 * reached, and single instructions of everything else.
 *
 * An instruction in writable memory without a snapshot is decoded anew each time, so that code
 * which changes itself works without more. So is one that begins in one run and ends in the next.
 */

import type { AddressSpace, CodeRun } from '../address-space.ts';
import { type CoverageMap, NOTED } from '../coverage/map.ts';
import { bulkEntries, type BulkFunction, type BulkName } from '../bulk/functions.ts';
import { decode, type Instruction, lengthOf } from '../decode.ts';
import { EXIT } from '../hart.ts';
import { OP_OF, OPERATIONS } from '../operations.ts';
import { CELL, CELL_WORDS, WORDS_PER_BYTE, writeCell } from './cells.ts';
import { type Address, addressAfter, vaddrOf } from './memory.ts';
import type { CodeWindow } from './views.ts';

/** As much of a run as has cells of 16 MiB. No window crosses a multiple of this. */
const WINDOW_BYTES = 0x10_0000;
/** Instructions that are decoded ahead of the one that is needed. */
const AHEAD = 32;
const WORD = 0x1_0000_0000;

/** A window on a run's snapshot. */
interface RunWindow extends CodeWindow {
  readonly code: CodeRun;
  /** First address as a number. */
  readonly vaddr: number;
  /**
   * Functions that may be done at once, by the cells that they begin with: these are never decoded.
   */
  readonly bulk: ReadonlyMap<number, BulkName>;
}

/** Why an instruction cannot be fetched. */
export interface FetchFault {
  readonly cause: number;
  /** The half of the instruction that made the fault. */
  readonly address: Address;
}

/**
 * What a cell without an operation stands for: `decoded` now, the window's end, an illegal
 * instruction, one that ends in another run, or the first one of a function that may be done at
 * once.
 */
export type Undecoded = 'decoded' | 'end' | 'illegal' | 'crosses' | BulkName;

export class CodeWindows {
  readonly #space: AddressSpace;
  readonly #memory: Uint8Array;
  readonly #functions: readonly BulkFunction[];
  readonly #coverage: CoverageMap | undefined;
  /** Windows that are valid now. */
  #windows: RunWindow[] = [];
  /**
   * All windows of a snapshot, for as long as it lives: a `fence.i` that changes nothing costs no
   * decoding.
   */
  #windowsOf = new WeakMap<CodeRun, RunWindow[]>();
  #hasFloatingPoint = true;
  /** One instruction and room for two cells behind it that are never decoded. */
  readonly #single = new Int32Array(3 * CELL_WORDS);
  #singleWord = 0;

  /**
   * @param memory RAM, as `Run.at` counts it
   * @param functions that may be done at once
   * @param coverage where it is noted what is executed
   */
  constructor(
    space: AddressSpace,
    memory: Uint8Array,
    functions: readonly BulkFunction[],
    coverage: CoverageMap | undefined,
  ) {
    this.#space = space;
    this.#memory = memory;
    this.#functions = functions;
    this.#coverage = coverage;
  }

  /** Forgets which windows are valid, after a `fence.i` or a change of mappings. */
  invalidate(): void {
    this.#windows = [];
  }

  /** Without floating point, its instructions are illegal: what was decoded before is void. */
  setFloatingPoint(hasFloatingPoint: boolean): void {
    if (hasFloatingPoint === this.#hasFloatingPoint) return;
    this.#hasFloatingPoint = hasFloatingPoint;
    this.#windowsOf = new WeakMap();
    this.invalidate();
  }

  /** @returns a window that holds the instruction at an even address, or why there is none */
  find(address: Address): CodeWindow | FetchFault {
    const vaddr = vaddrOf(address);
    if (vaddr === undefined) return { cause: EXIT.fetchPage, address };
    const known = this.#windows.find((each) => holds(each, vaddr));
    if (known !== undefined) return known;
    const code = this.#space.codeAt(vaddr);
    return code === undefined ? this.single(address) : this.#windowOn(code, vaddr);
  }

  /**
   * Decodes the one instruction at an address.
   * @returns a window that holds nothing else, or why it cannot be fetched
   */
  single(address: Address): CodeWindow | FetchFault {
    const first = this.#fetchHalf(address);
    if (typeof first !== 'number') return first;
    const length = lengthOf(first);
    const second = length === 4 ? this.#fetchHalf(addressAfter(address, 2)) : 0;
    if (typeof second !== 'number') return second;
    this.#singleWord = first | (second << 16);
    const instruction = decode(this.#singleWord);
    const cells = this.#single;
    cells.fill(0);
    if (this.#isLegal(instruction)) {
      writeCell(cells, { index: 0, ...address, reach: CELL_WORDS }, instruction);
    }
    const notesAt = this.#notesAt(vaddrOf(address) as number);
    return { ...address, sizeBytes: length, cells, notesAt };
  }

  /** Decodes at a cell without an operation, and ahead of it. */
  decodeAt(window: CodeWindow, from: number): Undecoded {
    if (from >= window.sizeBytes * WORDS_PER_BYTE) return 'end';
    if (!isRunWindow(window)) return 'illegal';
    let index = from;
    for (let count = 0; count < AHEAD; count += 1) {
      const outcome = this.#decodeCell(window, index);
      if (outcome !== 'decoded') return index === from ? outcome : 'decoded';
      const op = window.cells[index + CELL.op] as number;
      if (op === OP_OF.jal || op === OP_OF.jalr) break;
      index += window.cells[index + CELL.step] as number;
      if (index >= window.sizeBytes * WORDS_PER_BYTE) break;
    }
    return 'decoded';
  }

  /**
   * @returns the bits of the instruction in a cell; what follows it in the upper half of a
   * compressed one is 0
   */
  wordAt(window: CodeWindow, index: number): number {
    return isRunWindow(window) ? wordIn(window, index) : this.#singleWord;
  }

  #decodeCell(window: RunWindow, index: number): Undecoded {
    const bulk = window.bulk.get(index);
    if (bulk !== undefined) return bulk;
    const offset = offsetIn(window, index);
    const word = wordIn(window, index);
    const length = lengthOf(word);
    if (offset + length > window.code.sizeBytes) return 'crosses';
    const instruction = decode(word);
    if (!this.#isLegal(instruction)) return 'illegal';
    const place = {
      index,
      ...addressAfter(window, index / WORDS_PER_BYTE),
      reach: window.sizeBytes * WORDS_PER_BYTE,
    };
    writeCell(window.cells, place, instruction);
    return 'decoded';
  }

  #isLegal({ op }: Instruction): boolean {
    const extension = OPERATIONS[op]?.extension;
    const isFloat = extension === 'F' || extension === 'D';
    return op !== OP_OF.illegal && (this.#hasFloatingPoint || !isFloat);
  }

  #windowOn(code: CodeRun, vaddr: number): RunWindow {
    const made = this.#windowsOf.get(code) ?? [];
    const before = made.find((each) => holds(each, vaddr));
    const window = before ?? this.#makeWindow(code, vaddr);
    if (before === undefined) this.#windowsOf.set(code, [...made, window]);
    this.#windows.push(window);
    return window;
  }

  #makeWindow(code: CodeRun, vaddr: number): RunWindow {
    const block = vaddr - (vaddr % WINDOW_BYTES);
    const [low, high] = this.#coveredAround(vaddr);
    const start = Math.max(code.vaddr, block, low);
    const end = Math.min(code.vaddr + code.sizeBytes, block + WINDOW_BYTES, high);
    const bulk = bulkEntries(code, this.#functions);
    return {
      low: (start % WORD) | 0,
      high: Math.floor(start / WORD),
      sizeBytes: end - start,
      // Two cells more: an instruction of four bytes may stand in the last two.
      cells: new Int32Array((end - start) * WORDS_PER_BYTE + 2 * CELL_WORDS),
      notesAt: this.#notesAt(start),
      code,
      vaddr: start,
      bulk: new Map([...bulk].map(([pc, name]) => [(pc - start) * WORDS_PER_BYTE, name])),
    };
  }

  /** @returns the addresses around one of which everything is noted, or nothing */
  #coveredAround(vaddr: number): readonly [low: number, high: number] {
    if (this.#coverage === undefined) return [0, Infinity];
    const { text } = this.#coverage;
    const end = text.vaddr + text.sizeBytes + (text.sizeBytes % 2);
    if (vaddr < text.vaddr) return [0, text.vaddr];
    return vaddr < end ? [text.vaddr, end] : [end, Infinity];
  }

  #notesAt(vaddr: number): number {
    return this.#coverage?.placeOf(vaddr, NOTED.begun) ?? -1;
  }

  /** 16 bits of code at an address. */
  #fetchHalf(address: Address): number | FetchFault {
    const vaddr = vaddrOf(address);
    const run = vaddr === undefined ? undefined : this.#space.runAt(vaddr);
    if (vaddr === undefined || run === undefined || !run.isExecutable) {
      return { cause: EXIT.fetchPage, address };
    }
    if (run.device !== undefined) return { cause: EXIT.fetchAccess, address };
    const code = this.#space.codeAt(vaddr);
    const bytes = code === undefined ? this.#memory : code.bytes;
    const at = code === undefined ? run.at + vaddr - run.vaddr : vaddr - code.vaddr;
    return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  }
}

function holds(window: RunWindow, vaddr: number): boolean {
  return vaddr >= window.vaddr && vaddr < window.vaddr + window.sizeBytes;
}

function isRunWindow(window: CodeWindow): window is RunWindow {
  return 'code' in window;
}

/** Where in the snapshot a cell's instruction begins. */
function offsetIn(window: RunWindow, index: number): number {
  return window.vaddr - window.code.vaddr + index / WORDS_PER_BYTE;
}

function wordIn(window: RunWindow, index: number): number {
  const offset = offsetIn(window, index);
  const first = halfIn(window.code.bytes, offset);
  return lengthOf(first) === 2 ? first : first | (halfIn(window.code.bytes, offset + 2) << 16);
}

/** 16 bits, with zeros behind the end. */
function halfIn(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}
