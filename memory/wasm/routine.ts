/**
 * A function of WebAssembly that is written statement by statement, of expressions
 * (`expression.ts`). Values are 32-bit integers where no name says otherwise
 * (`wide-expression.ts`); positions are offsets in memory, which whoever calls has checked.
 *
 *     const routine = new Routine(2);
 *     const [at, count] = [routine.parameter(0), routine.parameter(1)];
 *     const cleared = routine.countUp(count, (index) => {
 *       routine.store32(add(at, shiftLeft(index, 2)), 0);
 *     });
 *     const body = routine.finish(cleared);
 */

import { Code, type FunctionBody, type Label } from './code.ts';
import { add, below, notBelow, type Operand, put, Variable } from './expression.ts';
import { ACCESS, OP, TYPE } from './opcodes.ts';
import type { Operand128, Operand64 } from './wide-expression.ts';

export class Routine {
  readonly #code: Code;
  readonly #parameters: readonly Variable[];

  /** @param parameters how many it has */
  constructor(parameters: number) {
    const code = new Code(parameters);
    this.#code = code;
    this.#parameters = Array.from({ length: parameters }, (_, local) => new Variable(code, local));
  }

  /** A parameter by its number. */
  parameter(index: number): Variable {
    return this.#parameters[index] as Variable;
  }

  /** A new local that begins with this value. */
  let(value: Operand): Variable {
    return this.#local(TYPE.i32, value);
  }

  /** As {@link let}, of 64 bits. */
  let64(value: Operand64): Variable {
    return this.#local(TYPE.i64, value);
  }

  /** As {@link let}, of 128 bits. */
  let128(value: Operand128): Variable {
    return this.#local(TYPE.v128, value);
  }

  store32(at: Operand, value: Operand, offset = 0): void {
    this.#store(ACCESS.i32Store, at, value, offset);
  }

  store16(at: Operand, value: Operand, offset = 0): void {
    this.#store(ACCESS.i32Store16, at, value, offset);
  }

  store8(at: Operand, value: Operand, offset = 0): void {
    this.#store(ACCESS.i32Store8, at, value, offset);
  }

  store64(at: Operand, value: Operand64, offset = 0): void {
    this.#store(ACCESS.i64Store, at, value, offset);
  }

  store128(at: Operand, value: Operand128, offset = 0): void {
    put(this.#code, at);
    put(this.#code, value);
    this.#code.vectorStore(offset);
  }

  /** `memory.copy`: ranges may overlap. */
  moveBytes(to: Operand, from: Operand, lengthBytes: Operand): void {
    const code = this.#code;
    put(code, to);
    put(code, from);
    put(code, lengthBytes);
    code.memoryCopy();
  }

  /** Calls a function of the same module that gives nothing back. */
  call(functionIndex: number, ...given: readonly Operand[]): void {
    for (const each of given) put(this.#code, each);
    this.#code.call(functionIndex);
  }

  when(condition: Operand, body: () => void, otherwise?: () => void): void {
    put(this.#code, condition);
    this.#code.if();
    body();
    if (otherwise !== undefined) {
      this.#code.else();
      otherwise();
    }
    this.#code.end();
  }

  /** As {@link when}, of a condition that hardly ever holds. */
  rarely(condition: Operand, body: () => void): void {
    put(this.#code, condition);
    this.#code.ifRarely();
    body();
    this.#code.end();
  }

  /**
   * Runs `body` for 0, 1, 2 and so on below `most`, unless it leaves.
   *
   * @param body `leave` is for {@link leaveIf}
   * @returns how often it has run to its end
   */
  countUp(most: Operand, body: (index: Variable, leave: Label) => void): Variable {
    const code = this.#code;
    const index = this.let(0);
    const leave = code.block();
    put(code, notBelow(index, most));
    code.brIf(leave);
    const again = code.loop();
    body(index, leave);
    index.set(add(index, 1));
    put(code, below(index, most));
    code.brIf(again);
    code.end();
    code.end();
    return index;
  }

  /** Runs `body` once, unless it leaves: `leave` is for {@link leaveIf}. */
  once(body: (leave: Label) => void): void {
    const leave = this.#code.block();
    body(leave);
    this.#code.end();
  }

  /** Looks at the condition behind each round. */
  repeat(body: () => void, condition: Operand): void {
    const code = this.#code;
    const again = code.loop();
    body();
    put(code, condition);
    code.brIf(again);
    code.end();
  }

  /** Looks at the condition before each round. */
  repeatWhile(condition: Operand, body: () => void): void {
    const code = this.#code;
    put(code, condition);
    code.if();
    const again = code.loop();
    body();
    put(code, condition);
    code.brIf(again);
    code.end();
    code.end();
  }

  /** Leaves the loop of `leave`, in the middle of its body. Hardly ever. */
  leaveIf(leave: Label, condition: Operand): void {
    put(this.#code, condition);
    this.#code.brIfRarely(leave);
  }

  /** Gives a value back from anywhere. */
  return(value: Operand): void {
    put(this.#code, value);
    this.#code.op(OP.return);
  }

  /** @param result what it gives back, if anything */
  finish(result?: Operand): FunctionBody {
    if (result !== undefined) put(this.#code, result);
    return this.#code.finish();
  }

  #local(type: number, value: Operand): Variable {
    const variable = new Variable(this.#code, this.#code.local(type));
    variable.set(value);
    return variable;
  }

  #store(opcode: number, at: Operand, value: Operand, offset: number): void {
    put(this.#code, at);
    put(this.#code, value);
    this.#code.access(opcode, offset);
  }
}
