/**
 * The board's lint: it counts what drivers do wrong, by device and clause, and keeps the count bounded whatever a
 * hostile driver tries.
 */

import type { Lint } from './device.ts';

/** One kind of broken rule, and how often it was broken. */
export interface LintEntry {
  readonly device: string;
  /** Such as "virtio 1.2 §2.7.13.3.1". */
  readonly clause: string;
  readonly what: string;
  readonly count: number;
}

const ENTRIES_MAX = 256;

/** Counts reports. Reports beyond {@link ENTRIES_MAX} different ones are counted together under the clause "other". */
export class LintLog implements Lint {
  /** Reports since power-on, of all kinds. */
  total = 0;
  readonly #entries = new Map<string, { -readonly [K in keyof LintEntry]: LintEntry[K] }>();
  readonly #onFirst: (entry: LintEntry) => void;

  /** @param onFirst called the first time that a rule is broken: strict boards print it */
  constructor(onFirst: (entry: LintEntry) => void = () => undefined) {
    this.#onFirst = onFirst;
  }

  report(device: string, clause: string, what: string): void {
    this.total += 1;
    const key = `${device}\n${clause}\n${what}`;
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.count += 1;
    } else if (this.#entries.size < ENTRIES_MAX) {
      this.#add(key, { device, clause, what, count: 1 });
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
