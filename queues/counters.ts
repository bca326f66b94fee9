/**
 * Named counters of a program. They lie in a memory region when the description gives one (`stats`
 * in the program's configuration), so that whoever is given the same region can read them; else
 * they are private.
 *
 *     export const COPY_COUNTERS = counterNames('packets', 'bytes');
 *     counters.add(COPY_COUNTERS.packets, 1);
 *
 * In memory, counter i is a little-endian IEEE double at byte 8*i: exact up to 2^53, and cheap to
 * add to.
 */

import { demandRoom, open, type ReadonlyRegion, type Region } from '../memory/region.ts';
import { partsOf, Sealed } from '../memory/sealed.ts';

/** Name to index. */
export type CounterNames<Name extends string> = { readonly [K in Name]: number };

/** Declares a program's counters, in the order of their place in memory. */
export function counterNames<const Name extends string>(
  ...names: readonly Name[]
): CounterNames<Name> {
  return Object.freeze(
    Object.fromEntries(names.map((name, index) => [name, index])),
  ) as CounterNames<Name>;
}

interface CounterPlaces<Name extends string> {
  readonly names: CounterNames<Name>;
  readonly count: number;
  readonly values: Float64Array;
  /** Index of the first counter in `values`. */
  readonly first: number;
}

function place<Name extends string>(
  names: CounterNames<Name>,
  region: Region | undefined,
): CounterPlaces<Name> {
  const count = Object.keys(names).length;
  if (region === undefined) return { names, count, values: new Float64Array(count), first: 0 };
  demandRoom(region, count * 8, `${count} counters`);
  const { ram, at } = open(region);
  return { names, count, values: new Float64Array(ram.u8.buffer), first: at >>> 3 };
}

/** A program's named counters, in a memory region or private. */
export class Counters<Name extends string> extends Sealed<CounterPlaces<Name>> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #names: CounterNames<Name> = partsOf(this).names;
  readonly #values: Float64Array = partsOf(this).values;
  readonly #first: number = partsOf(this).first;
  readonly #count: number = partsOf(this).count;

  /**
   * Reads what a program has handed over as its counters. None of the program's own code runs,
   * whatever that is.
   *
   * @returns all counters by name; undefined when it is no `Counters`
   */
  static countersOf(given: unknown): Readonly<Record<string, number>> | undefined {
    if (typeof given !== 'object' || given === null || !(#names in given)) return undefined;
    return given.#read();
  }

  /** @param region at least 8 bytes for each counter; the counters go on from what it holds */
  constructor(names: CounterNames<Name>, region?: Region) {
    super(place(names, region));
  }

  /**
   * @param index one of the declared names' values
   * @throws RangeError for any other
   */
  add(index: number, amount: number): void {
    const at = this.#first + inside(index, this.#count);
    this.#values[at] = (this.#values[at] as number) + amount;
  }

  /** @returns all counters by name */
  read(): Record<Name, number> {
    return this.#read();
  }

  #read(): Record<Name, number> {
    const entries = Object.entries<number>(this.#names);
    const values = entries.map(([name, index]) => [
      name,
      this.#values[this.#first + inside(index, this.#count)] ?? 0,
    ]);
    return Object.fromEntries(values) as Record<Name, number>;
  }
}

/** Reads another program's counters. @returns all of them by name */
export function readCounters<Name extends string>(
  names: CounterNames<Name>,
  region: ReadonlyRegion,
): Record<Name, number> {
  const { ram, at, sizeBytes } = open(region);
  const entries = Object.entries<number>(names);
  const values = entries.map(([name, index]) => [
    name,
    ram.view.getFloat64(at + inside(index, sizeBytes >>> 3) * 8, true),
  ]);
  return Object.fromEntries(values) as Record<Name, number>;
}

/**
 * Counters lie in shared memory: a number that names none must not reach what lies behind them.
 *
 * @throws RangeError
 */
const inside = (index: number, count: number): number => {
  const counter = index | 0;
  if (counter !== index || counter < 0 || counter >= count) throw new RangeError('no such counter');
  return counter;
};
