/**
 * The kernel's invariants while a world runs. Those of threads, queues, calls and budgets (14, 17
 * to 33) are what running changes: a look at them is cheap, and is taken after each few kernel
 * entries. All forty are looked at after each N-th entry where that is asked for, and at the end of
 * some worlds: memory and capabilities are what the boot has made them, which is the same in each
 * world.
 */

import type { Census, Snapshot } from '../../kernel/inspect/census.ts';
import { RunFailure } from '../../memory/assert.ts';
import type { KernelState } from '../../kernel/state.ts';
import { InvariantChecker } from './kernel/invariants.ts';
import { checkThreads } from './kernel/threads.ts';

/**
 * Kernel entries between two looks at the threads: all of them together take a hundredth of a
 * world.
 */
const THREADS_EVERY = 64;
/** A world of 500 questions has some ten thousand entries. */
export const ENTRIES_MAX = 10_000_000;
/** Worlds have some ten. Each strike is kept, and takes some hundred bytes. */
export const STRIKES_MAX = 200_000;

/** Ends a world whose kernel entries, or whose faults, do not end. */
export class EndlessWorld extends RunFailure {
  override readonly name = 'EndlessWorld';
}

export class KernelWatch {
  readonly #k: KernelState;
  readonly #census: Census;
  readonly #checker: InvariantChecker;
  readonly #wholeEvery: number;
  readonly #entriesMax: number;
  readonly #strikes: { readonly length: number };
  #broken: readonly string[] = [];
  #entries = 0;
  #snapshot: Snapshot;
  #objectsMade: number;

  /**
   * Looks from now on.
   *
   * @param census told of every object of this kernel
   * @param wholeEvery kernel entries between two looks at all invariants; 0: none while the world
   * runs
   * @param strikes what has struck; more than {@link STRIKES_MAX} throw {@link EndlessWorld}
   * @param entriesMax more of them throw {@link EndlessWorld}, too
   */
  constructor(
    k: KernelState,
    census: Census,
    wholeEvery: number,
    strikes: { readonly length: number } = [],
    entriesMax = ENTRIES_MAX,
  ) {
    this.#k = k;
    this.#census = census;
    this.#checker = new InvariantChecker(k, census);
    this.#wholeEvery = wholeEvery;
    this.#strikes = strikes;
    this.#entriesMax = entriesMax;
    this.#snapshot = census.look(k);
    this.#objectsMade = k.objectsMade;
    k.onExit = () => this.#onExit();
  }

  /**
   * @returns what was broken first, by the number of each invariant; with a last look, at the
   * threads or at everything
   */
  end(extent: 'threads' | 'all'): readonly string[] {
    this.#k.onExit = null;
    if (this.#broken.length > 0) return this.#broken;
    return extent === 'all' ? this.#checker.broken('all') : this.#threads();
  }

  #onExit(): void {
    this.#entries += 1;
    if (this.#entries > this.#entriesMax) {
      throw new EndlessWorld(
        `the world does not end: ${this.#entriesMax} kernel entries after boot`,
      );
    }
    if (this.#strikes.length > STRIKES_MAX) {
      throw new EndlessWorld(`the world does not end: ${STRIKES_MAX} faults have struck`);
    }
    const isWhole = this.#wholeEvery !== 0 && this.#entries % this.#wholeEvery === 0;
    if (!isWhole && this.#entries % THREADS_EVERY !== 0) return;
    const broken = isWhole ? this.#checker.broken('changed') : this.#threads();
    if (broken.length === 0) return;
    const after = `${this.#entries} kernel entries after boot`;
    this.#broken = broken.map((what) => `${after}: ${what}`);
    this.#k.onExit = null;
  }

  #threads(): readonly string[] {
    const k = this.#k;
    if (k.objectsMade !== this.#objectsMade) {
      this.#snapshot = this.#census.look(k);
      this.#objectsMade = k.objectsMade;
    }
    const broken: string[] = [];
    checkThreads(k, this.#snapshot, (invariant, what) => {
      broken.push(`invariant ${invariant}: ${what}`);
    });
    return broken;
  }
}
