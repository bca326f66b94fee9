/**
 * Who has used the processor, as seL4's benchmark configuration tells
 * (`CONFIG_BENCHMARK_TRACK_UTILISATION`): times in cycles of the 1 GHz at which instructions are
 * counted, so in nanoseconds.
 *
 * Nothing is counted before a thread asks for it. From then on, the time between the ends of two
 * kernel entries is charged to the thread that ran. What of that time its instructions did not take
 * is the kernel's share.
 *
 * Source: seL4, `benchmark_utilisation.c` and `benchmark_utilisation_types.h`, for what the words
 * are.
 */

import type { Machine } from '../machine.ts';
import type { Tcb } from '../objects/objects.ts';

/** What it looks at: the kernel's state, which holds it and so cannot be imported. */
interface Looked {
  readonly current: Tcb;
  readonly idleThread: Tcb;
  readonly machine: Pick<Machine, 'now'>;
  onExit: (() => void) | null;
}

interface Usage {
  ns: number;
  schedules: number;
  kernelNs: number;
  entries: number;
}

/** Words of an answer, in the message registers of the IPC buffer. */
const ANSWER_WORDS = 13;

export class Utilisation {
  readonly #k: Looked;
  readonly #usages = new Map<Tcb, Usage>();
  #total = noUsage();
  #startNs = 0;
  #endNs = 0;
  #isOn = false;
  #lastNs = 0;
  #lastUserNs = 0;
  #last: Tcb;

  /** Looks at every end of a kernel entry from now on. */
  constructor(k: Looked) {
    this.#k = k;
    this.#last = k.current;
    const { onExit } = k;
    k.onExit = () => {
      onExit?.();
      this.#look();
    };
  }

  /** A measurement begins, and what was counted of the whole system is forgotten. */
  start(): void {
    this.#look();
    this.#isOn = true;
    this.#startNs = this.#lastNs;
    this.#endNs = this.#lastNs;
    this.#total = noUsage();
    this.#usages.delete(this.#k.idleThread);
  }

  stop(): void {
    this.#look();
    this.#endNs = this.#lastNs;
    this.#isOn = false;
  }

  /** Forgets what a thread has used, or all of them. */
  reset(tcb: Tcb | undefined): void {
    this.#look();
    if (tcb === undefined) this.#usages.clear();
    else this.#usages.delete(tcb);
  }

  /** @returns the words of the answer about a thread, and about the whole system */
  answer(tcb: Tcb): readonly number[] {
    const of = this.#usages.get(tcb) ?? noUsage();
    const idle = this.#usages.get(this.#k.idleThread) ?? noUsage();
    const total = this.#total;
    const words = [
      ...[of.ns, of.schedules, of.kernelNs, of.entries],
      ...[idle.ns, idle.ns, idle.schedules, idle.kernelNs, idle.entries],
      ...[this.#endNs - this.#startNs, total.schedules, total.kernelNs, total.entries],
    ];
    return words.slice(0, ANSWER_WORDS).map(Math.round);
  }

  /** The thread that was the current one has had the time since the last look. */
  #look(): void {
    const { current, machine } = this.#k;
    const nowNs = machine.now();
    const passedNs = nowNs - this.#lastNs;
    const userNs = userNsOf(this.#last) - this.#lastUserNs;
    if (this.#isOn) this.#count(this.#last, passedNs, Math.max(0, passedNs - userNs));
    if (current !== this.#last && this.#isOn) {
      this.#usageOf(current).schedules += 1;
      this.#total.schedules += 1;
    }
    this.#last = current;
    this.#lastNs = nowNs;
    this.#lastUserNs = userNsOf(current);
  }

  #count(tcb: Tcb, ns: number, kernelNs: number): void {
    const isIdle = tcb === this.#k.idleThread;
    for (const usage of [this.#usageOf(tcb), this.#total]) {
      usage.ns += ns;
      usage.entries += 1;
      if (!isIdle) usage.kernelNs += kernelNs;
    }
  }

  #usageOf(tcb: Tcb): Usage {
    const known = this.#usages.get(tcb) ?? noUsage();
    this.#usages.set(tcb, known);
    return known;
  }
}

function noUsage(): Usage {
  return { ns: 0, schedules: 0, kernelNs: 0, entries: 0 };
}

function userNsOf({ machineCode }: Tcb): number {
  return machineCode === null ? 0 : machineCode.userNs;
}
