/**
 * Texts that have been translated. Domains with the same image share the translation and what V8
 * has compiled of it; so do runs one after the other in one process, when they are given the same
 * `Translations`.
 */

import type { Ram } from '../../memory/ram.ts';
import type { CodeRun } from '../address-space.ts';
import type { CoverageMap } from '../coverage/map.ts';
import { Text } from './text.ts';
import { type BulkEntries, Translation, type Unit } from './translate.ts';

/** A text, and what of it has been translated and read by V8. */
export interface CompiledText {
  readonly translation: Translation;
  /** Which functions of it are done at once, as text. */
  readonly bulk: string;
  /** In the order in which they were made. */
  readonly units: CompiledUnit[];
  /** Of each function: how often it was seen being interpreted. */
  readonly heat: Uint32Array;
}

export interface CompiledUnit {
  readonly functions: readonly number[];
  readonly module: WebAssembly.Module;
  /** Whether a later unit has the same functions. */
  isReplaced: boolean;
}

/** Where the entry points of texts lie in one RAM, since it was cleared so many times. */
interface Tables {
  readonly timesCleared: number;
  readonly places: Map<CompiledText, number>;
}

/**
 * Bytes of text that are translated at most: a translation takes some 40 times as many, with what
 * it was made from.
 */
const MOST_TEXT_BYTES = 1 << 22;

export class Translations {
  readonly #byDigest = new Map<string, CompiledText[]>();
  readonly #byCode = new WeakMap<CodeRun, CompiledText>();
  readonly #tables = new WeakMap<Ram, Tables>();

  readonly #coverage: CoverageMap | undefined;
  #textBytes = 0;
  #refused = 0;

  /** @param coverage where translated code notes what is executed: that of one hart */
  constructor(coverage?: CoverageMap) {
    this.#coverage = coverage;
  }

  /**
   * @param functionStarts where functions begin, as far as the host knows; looked at when the text
   * is new
   * @param bulk functions that are done at once: with others, it is another translation
   * @returns undefined for a text that is too much, which the interpreter executes
   */
  of(
    code: CodeRun,
    functionStarts: readonly number[],
    bulk: BulkEntries = new Map(),
  ): CompiledText | undefined {
    const known = this.#byCode.get(code) ?? this.#find(code, textOf(bulk));
    if (known === undefined && this.#textBytes + code.sizeBytes > MOST_TEXT_BYTES) {
      this.#refused += 1;
      return undefined;
    }
    const found = known ?? this.#make(code, functionStarts, bulk);
    this.#byCode.set(code, found);
    return found;
  }

  /** Translates a function and what it calls, up to so many instructions. */
  translate(text: CompiledText, index: number, most: number): void {
    addUnit(text, text.translation.translateFrom(index, most));
  }

  /** Translates all units anew that have some of these functions, but for what was so before. */
  translateAgain(text: CompiledText, wanted: ReadonlySet<number>): void {
    for (const unit of [...text.units]) {
      if (unit.isReplaced || !unit.functions.some((index) => wanted.has(index))) continue;
      unit.isReplaced = true;
      addUnit(text, text.translation.translateAgain(unit.functions));
    }
  }

  /**
   * @returns where in the staging area the entry points are that harts of this RAM can use, none at
   *   first; undefined when there is no room for them
   */
  tableIn(ram: Ram, compiled: CompiledText): number | undefined {
    const tables = this.#tablesIn(ram);
    const known = tables.get(compiled);
    if (known !== undefined) return known;
    const { byteLength } = compiled.translation.words;
    if (byteLength > ram.stagingLeft) {
      this.#refused += 1;
      return undefined;
    }
    const at = ram.takeStaging(byteLength);
    ram.u8.fill(0, at, at + byteLength);
    tables.set(compiled, at);
    return at;
  }

  /** In a RAM that has been cleared, other things lie where the tables were. */
  #tablesIn(ram: Ram): Map<CompiledText, number> {
    const { timesCleared } = ram;
    const known = this.#tables.get(ram);
    if (known?.timesCleared === timesCleared) return known.places;
    const places = new Map<CompiledText, number>();
    this.#tables.set(ram, { timesCleared, places });
    return places;
  }

  /** All that have been made. */
  get texts(): readonly CompiledText[] {
    return [...this.#byDigest.values()].flat();
  }

  /**
   * Texts, and pieces of large ones, that were left to the interpreter: they were too many, or had
   * no room for entry points.
   */
  get refused(): number {
    return this.#refused;
  }

  #find(code: CodeRun, bulk: string): CompiledText | undefined {
    const alike = this.#byDigest.get(digestOf(code)) ?? [];
    return alike.find(
      (each) => each.bulk === bulk && isEqual(each.translation.text.bytes, code.bytes),
    );
  }

  #make(code: CodeRun, functionStarts: readonly number[], bulk: BulkEntries): CompiledText {
    const text = new Text(code.vaddr, code.bytes);
    const translation = new Translation(text, functionStarts, bulk, this.#coverage);
    const heat = new Uint32Array(translation.size);
    const made = { translation, bulk: textOf(bulk), units: [], heat };
    this.#textBytes += code.sizeBytes;
    const digest = digestOf(code);
    this.#byDigest.set(digest, [...(this.#byDigest.get(digest) ?? []), made]);
    return made;
  }
}

function addUnit(text: CompiledText, { functions, bytes }: Unit): void {
  text.units.push({ functions, module: new WebAssembly.Module(bytes), isReplaced: false });
}

function textOf(bulk: BulkEntries): string {
  return [...bulk].map(([pc, name]) => `${pc} ${name}`).join();
}

/** Address, length, and a hash of the bytes (FNV-1a over words): equal texts have equal digests. */
function digestOf({ vaddr, sizeBytes, bytes }: CodeRun): string {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  let hash = 0x811c_9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x0100_0193);
  return `${vaddr}:${sizeBytes}:${hash}`;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
