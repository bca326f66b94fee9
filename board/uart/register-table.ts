/**
 * A UART's registers as its model has them: a row for each, which is all that the model says about
 * reading and writing it.
 *
 *     { name: 'IER', at: r.IER, peek: () => interrupts.enabled, write: (byte) => … }
 */

export interface Register {
  /** As the data sheet calls it. */
  readonly name: string;
  readonly at: number;
  /** Its value, without what a read does besides; registers with one are part of a snapshot. */
  readonly peek?: () => number;
  /** What a read gives, without what it does besides, where that is not `peek`. */
  readonly shown?: () => number;
  /** What a read does; `peek` unless told. */
  readonly read?: () => number;
  /** Left out: it cannot be written. */
  readonly write?: (value: number) => void;
}

/** A register that is only stored. */
export interface StoredRegister extends Register {
  readonly peek: () => number;
  readonly write: (value: number) => void;
  readonly reset: () => void;
}

/** @param mask of the bits that keep what is written; the others are 0 */
export function storedRegister(name: string, at: number, mask: number): StoredRegister {
  let stored = 0;
  return {
    name,
    at,
    peek: () => stored,
    write: (value) => (stored = value & mask),
    reset: () => (stored = 0),
  };
}

export class RegisterTable {
  readonly #registers: readonly Register[];
  readonly #reads: ((() => number) | undefined)[] = [];
  readonly #shown: ((() => number) | undefined)[] = [];
  readonly #writes: (((value: number) => void) | undefined)[] = [];

  /** @param registers two may lie at one offset: one that is read, and one that is written */
  constructor(registers: readonly Register[]) {
    this.#registers = registers;
    for (const { at, peek, shown = peek, read = peek, write } of registers) {
      this.#reads[at] ??= read;
      if (read !== undefined) this.#shown[at] ??= shown;
      this.#writes[at] ??= write;
    }
  }

  /** @returns what reads the register at an offset; undefined where there is none to read */
  reader(offset: number): (() => number) | undefined {
    return this.#reads[offset];
  }

  /** @returns what a read would give; undefined where there is none to read */
  shownAt(offset: number): number | undefined {
    return this.#shown[offset]?.();
  }

  /** @returns what writes the register at an offset; undefined where there is none to write */
  writer(offset: number): ((value: number) => void) | undefined {
    return this.#writes[offset];
  }

  /** @param names of registers that have a `peek` */
  snapshot(names: readonly string[]): Record<string, number> {
    const shown = this.#registers.filter(({ name }) => names.includes(name));
    return Object.fromEntries(shown.map(({ name, peek }) => [name, peek?.() ?? 0]));
  }
}
