/**
 * The board's lint: it counts what drivers do wrong, by device and clause, says who did it first,
 * and keeps the count bounded whatever a hostile driver tries.
 */

import type { Lint } from './device.ts';

/** Who broke a rule, as far as that is known. */
export interface Culprit {
  readonly domain?: string;
  /** Of the instruction that made the register access, in hexadecimal; machine code only. */
  readonly pc?: string;
  /** Such as "ethernet.c:310". */
  readonly line?: string;
}

/** Knows who uses a device. The board does not: domains and threads are the kernel's. */
export interface Witness {
  /** Who accesses a register now. */
  accessor(): Culprit;
  /** Whose device it is. */
  owner(device: string): Culprit;
}

/** One kind of broken rule, how often it was broken, and by whom first. */
export interface LintEntry extends Culprit {
  readonly device: string;
  /** Such as "virtio 1.2 §2.7.13.3.1". */
  readonly clause: string;
  readonly what: string;
  readonly count: number;
}

export interface LintLogOptions {
  /** Asked once for each kind of broken rule. */
  readonly witness?: Witness;
  /** Called the first time that a rule is broken. */
  readonly onFirst?: (entry: LintEntry) => void;
}

const ENTRIES_MAX = 256;
const NOBODY: Witness = { accessor: () => ({}), owner: () => ({}) };

/**
 * Counts reports. Reports beyond {@link ENTRIES_MAX} different ones are counted together under the
 * clause "other".
 */
export class LintLog implements Lint {
  /** Reports since power-on, of all kinds. */
  total = 0;
  readonly #entries = new Map<string, { -readonly [K in keyof LintEntry]: LintEntry[K] }>();
  readonly #witness: Witness;
  readonly #onFirst: (entry: LintEntry) => void;

  constructor(options: LintLogOptions = {}) {
    this.#witness = options.witness ?? NOBODY;
    this.#onFirst = options.onFirst ?? (() => undefined);
  }

  report(device: string, clause: string, what: string, when: 'access' | 'later' = 'access'): void {
    this.total += 1;
    const key = `${device}\n${clause}\n${what}`;
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.count += 1;
    } else if (this.#entries.size < ENTRIES_MAX) {
      const culprit = when === 'access' ? this.#witness.accessor() : this.#witness.owner(device);
      this.#add(key, { device, clause, what, count: 1, ...culprit });
    } else {
      this.#countOther();
    }
  }

  /** What was reported, in the order in which it first was. */
  entries(): readonly LintEntry[] {
    return [...this.#entries.values()].map((entry) => ({ ...entry }));
  }

  /** @returns how often this device broke this clause, whatever the wording */
  count(device: string, clause: string): number {
    let sum = 0;
    for (const entry of this.#entries.values()) {
      if (entry.device === device && entry.clause === clause) sum += entry.count;
    }
    return sum;
  }

  #countOther(): void {
    const other = this.#entries.get('other');
    if (other !== undefined) {
      other.count += 1;
    } else {
      this.#add('other', { device: 'board', clause: 'other', what: 'too many kinds', count: 1 });
    }
  }

  #add(key: string, entry: LintEntry): void {
    this.#entries.set(key, { ...entry });
    this.#onFirst(entry);
  }
}
