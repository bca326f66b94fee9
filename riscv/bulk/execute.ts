/**
 * Does a bulk function at once, or refuses: the rule that both engines follow, so that it is done
 * at the same calls, and counts as the same number of instructions.
 *
 * It is refused, and the code executed, unless each range of bytes lies in one run of RAM with the
 * rights that it takes; what faults, and registers of devices, are the code's. So is a `memcpy` of
 * ranges that overlap, which C leaves undefined.
 */

import type { Ram } from '../../memory/ram.ts';
import type { AddressSpace } from '../address-space.ts';
import { HART, HART_BYTES, SLOT_OF_X } from '../hart.ts';
import { type BulkName, chargeOf, MOST_BYTES } from './functions.ts';

export interface BulkOptions {
  readonly ram: Ram;
  /** Offset in RAM of the hart's block. */
  readonly at: number;
  readonly space: AddressSpace;
}

const [A0, A1, A2] = [10, 11, 12].map(
  (x) => (HART.registers >> 2) + 2 * (SLOT_OF_X[x] as number),
) as [number, number, number];
const NOWHERE = -1;

export class BulkExecution {
  readonly #space: AddressSpace;
  readonly #u8: Uint8Array;
  readonly #x: Int32Array;

  constructor({ ram, at, space }: BulkOptions) {
    this.#space = space;
    this.#u8 = ram.u8;
    this.#x = new Int32Array(ram.u8.buffer, at, HART_BYTES >> 2);
  }

  /**
   * Does what a call with the present registers would do, but for counting and returning.
   *
   * @returns how many instructions it counts as; 0 when nothing is done, and the code is to be
   * executed
   */
  execute(name: BulkName): number {
    const x = this.#x;
    const bytes = x[A2] as number;
    if (x[A2 + 1] !== 0 || bytes < 0 || bytes > MOST_BYTES) return 0;
    switch (name) {
      case 'memset': {
        const to = this.#place(A0, bytes, true);
        if (to === NOWHERE) return 0;
        this.#u8.fill((x[A1] as number) & 0xff, to, to + bytes);
        this.#space.hasAccessed('write', to, bytes);
        return chargeOf(name, bytes);
      }
      case 'memcmp': {
        const [a, b] = [this.#place(A0, bytes, false), this.#place(A1, bytes, false)];
        return a === NOWHERE || b === NOWHERE ? 0 : this.#compare(a, b, bytes);
      }
      case 'memcpy':
      case 'memmove': {
        const [to, from] = [this.#place(A0, bytes, true), this.#place(A1, bytes, false)];
        if (to === NOWHERE || from === NOWHERE) return 0;
        if (Math.abs(to - from) < bytes && !this.#isMovable(name, to - from)) return 0;
        this.#u8.copyWithin(to, from, from + bytes);
        this.#space.hasAccessed('read', from, bytes);
        this.#space.hasAccessed('write', to, bytes);
        return chargeOf(name, bytes);
      }
    }
  }

  /** Of ranges that overlap in RAM: `memmove` knows how, if it sees it by their addresses. */
  #isMovable(name: BulkName, distance: number): boolean {
    const x = this.#x;
    return name === 'memmove' && (((x[A0] as number) - (x[A1] as number)) | 0) === distance;
  }

  #compare(a: number, b: number, bytes: number): number {
    const u8 = this.#u8;
    let equal = 0;
    while (equal < bytes && u8[a + equal] === u8[b + equal]) equal += 1;
    const looked = Math.min(equal + 1, bytes);
    this.#space.hasAccessed('read', a, looked);
    this.#space.hasAccessed('read', b, looked);
    const difference = equal === bytes ? 0 : (u8[a + equal] as number) - (u8[b + equal] as number);
    this.#x[A0] = difference;
    this.#x[A0 + 1] = difference >> 31;
    return chargeOf('memcmp', equal);
  }

  /**
   * @returns where in RAM a range begins that a register points to; `NOWHERE` unless it is all in
   * one run
   */
  #place(register: number, bytes: number, isWrite: boolean): number {
    const x = this.#x;
    const vaddr = ((x[register + 1] as number) >>> 0) * 2 ** 32 + ((x[register] as number) >>> 0);
    if (!Number.isSafeInteger(vaddr)) return NOWHERE;
    const run = this.#space.plainRunAt(vaddr, isWrite);
    if (run === undefined || vaddr + bytes > run.vaddr + run.sizeBytes) return NOWHERE;
    return run.at + (vaddr - run.vaddr);
  }
}
