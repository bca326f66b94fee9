/**
 * Loads and stores of translated code: one subtraction and comparison with the cached run of the base register, one
 * addition, and the access. What is not in the cache is looked for in the domain's runs by a function of the module; what
 * is not in RAM, crosses a border, or may not be accessed, is left to the interpreter.
 *
 * A misaligned access in RAM is allowed, as it is in WebAssembly. Caches are variables of the module: locals would be
 * kept in processor registers that the program's own need, and loads from memory are not made part of a comparison by V8.
 */

import { assert } from '../../memory/assert.ts';
import { OP, TYPE } from '../../memory/wasm/opcodes.ts';
import type { Instruction } from '../decode.ts';
import type { AccessGroup } from './access-groups.ts';
import { memoryOperationOf } from './memory-operations.ts';
import { type Cache, HART_LOCAL, type Writing } from './writing.ts';

export class Accesses {
  readonly #w: Writing;
  readonly #positions = new Map<number, number>();

  constructor(w: Writing) {
    this.#w = w;
  }

  /**
   * Checks a whole group and keeps where its lowest offset lies in memory.
   *
   * @param leave writes what leaves the function before this instruction
   */
  check(group: AccessGroup, leave: () => void): void {
    const { code } = this.#w;
    const cache = this.#w.cacheOf(group.base, group.isWrite);
    this.#putAddress(group);
    code.globalGet(cache.first);
    code.op(OP.i64Sub);
    code.globalGet(cache.limit);
    if (group.high > group.low) {
      code.i64(group.high - group.low);
      code.op(OP.i64Sub);
    }
    code.op(OP.i64GeU);
    code.ifRarely();
    this.#fill(group, cache, leave);
    code.end();
    this.locate(group);
  }

  /** What is left of a check where it is known that the group is inside its run. */
  locate(group: AccessGroup): void {
    const { code } = this.#w;
    const cache = this.#w.cacheOf(group.base, group.isWrite);
    this.#putAddress(group);
    code.op(OP.i32WrapI64);
    code.globalGet(cache.delta);
    code.op(OP.i32Add);
    code.set(this.#position(group.base));
  }

  /** One access of a group that has been checked. */
  write({ op, rd, rs1, rs2, imm }: Instruction, group: AccessGroup): void {
    const { code } = this.#w;
    const operation = memoryOperationOf(op);
    assert(operation !== undefined, 'only loads and stores are in a group');
    code.get(this.#position(rs1));
    if (operation.isStore) this.#w.get(rs2);
    code.access(operation.opcode, imm - group.low);
    if (!operation.isStore) this.#w.set(rd);
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
