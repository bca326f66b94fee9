/**
 * Invariant 32: in any interval as long as its period, a scheduling context is used for no longer
 * than its budget, but for a bounded overrun. To be asked at the end of every kernel entry, as long
 * as nobody configures the contexts that it watches.
 */

import type { SchedContext } from '../../../kernel/objects/objects.ts';
import { KERNEL_WCET, NS_PER_TICK } from '../../../kernel/state.ts';
import type { KernelState } from '../../../kernel/state.ts';
import { nameOf } from '../../../kernel/inspect/census.ts';

/**
 * The kernel releases a refill up to its worst-case execution time early, and ends a turn as much
 * late; and a rest that is too small to be used is added to the next refill.
 */
const OVERRUN_TICKS = 3 * KERNEL_WCET;

interface Use {
  readonly from: number;
  to: number;
}

interface Watched {
  readonly sc: SchedContext;
  readonly budget: number;
  /** In ticks, oldest first; those that lie before the last period are forgotten. */
  readonly uses: Use[];
}

export class WindowWatch {
  readonly #k: KernelState;
  readonly #watched = new Map<SchedContext, Watched>();
  /** Whom the time since the last kernel entry is charged to. */
  #running: SchedContext;
  #since: number;
  /** Intervals looked at. */
  windows = 0;

  constructor(k: KernelState) {
    this.#k = k;
    this.#running = k.currentSchedContext;
    this.#since = this.#now();
  }

  /** @param budget in ticks; round robin has no period, and is not for this */
  watch(sc: SchedContext, budget: number): void {
    this.#watched.set(sc, { sc, budget, uses: [] });
  }

  /** @returns what is broken, empty when all is well */
  look(): readonly string[] {
    const now = this.#now();
    const watched = this.#watched.get(this.#running);
    const broken = watched === undefined ? [] : this.#add(watched, this.#since, now);
    this.#running = this.#k.currentSchedContext;
    this.#since = now;
    return broken;
  }

  #now(): number {
    return this.#k.machine.now() / NS_PER_TICK;
  }

  #add({ sc, budget, uses }: Watched, from: number, to: number): string[] {
    if (to === from) return [];
    const last = uses.at(-1);
    if (last?.to === from) last.to = to;
    else uses.push({ from, to });
    const start = to - sc.period;
    while ((uses[0]?.to ?? to) <= start) uses.shift();
    const used = uses.reduce((sum, use) => sum + use.to - Math.max(use.from, start), 0);
    this.windows += 1;
    if (used <= budget + OVERRUN_TICKS) return [];
    return [`invariant 32: ${nameOf(sc)} has used ${used} of ${budget} ticks up to ${to}`];
  }
}
