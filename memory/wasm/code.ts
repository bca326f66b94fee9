/**
 * The body of one WebAssembly function, written instruction by instruction.
 *
 * Structured instructions (`block`, `loop`, `if`) are counted, so that a branch names the construct
 * it leaves by the label that opening it gave, and not by a depth that changes with every nesting.
 */

import { assert } from '../assert.ts';
import { ByteWriter } from './byte-writer.ts';
import { OP, TYPE } from './opcodes.ts';

/**
 * The body of a function as it stands in the code section, and where in it which way is taken how
 * often.
 */
export interface FunctionBody {
  readonly bytes: Uint8Array;
  readonly hints: readonly BranchHint[];
}

/** Of an `if` or `br_if`: a compiler may move what is hardly ever executed out of the way. */
export interface BranchHint {
  /** Of the instruction, in bytes from the body's first one. */
  readonly offset: number;
  readonly isLikely: boolean;
}

/** What `block`, `loop` and `if` answer: a target for branches. */
export type Label = number & { readonly _label?: never };

const BLOCK = 0x02;
const LOOP = 0x03;
const IF = 0x04;
const BR = 0x0c;
const BR_IF = 0x0d;
const BR_TABLE = 0x0e;
const CALL = 0x10;
const CALL_INDIRECT = 0x11;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;
const GLOBAL_GET = 0x23;
const GLOBAL_SET = 0x24;
const I32_CONST = 0x41;
const I64_CONST = 0x42;
const F64_CONST = 0x44;
const BULK_PREFIX = 0xfc;
const MEMORY_COPY = 10;
const MEMORY_FILL = 11;
const VECTOR_PREFIX = 0xfd;
const V128_LOAD = 0;
const V128_STORE = 11;
const ATOMIC_PREFIX = 0xfe;

export class Code {
  readonly #bytes = new ByteWriter();
  readonly #parameters: number = 0;
  readonly #locals: number[] = [];
  readonly #hints: BranchHint[] = [];
  #depth = 0;

  /** @param parameters how many the function has: locals of its own are numbered behind them */
  constructor(parameters: number) {
    this.#parameters = parameters;
  }

  /** Adds a local of a {@link TYPE}. @returns its number */
  local(type: number): number {
    this.#locals.push(type);
    return this.#parameters + this.#locals.length - 1;
  }

  /** Length of the instructions so far, in bytes. */
  get length(): number {
    return this.#bytes.length;
  }

  /** An instruction without operands: a member of `OP`. */
  op(opcode: number): void {
    assert(opcode !== OP.end && opcode !== OP.else, 'constructs are ended by end() and else()');
    this.#bytes.byte(opcode);
  }

  get(local: number): void {
    this.#bytes.byte(LOCAL_GET);
    this.#bytes.unsigned(local);
  }

  set(local: number): void {
    this.#bytes.byte(LOCAL_SET);
    this.#bytes.unsigned(local);
  }

  tee(local: number): void {
    this.#bytes.byte(LOCAL_TEE);
    this.#bytes.unsigned(local);
  }

  globalGet(global: number): void {
    this.#bytes.byte(GLOBAL_GET);
    this.#bytes.unsigned(global);
  }

  globalSet(global: number): void {
    this.#bytes.byte(GLOBAL_SET);
    this.#bytes.unsigned(global);
  }

  /** @param value from -2^31 to 2^32 - 1 */
  i32(value: number): void {
    this.#bytes.byte(I32_CONST);
    this.#bytes.signed(value | 0);
  }

  /** @param value a whole number between -2^53 and 2^53 */
  i64(value: number): void {
    this.#bytes.byte(I64_CONST);
    this.#bytes.signed(value);
  }

  /** A 64-bit constant by its halves. */
  i64Halves(low: number, high: number): void {
    this.#bytes.byte(I64_CONST);
    this.#bytes.signed64(low, high);
  }

  f64(value: number): void {
    this.#bytes.byte(F64_CONST);
    this.#bytes.append(new Uint8Array(new Float64Array([value]).buffer));
  }

  /** A load or store of `ACCESS`, said to be aligned to nothing: alignment is only a hint. */
  access(opcode: number, offset: number): void {
    this.#bytes.byte(opcode);
    this.#bytes.byte(0);
    this.#bytes.unsigned(offset);
  }

  /** Takes a position from the stack, and leaves 128 bits on it. */
  vectorLoad(offset: number): void {
    this.#bytes.append([VECTOR_PREFIX, V128_LOAD, 0]);
    this.#bytes.unsigned(offset);
  }

  /** Takes a position and 128 bits from the stack. */
  vectorStore(offset: number): void {
    this.#bytes.append([VECTOR_PREFIX, V128_STORE, 0]);
    this.#bytes.unsigned(offset);
  }

  /** An instruction on vectors without operands: a member of `VECTOR`. */
  vector(opcode: number): void {
    this.#bytes.append([VECTOR_PREFIX, opcode]);
  }

  atomic(instruction: { readonly opcode: number; readonly alignment: number }): void {
    this.#bytes.append([ATOMIC_PREFIX, instruction.opcode, instruction.alignment, 0]);
  }

  /** Takes `to`, `from` and a length in bytes from the stack. */
  memoryCopy(): void {
    this.#bytes.append([BULK_PREFIX, MEMORY_COPY, 0, 0]);
  }

  /** Takes `to`, a byte and a length in bytes from the stack. */
  memoryFill(): void {
    this.#bytes.append([BULK_PREFIX, MEMORY_FILL, 0]);
  }

  block(): Label {
    return this.#open(BLOCK);
  }

  /** A branch to a loop's label goes to its beginning. */
  loop(): Label {
    return this.#open(LOOP);
  }

  /**
   * Takes a condition from the stack.
   * @param result the {@link TYPE} that both branches leave on it, if any
   */
  if(result: number = TYPE.none): Label {
    return this.#open(IF, result);
  }

  /** An `if` whose condition hardly ever holds. */
  ifRarely(): Label {
    this.#hint(false);
    return this.if();
  }

  else(): void {
    this.#bytes.byte(OP.else);
  }

  end(): void {
    assert(this.#depth > 0, 'a construct is open');
    this.#depth -= 1;
    this.#bytes.byte(OP.end);
  }

  br(label: Label): void {
    this.#bytes.byte(BR);
    this.#bytes.unsigned(this.#depthOf(label));
  }

  brIf(label: Label): void {
    this.#bytes.byte(BR_IF);
    this.#bytes.unsigned(this.#depthOf(label));
  }

  /** A `br_if` that hardly ever branches. */
  brIfRarely(label: Label): void {
    this.#hint(false);
    this.brIf(label);
  }

  /**
   * Takes an index from the stack and goes to that label, or to the last one when there are not so
   * many.
   */
  brTable(labels: readonly Label[], otherwise: Label): void {
    this.#bytes.byte(BR_TABLE);
    this.#bytes.unsigned(labels.length);
    for (const label of labels) {
      this.#bytes.unsigned(this.#depthOf(label));
    }
    this.#bytes.unsigned(this.#depthOf(otherwise));
  }

  /** @param functionIndex counted over imports and the module's own functions */
  call(functionIndex: number): void {
    this.#bytes.byte(CALL);
    this.#bytes.unsigned(functionIndex);
  }

  /** Takes an index into the module's one table from the stack, behind the arguments. */
  callIndirect(typeIndex: number): void {
    this.#bytes.byte(CALL_INDIRECT);
    this.#bytes.unsigned(typeIndex);
    this.#bytes.byte(0);
  }

  /** Locals, instructions, end. */
  finish(): FunctionBody {
    assert(this.#depth === 0, 'every construct is ended');
    const body = new ByteWriter();
    const groups = groupsOf(this.#locals);
    body.unsigned(groups.length);
    for (const { type, count } of groups) {
      body.unsigned(count);
      body.byte(type);
    }
    const begin = body.length;
    body.append(this.#bytes.written());
    body.byte(OP.end);
    const hints = this.#hints.map((hint) => ({ ...hint, offset: begin + hint.offset }));
    return { bytes: body.written(), hints };
  }

  #hint(isLikely: boolean): void {
    this.#hints.push({ offset: this.#bytes.length, isLikely });
  }

  #open(opcode: number, result: number = TYPE.none): Label {
    this.#bytes.byte(opcode);
    this.#bytes.byte(result);
    this.#depth += 1;
    return this.#depth;
  }

  #depthOf(label: Label): number {
    assert(label > 0 && label <= this.#depth, 'a branch goes to a construct around it');
    return this.#depth - label;
  }
}

/** Locals one after the other that are of one type are declared together. */
function groupsOf(types: readonly number[]): { type: number; count: number }[] {
  const groups: { type: number; count: number }[] = [];
  for (const type of types) {
    const last = groups.at(-1);
    if (last?.type === type) {
      last.count += 1;
    } else {
      groups.push({ type, count: 1 });
    }
  }
  return groups;
}
