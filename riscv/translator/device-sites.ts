/**
 * Instructions of a text that access registers of devices, as it has turned out: translated code
 * has been left at them. Where a function has such a one it is translated anew, and then serves the
 * access without being left (`Accesses.writeApart`). Nothing in a program tells them from other
 * loads and stores.
 */

import type { Instruction } from '../decode.ts';
import type { Block } from './functions.ts';
import { memoryOperationOf } from './memory-operations.ts';

/** So many times translated code is left at devices before it is worth a translation. */
const FIRST_DUE = 64;

export class DeviceSites {
  readonly #known = new Set<number>();
  /** Those at which translated code has been left since the last translation for their sake. */
  readonly #unserved = new Set<number>();
  /** How often translated code has been left at any of them. */
  #left = 0;
  #dueAt = FIRST_DUE;

  /** Whether the instruction at an address is known to access a device. */
  has(pc: number): boolean {
    return this.#known.has(pc);
  }

  /**
   * Translated code has been left at an instruction that accesses a device.
   *
   * @returns addresses whose functions are to be translated anew: none, unless it has been left
   * twice as often as at the last time, so that what keeps being left is not translated for ever
   */
  note(pc: number): readonly number[] {
    this.#known.add(pc);
    this.#unserved.add(pc);
    this.#left += 1;
    if (this.#left < this.#dueAt) return [];
    this.#dueAt = 2 * this.#left;
    const due = [...this.#unserved];
    this.#unserved.clear();
    return due;
  }
}

/** Whether translated code can serve an instruction, if it accesses a device. */
export function isServable({ op }: Instruction): boolean {
  return memoryOperationOf(op)?.isFloat === false;
}

/** @returns the places in a block of instructions that access devices */
export function sitesIn({ pc, instructions }: Block, sites: DeviceSites): ReadonlySet<number> {
  const places = new Set<number>();
  let at = pc;
  for (const [place, { length }] of instructions.entries()) {
    if (sites.has(at)) places.add(place);
    at += length;
  }
  return places;
}
