/**
 * The symbol table of an image, read where it lies: nothing is allocated for it before somebody
 * asks.
 *
 * A name is looked for from front to back, once for each symbol that is patched, which is a dozen
 * times. Whoever asks for addresses often, as fault reports and profiles do, makes a
 * {@link FunctionIndex} first.
 */

import {
  SHF_EXECINSTR,
  SHN_UNDEF,
  SHT_SYMTAB,
  STT_FUNC,
  STT_NOTYPE,
  SYMBOL,
  word64,
} from './format.ts';
import type {
  ElfSymbol,
  Extent,
  FunctionIndex,
  FunctionPlace,
  Read,
  SymbolTable,
} from './image.ts';
import { type LinkedSection, textAt } from './sections.ts';

const NAME_LENGTH_MAX = 512;
const TYPE_MASK = 0xf;
const DOLLAR = 0x24;
const DOT = 0x2e;

export function readSymbols(sections: readonly LinkedSection[]): Read<SymbolTable> {
  const table = sections.find(({ type }) => type === SHT_SYMTAB);
  const none = new Uint8Array(0);
  if (table === undefined) return { ok: true, value: new Symbols(none, none, new Map()) };
  const strings = sections.find(({ index }) => index === table.link);
  if (strings === undefined) {
    return { ok: false, problem: 'has symbols without names; build or copy it again' };
  }
  if (table.sizeBytes % SYMBOL.SIZE !== 0) {
    const size = `${table.sizeBytes} bytes, no multiple of ${SYMBOL.SIZE}`;
    return { ok: false, problem: `has a symbol table of ${size}; build or copy it again` };
  }
  const text = sections.filter(({ flags }) => (flags & SHF_EXECINSTR) !== 0);
  const code = new Map(text.map(({ index, vaddr, sizeBytes }) => [index, vaddr + sizeBytes]));
  return { ok: true, value: new Symbols(table.contents, strings.contents, code) };
}

class Symbols implements SymbolTable {
  readonly count: number;
  readonly #table: DataView;
  readonly #strings: Uint8Array;
  /** By the numbers of the sections that hold instructions: where they end. */
  readonly #code: ReadonlyMap<number, number>;

  constructor(table: Uint8Array, strings: Uint8Array, code: ReadonlyMap<number, number>) {
    this.#code = code;
    const entries = table.length / SYMBOL.SIZE;
    // The first entry of each table is that of no symbol.
    this.count = entries === 1 ? 0 : entries;
    this.#table = new DataView(table.buffer, table.byteOffset, table.byteLength);
    this.#strings = strings;
  }

  find(name: string): ElfSymbol | 'missing' | 'ambiguous' {
    let found: ElfSymbol | undefined;
    for (let index = 0; index < this.count; index += 1) {
      const at = index * SYMBOL.SIZE;
      if (!this.#isNamed(at, name) || !this.#isDefined(at)) continue;
      if (found !== undefined) return 'ambiguous';
      found = {
        name,
        value: word64(this.#table, at + SYMBOL.value),
        sizeBytes: word64(this.#table, at + SYMBOL.size),
      };
    }
    return found ?? 'missing';
  }

  functions(): FunctionIndex {
    const entries = new Float64Array(this.#countFunctions());
    const places = new Uint32Array(entries.length);
    let next = 0;
    for (let index = 0; index < this.count; index += 1) {
      if (!this.#isFunction(index * SYMBOL.SIZE)) continue;
      places[next] = index;
      next += 1;
    }
    const start = (index: number): number =>
      word64(this.#table, index * SYMBOL.SIZE + SYMBOL.value);
    // Of several names for one place the last counts: a function's before a label's, then the first
    // in the table.
    const rank = (index: number): number => (this.#type(index * SYMBOL.SIZE) === STT_FUNC ? 1 : 0);
    places.sort((a, b) => start(a) - start(b) || rank(a) - rank(b) || b - a);
    places.forEach((index, at) => {
      entries[at] = start(index);
    });
    return {
      count: entries.length,
      at: (pc) => this.#functionAt(pc, entries, places),
      extents: (vaddr, length) =>
        this.#extents({ start: vaddr, end: vaddr + length }, entries, places),
    };
  }

  /** @param starts addresses in order; @param indices the symbols that they are of */
  #functionAt(pc: number, starts: Float64Array, indices: Uint32Array): FunctionPlace | undefined {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] ?? 0) <= pc) low = middle + 1;
      else high = middle;
    }
    const start = starts[low - 1];
    const index = indices[low - 1];
    if (start === undefined || index === undefined) return undefined;
    const at = index * SYMBOL.SIZE;
    const size = word64(this.#table, at + SYMBOL.size);
    if (pc >= (size === 0 ? this.#endOf(at) : start + size)) return undefined;
    const nameOffset = this.#table.getUint32(at + SYMBOL.name, true);
    return { name: textAt(this.#strings, nameOffset, NAME_LENGTH_MAX), offset: pc - start };
  }

  *#extents(within: Extent, starts: Float64Array, indices: Uint32Array): Generator<Extent> {
    for (let place = 0; place < starts.length; place += 1) {
      const start = starts[place] ?? 0;
      if (start < within.start || start >= within.end) continue;
      const at = (indices[place] ?? 0) * SYMBOL.SIZE;
      const size = word64(this.#table, at + SYMBOL.size);
      const next = Math.min(starts[place + 1] ?? within.end, this.#endOf(at));
      const end = Math.min(size === 0 ? next : start + size, within.end);
      if (end > start) yield { start, end };
    }
  }

  /**
   * Assembly often states no size: then everything up to the next function counts, but no strings
   * of another section, which lie behind a label at the end of the code.
   */
  #endOf(at: number): number {
    return this.#code.get(this.#section(at)) ?? Infinity;
  }

  #countFunctions(): number {
    let count = 0;
    for (let index = 0; index < this.count; index += 1) {
      if (this.#isFunction(index * SYMBOL.SIZE)) count += 1;
    }
    return count;
  }

  /**
   * Labels of assembly, such as `_start`, have no type; `$x` marks text for disassemblers, `.L…`
   * are the compiler's own.
   */
  #isFunction(at: number): boolean {
    const type = this.#type(at);
    if (type === STT_FUNC) return this.#isDefined(at);
    if (type !== STT_NOTYPE || !this.#code.has(this.#section(at))) return false;
    const first = this.#strings[this.#table.getUint32(at + SYMBOL.name, true)] ?? 0;
    return first !== 0 && first !== DOLLAR && first !== DOT;
  }

  #type(at: number): number {
    return this.#table.getUint8(at + SYMBOL.info) & TYPE_MASK;
  }

  #section(at: number): number {
    return this.#table.getUint16(at + SYMBOL.shndx, true);
  }

  #isDefined(at: number): boolean {
    return this.#section(at) !== SHN_UNDEF;
  }

  #isNamed(at: number, name: string): boolean {
    const strings = this.#strings;
    const offset = this.#table.getUint32(at + SYMBOL.name, true);
    if (offset + name.length >= strings.length) return false;
    for (let index = 0; index < name.length; index += 1) {
      if (strings[offset + index] !== name.charCodeAt(index)) return false;
    }
    return strings[offset + name.length] === 0;
  }
}
