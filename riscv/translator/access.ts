/**
 * Loads and stores of translated code: one subtraction and comparison with the cached run of the base register, one
 * addition, and the access. What is not in the cache is looked for in the domain's runs by a function of the module; what
 * is not in RAM, crosses a border, or may not be accessed, is left to the interpreter.
 *
 * A misaligned access in RAM is allowed, as it is in WebAssembly. Caches that are used in loops are kept in locals.
 */

import { assert } from '../../memory/assert.ts';
import { ACCESS, OP, TYPE } from '../../memory/wasm/opcodes.ts';
import type { Instruction } from '../decode.ts';
import type { AccessGroup } from './access-groups.ts';
import { CACHED_RUN, cacheOf } from './engine-area.ts';
import { memoryOperationOf } from './memory-operations.ts';
import type { Writing } from './writing.ts';

/** Number of the local that holds the position of the hart's block: the first parameter of each function. */
export const HART_LOCAL = 0;

/** The locals that hold a cached run. */
interface CacheLocals {
  readonly first: number;
  readonly limit: number;
  readonly at: number;
}

export class Accesses {
  readonly #w: Writing;
  readonly #inLocals = new Map<number, CacheLocals>();
  readonly #positions = new Map<number, number>();
  readonly #offset: number;

  /** @param inLoops the groups that are accessed again and again */
  constructor(w: Writing, inLoops: Iterable<AccessGroup>) {
    this.#w = w;
    this.#offset = w.code.local(TYPE.i64);
    for (const { base, isWrite } of inLoops) {
      const cache = cacheOf(base, isWrite);
      if (this.#inLocals.has(cache)) continue;
      this.#inLocals.set(cache, {
        first: w.code.local(TYPE.i64),
        limit: w.code.local(TYPE.i64),
        at: w.code.local(TYPE.i32),
      });
    }
  }

  /** At the beginning of the function. */
  loadCaches(): void {
    for (const cache of this.#inLocals.keys()) this.#load(cache);
  }

  /**
   * Checks a whole group and keeps where its lowest offset lies in memory.
   *
   * @param leave writes what leaves the function before this instruction
   */
  check(group: AccessGroup, leave: () => void): void {
    const { code } = this.#w;
    const cache = cacheOf(group.base, group.isWrite);
    this.#putOffset(group, cache);
    code.tee(this.#offset);
    this.#putField(cache, 'limit');
    if (group.high > group.low) {
      code.i64(group.high - group.low);
      code.op(OP.i64Sub);
    }
    code.op(OP.i64GeU);
    code.ifRarely();
    this.#fill(group, cache, leave);
    code.end();
    code.get(this.#offset);
    code.op(OP.i32WrapI64);
    this.#putField(cache, 'at');
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

  #fill(group: AccessGroup, cache: number, leave: () => void): void {
    const { code } = this.#w;
    code.get(HART_LOCAL);
    code.i32(cache);
    this.#putAddress(group);
    code.i32(group.high - group.low);
    code.i32(group.isWrite ? 1 : 0);
    code.call(this.#w.helpers.fill);
    code.op(OP.i32Eqz);
    code.if();
    leave();
    code.end();
    this.#load(cache);
    this.#putOffset(group, cache);
    code.set(this.#offset);
  }

  #putOffset(group: AccessGroup, cache: number): void {
    this.#putAddress(group);
    this.#putField(cache, 'first');
    this.#w.code.op(OP.i64Sub);
  }

  #putAddress({ base, low }: AccessGroup): void {
    this.#w.get(base);
    if (low === 0) return;
    this.#w.code.i64(low);
    this.#w.code.op(OP.i64Add);
  }

  #putField(cache: number, field: keyof CacheLocals): void {
    const { code } = this.#w;
    const locals = this.#inLocals.get(cache);
    if (locals !== undefined) {
      code.get(locals[field]);
      return;
    }
    code.get(HART_LOCAL);
    code.access(field === 'at' ? ACCESS.i32Load : ACCESS.i64Load, cache + CACHED_RUN[field]);
  }

  #load(cache: number): void {
    const { code } = this.#w;
    const locals = this.#inLocals.get(cache);
    if (locals === undefined) return;
    for (const field of ['first', 'limit', 'at'] as const) {
      code.get(HART_LOCAL);
      code.access(field === 'at' ? ACCESS.i32Load : ACCESS.i64Load, cache + CACHED_RUN[field]);
      code.set(locals[field]);
    }
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
