/**
 * A WebAssembly module: types, imports (memory, functions, one table), functions, variables,
 * exports. WebAssembly core specification, section 5.5.
 *
 * Functions are numbered from 0: imported ones first, so all imports are named before the first
 * function is defined.
 */

import { assert } from '../assert.ts';
import { ByteWriter } from './byte-writer.ts';
import type { BranchHint, FunctionBody } from './code.ts';
import { OP, TYPE } from './opcodes.ts';

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const FUNCTION_TYPE = 0x60;
const FUNCTION_REFERENCE = 0x70;
const AT_LEAST = 0;
const SHARED_WITH_MAXIMUM = 3;
const MUTABLE = 1;
const I32_CONST = 0x41;
const I64_CONST = 0x42;
const KIND = { function: 0, table: 1, memory: 2 } as const;
/** The branch hinting proposal. */
const HINT_SECTION = 'metadata.code.branch_hint';
const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  global: 6,
  export: 7,
  element: 9,
  code: 10,
};

export interface Signature {
  readonly parameters: readonly number[];
  readonly results: readonly number[];
}

export class ModuleWriter {
  readonly #types: Signature[] = [];
  readonly #imports = new ByteWriter();
  readonly #exports = new ByteWriter();
  readonly #typeOfFunction: number[] = [];
  readonly #bodies: FunctionBody[] = [];
  readonly #globals = new ByteWriter();
  #globalCount = 0;
  #importCount = 0;
  #importedFunctions = 0;
  #exportCount = 0;
  readonly #elements: { readonly slot: number; readonly functionIndex: number }[] = [];

  /** @returns the number of a function type; equal ones share a number */
  type(signature: Signature): number {
    const wanted = JSON.stringify(signature);
    const known = this.#types.findIndex((each) => JSON.stringify(each) === wanted);
    return known >= 0 ? known : this.#types.push(signature) - 1;
  }

  /** Imports the one memory, shared, of so many pages of 64 KiB: at least and at most. */
  importMemory(module: string, name: string, pages: number, mostPages = pages): void {
    this.#import(module, name, KIND.memory);
    this.#imports.byte(SHARED_WITH_MAXIMUM);
    this.#imports.unsigned(pages);
    this.#imports.unsigned(mostPages);
  }

  /** Imports the one table, of functions, that `element` fills and others may fill, too. */
  importTable(module: string, name: string, slots: number): void {
    this.#import(module, name, KIND.table);
    this.#imports.append([FUNCTION_REFERENCE, AT_LEAST]);
    this.#imports.unsigned(slots);
  }

  /** @returns the function's number */
  importFunction(module: string, name: string, type: number): number {
    assert(this.#bodies.length === 0, 'imports come before functions');
    this.#import(module, name, KIND.function);
    this.#imports.unsigned(type);
    this.#importedFunctions += 1;
    return this.#importedFunctions - 1;
  }

  /** Number of the function that is defined next; one may be called before it is. */
  get nextFunction(): number {
    return this.#importedFunctions + this.#bodies.length;
  }

  /** @param body what `Code.finish` gave @returns the function's number */
  function(type: number, body: FunctionBody): number {
    this.#typeOfFunction.push(type);
    this.#bodies.push(body);
    return this.nextFunction - 1;
  }

  /** A variable of the module, of an integer {@link TYPE}, that begins as 0. @returns its number */
  global(type: number): number {
    this.#globals.append([type, MUTABLE, type === TYPE.i64 ? I64_CONST : I32_CONST, 0, OP.end]);
    this.#globalCount += 1;
    return this.#globalCount - 1;
  }

  exportFunction(name: string, functionIndex: number): void {
    this.#exports.name(name);
    this.#exports.byte(KIND.function);
    this.#exports.unsigned(functionIndex);
    this.#exportCount += 1;
  }

  /** Puts a function into the imported table when the module is instantiated. */
  element(slot: number, functionIndex: number): void {
    this.#elements.push({ slot, functionIndex });
  }

  finish(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter();
    out.append(MAGIC_AND_VERSION);
    section(out, SECTION.type, (into) => vector(into, this.#types, writeSignature));
    section(out, SECTION.import, (into) => {
      into.unsigned(this.#importCount);
      into.append(this.#imports.written());
    });
    section(out, SECTION.function, (into) => vector(into, this.#typeOfFunction, writeIndex));
    section(out, SECTION.global, (into) => {
      into.unsigned(this.#globalCount);
      into.append(this.#globals.written());
    });
    section(out, SECTION.export, (into) => {
      into.unsigned(this.#exportCount);
      into.append(this.#exports.written());
    });
    if (this.#elements.length > 0) {
      section(out, SECTION.element, (into) => vector(into, this.#elements, writeElement));
    }
    section(out, SECTION.custom, (into) => this.#writeHints(into));
    section(out, SECTION.code, (into) => vector(into, this.#bodies, writeBody));
    return out.written();
  }

  #import(module: string, name: string, kind: number): void {
    this.#imports.name(module);
    this.#imports.name(name);
    this.#imports.byte(kind);
    this.#importCount += 1;
  }

  #writeHints(into: ByteWriter): void {
    const hinted = this.#bodies
      .map(({ hints }, index) => ({ index: this.#importedFunctions + index, hints }))
      .filter(({ hints }) => hints.length > 0);
    into.name(HINT_SECTION);
    vector(into, hinted, (each, { index, hints }) => {
      each.unsigned(index);
      vector(each, hints, writeHint);
    });
  }
}

/** An active segment of one function: the offset is the expression `i32.const slot`, `end`. */
function writeElement(
  into: ByteWriter,
  { slot, functionIndex }: { slot: number; functionIndex: number },
): void {
  into.append([0, I32_CONST]);
  into.signed(slot);
  into.append([OP.end, 1]);
  into.unsigned(functionIndex);
}

function section(out: ByteWriter, id: number, write: (into: ByteWriter) => void): void {
  const content = new ByteWriter();
  write(content);
  out.byte(id);
  out.unsigned(content.length);
  out.append(content.written());
}

function vector<T>(
  into: ByteWriter,
  items: readonly T[],
  write: (into: ByteWriter, item: T) => void,
): void {
  into.unsigned(items.length);
  for (const item of items) {
    write(into, item);
  }
}

function writeSignature(into: ByteWriter, signature: Signature): void {
  into.byte(FUNCTION_TYPE);
  vector(into, signature.parameters, writeType);
  vector(into, signature.results, writeType);
}

function writeType(into: ByteWriter, type: number): void {
  into.byte(type);
}

function writeIndex(into: ByteWriter, index: number): void {
  into.unsigned(index);
}

function writeBody(into: ByteWriter, { bytes }: FunctionBody): void {
  into.unsigned(bytes.length);
  into.append(bytes);
}

/** An offset, the length of what is said about it, and that. */
function writeHint(into: ByteWriter, { offset, isLikely }: BranchHint): void {
  into.unsigned(offset);
  into.byte(1);
  into.byte(isLikely ? 1 : 0);
}
