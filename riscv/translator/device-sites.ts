/**
 * Instructions of a text that access registers of devices, as it has turned out: translated code has
 * been left at them. Where a function has such a one it is translated anew, and then serves the
 * access without being left (`Accesses.writeApart`). Nothing in a program tells them from other
 * loads and stores.
 */

import type { Instruction } from '../decode.ts';
import type { Block } from './functions.ts';
import { memoryOperationOf } from './memory-operations.ts';

/** After being left so often at one place, it is worth a translation. */
const LEFT_OFTEN = 16;

export class DeviceSites {
  /** By address: how often translated code has been left there. */
  readonly #left = new Map<number, number>();

  /** Whether the instruction at an address is known to access a device. */
  has(pc: number): boolean {
    return this.#left.has(pc);
  }

  /**
   * Translated code has been left at an instruction that accesses a device.
   * @returns whether it is time to translate the function anew; once for each place
   */
  note(pc: number): boolean {
    const times = (this.#left.get(pc) ?? 0) + 1;
    this.#left.set(pc, times);
    return times === LEFT_OFTEN;
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
