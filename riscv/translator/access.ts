/**
 * Loads and stores of translated code: one subtraction and comparison with the cached run of the
 * base register, one addition, and the access. What is not in the cache is looked for in the
 * domain's runs by a function of the module; what is not in RAM, crosses a border, or may not be
 * accessed, is left to the interpreter.
 *
 * A misaligned access in RAM is allowed, as it is in WebAssembly. Caches are variables of the
 * module: locals would be kept in processor registers that the program's own need, and loads from
 * memory are not made part of a comparison by V8.
 */

import { assert } from '../../memory/assert.ts';
import type { Code, Label } from '../../memory/wasm/code.ts';
import { ACCESS, OP, TYPE } from '../../memory/wasm/opcodes.ts';
import type { Instruction } from '../decode.ts';
import { OP_OF } from '../operations.ts';
import type { AccessGroup } from './access-group.ts';
import { offsetOfF } from './float.ts';
import { memoryOperationOf } from './memory-operations.ts';
import { type Cache, HART_LOCAL, type Writing } from './writing.ts';

export class Accesses {
  readonly #w: Writing;
  readonly #positions = new Map<number, number>();
  #alone: number | undefined;
  /** i64, of no meaning between checks. */
  #offset: number | undefined;

  constructor(w: Writing) {
    this.#w = w;
  }

  /**
   * Checks a whole group and keeps where its lowest offset lies in memory.
   *
   * @param leave writes what leaves the function before this instruction
   */
  check(group: AccessGroup, leave: () => void, position = this.#position(group.base)): void {
    const { code } = this.#w;
    const cache = this.#w.cacheOf(group);
    const offset = (this.#offset ??= code.local(TYPE.i64));
    this.#putOffset(group, cache);
    code.tee(offset);
    putLimit(code, cache, group);
    code.op(OP.i64GeU);
    code.ifRarely();
    this.#fill(group, cache, leave);
    this.#putOffset(group, cache);
    code.set(offset);
    code.end();
    this.#putPosition(offset, cache);
    code.set(position);
  }

  /**
   * Checks one access at the address in a register, that belongs to no group.
   * @returns the local that says where it lies
   */
  checkAlone(base: number, isWrite: boolean, leave: () => void): number {
    const position = (this.#alone ??= this.#w.code.local(TYPE.i32));
    this.check({ base, low: 0, high: 0, isWrite, first: -1 }, leave, position);
    return position;
  }

  /** What is left of a check where it is known that the group is inside its run. */
  locate(group: AccessGroup, position = this.#position(group.base)): void {
    const { code } = this.#w;
    const cache = this.#w.cacheOf(group);
    this.#putAddress(group);
    code.op(OP.i32WrapI64);
    code.globalGet(cache.delta);
    code.op(OP.i32Add);
    code.set(position);
  }

  /**
   * An access in no group, which mostly is one of a device's registers.
   *
   * @param place of the instruction in its block
   * @param serve writes what has the host access a device, and goes to `done` if that was it
   * @param leave writes what leaves the function before this instruction
   */
  writeApart(
    instruction: Instruction,
    place: number,
    { serve, leave }: { serve: (done: Label) => void; leave: () => void },
  ): void {
    const { code } = this.#w;
    const { op, rs1: base, imm } = instruction;
    const isWrite = memoryOperationOf(op)?.isStore === true;
    const group = { base, low: imm, high: imm, isWrite, first: place };
    const cache = this.#w.cacheOf(group);
    const offset = (this.#offset ??= code.local(TYPE.i64));
    const position = (this.#alone ??= code.local(TYPE.i32));
    const done = code.block();
    const inMemory = code.block();
    this.#putOffset(group, cache);
    code.tee(offset);
    putLimit(code, cache, group);
    code.op(OP.i64LtU);
    code.brIf(inMemory);
    serve(done);
    this.#fill(group, cache, leave);
    this.#putOffset(group, cache);
    code.set(offset);
    code.end();
    this.#putPosition(offset, cache);
    code.set(position);
    this.write(instruction, group, position);
    code.end();
  }

  /** One access of a group that has been checked. */
  write(
    { op, rd, rs1, rs2, imm }: Instruction,
    group: AccessGroup,
    position = this.#position(rs1),
  ): void {
    const { code } = this.#w;
    const operation = memoryOperationOf(op);
    assert(operation !== undefined, 'only loads and stores are in a group');
    const { isStore, isFloat, opcode } = operation;
    if (isFloat && !isStore) code.get(HART_LOCAL);
    code.get(position);
    if (isStore) this.#putStored(rs2, isFloat);
    code.access(opcode, imm - group.low);
    if (isStore) return;
    if (!isFloat) {
      this.#w.set(rd);
      return;
    }
    if (op === OP_OF.flw) {
      // Boxed in a NaN.
      code.i64Halves(0, -1);
      code.op(OP.i64Or);
    }
    code.access(ACCESS.i64Store, offsetOfF(rd));
  }

  #putStored(rs2: number, isFloat: boolean): void {
    const { code } = this.#w;
    if (!isFloat) {
      this.#w.get(rs2);
      return;
    }
    code.get(HART_LOCAL);
    code.access(ACCESS.i64Load, offsetOfF(rs2));
  }

  #fill(group: AccessGroup, cache: Cache, leave: () => void): void {
    const { code } = this.#w;
    code.get(HART_LOCAL);
    this.#putAddress(group);
    code.i32(group.high - group.low);
    code.call(cache.fill);
    code.op(OP.i32Eqz);
    code.if();
    leave();
    code.end();
  }

  /** Where in memory something lies, of which `offset` says how far it is behind a run's start. */
  #putPosition(offset: number, cache: Cache): void {
    const { code } = this.#w;
    code.get(offset);
    code.op(OP.i32WrapI64);
    code.globalGet(cache.at);
    code.op(OP.i32Add);
  }

  /** How far a group is behind the beginning of a cached run. */
  #putOffset(group: AccessGroup, { first }: Cache): void {
    this.#putAddress(group);
    this.#w.code.globalGet(first);
    this.#w.code.op(OP.i64Sub);
  }

  #putAddress({ base, low }: AccessGroup): void {
    this.#w.get(base);
    if (low === 0) return;
    this.#w.code.i64(low);
    this.#w.code.op(OP.i64Add);
  }

  /** The local that holds where the open group of a base register lies in memory. */
  #position(base: number): number {
    const known = this.#positions.get(base);
    if (known !== undefined) return known;
    const made = this.#w.code.local(TYPE.i32);
    this.#positions.set(base, made);
    return made;
  }
}

/** Puts below what the offset of a group's lowest access has to be. */
export function putLimit(code: Code, { limit, span }: Cache, { low, high }: AccessGroup): void {
  code.globalGet(limit);
  if (high - low <= span) return;
  code.i64(high - low - span);
  code.op(OP.i64Sub);
}
