/**
 * What is written into an image before it runs: the symbols that the Microkit tool patches, and
 * those that the description sets (`setvar`). They are found by name, and nearly all lie in .bss,
 * where the file has no bytes.
 *
 * Source: Microkit tool, `symbols.rs`.
 */

import {
  type ChannelEndDescription,
  channelsOf,
  type PdDescription,
  type PatchedSymbol,
  symbolsOf,
  type SystemDescription,
} from '../model.ts';
import type { ElfImage, ElfSymbol, SymbolTable } from './image.ts';
import { utf8 } from './utf8.ts';

const WORD_BYTES = 8;
const NAME_BYTES_MAX = 64;

export type Patch =
  | { readonly kind: 'bytes'; readonly vaddr: number; readonly bytes: Uint8Array }
  /** 8 bytes: the physical address of a region. */
  | {
      readonly kind: 'physAddr';
      readonly what: string;
      readonly vaddr: number;
      readonly region: string;
    };

export interface Patches {
  readonly patches: readonly Patch[];
  readonly problems: readonly string[];
}

export interface Patching {
  readonly system: SystemDescription;
  readonly pd: PdDescription;
  readonly image: ElfImage;
  readonly symbols: SymbolTable;
}

/**
 * @returns what the description sets in an image, symbol by symbol, and each symbol that is not
 * there
 */
export function findPatches(patching: Patching): Patches {
  const { system, pd, symbols } = patching;
  if (symbols.count === 0) {
    const problem =
      'is stripped, and symbols in it have to be patched; link without -s, do not strip';
    return { patches: [], problems: [problem] };
  }
  const found = new Collector(patching);
  for (const variable of MICROKIT_VARIABLES) found.addVariable(variable);
  found.sayMissing();
  const given = addressSymbols(pd.config);
  for (const symbol of symbolsOf(system, pd)) {
    const isNeedless = given.has(symbol.symbol) && symbols.find(symbol.symbol) === 'missing';
    if (!isNeedless) found.addSetvar(symbol);
  }
  return found;
}

/** A variable of libmicrokit that the tool sets. */
export interface MicrokitVariable {
  readonly symbol: string;
  /** Images that do not have it are right, too. */
  readonly isOptional?: true;
  readonly valueIn: (system: SystemDescription, pd: PdDescription) => Uint8Array;
}

/** The variables that every image is given, with their values in a domain. */
export const MICROKIT_VARIABLES: readonly MicrokitVariable[] = [
  // As many bytes as the name has: the rest of the variable is zero already.
  { symbol: 'microkit_name', valueIn: (_, pd) => utf8(pd.name).subarray(0, NAME_BYTES_MAX) },
  { symbol: 'microkit_passive', valueIn: (_, pd) => Uint8Array.of(pd.passive ? 1 : 0) },
  { symbol: 'microkit_irqs', valueIn: (_, pd) => bits(pd.irqs) },
  {
    symbol: 'microkit_notifications',
    valueIn: (system, pd) => bits(endsOf(system, pd).filter(({ notify }) => notify)),
  },
  {
    symbol: 'microkit_pps',
    valueIn: (system, pd) => bits(endsOf(system, pd).filter(({ pp }) => pp)),
  },
  { symbol: 'microkit_ioports', isOptional: true, valueIn: (_, pd) => bits(pd.ioPorts) },
];

function endsOf(system: SystemDescription, pd: PdDescription): readonly ChannelEndDescription[] {
  return channelsOf(system, pd.name).map(({ own }) => own);
}

/** A word with a bit for each identifier. */
function bits(ids: readonly { readonly id: number }[]): Uint8Array {
  return wordBytes(ids.reduce((word, { id }) => word | (1n << BigInt(id)), 0n));
}

function wordBytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(WORD_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return bytes;
}

/**
 * Symbols that records name for physical addresses (`ringsPaddrSymbol`). Programs in TypeScript
 * read them; an image finds the addresses in its sections instead, and need not have the symbols.
 */
function addressSymbols(config: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, each] of Object.entries(value)) {
      const isName = key === 'paddrSymbol' || key === 'ringsPaddrSymbol';
      if (isName && typeof each === 'string') names.add(each);
      else visit(each);
    }
  };
  visit(config);
  return names;
}

class Collector implements Patches {
  readonly patches: Patch[] = [];
  readonly problems: string[] = [];
  readonly #patching: Patching;
  /** Names of libmicrokit's variables. */
  readonly #missing: string[] = [];

  constructor(patching: Patching) {
    this.#patching = patching;
  }

  addVariable({ symbol, isOptional, valueIn }: MicrokitVariable): void {
    const bytes = valueIn(this.#patching.system, this.#patching.pd);
    const found = this.#patching.symbols.find(symbol);
    if (found === 'missing') {
      if (isOptional !== true) this.#missing.push(`'${symbol}'`);
      return;
    }
    if (found === 'ambiguous') return this.#ambiguous(symbol);
    if (found.sizeBytes < bytes.length) {
      const size = `${found.sizeBytes} bytes instead of ${bytes.length}`;
      this.problems.push(`symbol '${symbol}' has ${size}; link it with libmicrokit of SDK 2.3`);
      return;
    }
    if (this.#isInside(found)) this.patches.push({ kind: 'bytes', vaddr: found.value, bytes });
  }

  /** Who leaves the library out lacks them all, and is told in one line. */
  sayMissing(): void {
    const names = this.#missing.splice(0);
    if (names.length === 0) return;
    const symbols = `${names.length === 1 ? 'symbol' : 'symbols'} ${names.join(', ')}`;
    this.problems.push(`has no ${symbols}; link it with -lmicrokit`);
  }

  addSetvar({ symbol, value }: PatchedSymbol): void {
    const found = this.#patching.symbols.find(symbol);
    if (found === 'missing') {
      const program = `declare uint64_t ${symbol} in the program, or take the setvar out`;
      this.problems.push(`has no symbol '${symbol}', which a setvar sets; ${program}`);
      return;
    }
    if (found === 'ambiguous') return this.#ambiguous(symbol);
    if (found.sizeBytes !== WORD_BYTES) {
      const size = `${found.sizeBytes} bytes instead of ${WORD_BYTES}`;
      this.problems.push(
        `symbol '${symbol}', which a setvar sets, has ${size}; make it a uint64_t`,
      );
      return;
    }
    if (!this.#isInside(found)) return;
    if (found.value % WORD_BYTES !== 0) {
      this.problems.push(
        `symbol '${symbol}', which a setvar sets, is not aligned to 8 bytes; declare it as uint64_t`,
      );
      return;
    }
    const vaddr = found.value;
    if (value.kind === 'value') {
      this.patches.push({ kind: 'bytes', vaddr, bytes: wordBytes(value.value) });
    } else {
      const what = `symbol '${symbol}'`;
      this.patches.push({ kind: 'physAddr', what, vaddr, region: value.region });
    }
  }

  #ambiguous(symbol: string): void {
    this.problems.push(`has several symbols '${symbol}'; rename all but one`);
  }

  #isInside({ name, value, sizeBytes }: ElfSymbol): boolean {
    const inside = this.#patching.image.segments.some(
      ({ vaddr, memoryBytes }) => value >= vaddr && value + sizeBytes <= vaddr + memoryBytes,
    );
    if (!inside) {
      this.problems.push(`symbol '${name}' lies in no segment; link with -T microkit.ld`);
    }
    return inside;
  }
}
