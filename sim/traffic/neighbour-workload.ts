/**
 * Work for a switch: its clients ask each other (`neighbour-client.ts`), while somebody outside
 * asks them all.
 */

import type { Random } from '../../board/random.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';
import { guestsOf, stationOf } from '../../systems/guests.ts';
import { NeighbourAccounts, reachOf, switchOf } from './neighbour-accounts.ts';
import { neighbourClient, type NeighbourTask } from './neighbour-client.ts';
import type { Excused, Violation, Workload } from './workload.ts';

export interface NeighbourWorkloadOptions {
  readonly system: SystemDescription;
  /** Questions in all. */
  readonly amount: number;
  /** Port at which clients answer. */
  readonly port: number;
  readonly random: Random;
  readonly nowNs: () => number;
}

export class NeighbourWorkload implements Workload {
  readonly patienceNs = 50_000_000;
  readonly programs = new Map<string, Program>();
  readonly accounts = new NeighbourAccounts();
  readonly #tasks: readonly NeighbourTask[];
  readonly #nowNs: () => number;

  constructor({ system, amount, port, random, nowNs }: NeighbourWorkloadOptions) {
    const guests = switchOf(system) === undefined ? [] : guestsOf(system);
    const mayReach = reachOf(system);
    this.#nowNs = nowNs;
    this.#tasks = guests.map((guest) => ({
      own: { ...stationOf(guest, port), name: guest.pd },
      neighbours: guests
        .filter(({ pd }) => pd !== guest.pd)
        .map((other) => ({
          ...stationOf(other, port),
          name: other.pd,
          mayBeReached: mayReach(guest.mac, other.mac),
        })),
      random: random.fork(guest.pd),
      accounts: this.accounts,
      nowNs,
      left: Math.ceil(amount / guests.length),
      phase: 'working',
    }));
    for (const task of this.#tasks) {
      this.programs.set(task.own.name, neighbourClient(task) as unknown as Program);
    }
  }

  /** Whether the system has a switch. */
  get isThere(): boolean {
    return this.#tasks.length > 0;
  }

  start(): void {
    // Clients begin when they are asked from outside.
  }

  /** Who asks from outside says when it is enough. */
  get isDone(): boolean {
    return true;
  }

  get isAnswered(): boolean {
    return this.accounts.areAllAnswered;
  }

  probe(): void {
    for (const task of this.#tasks) task.phase = 'probing';
  }

  unserved(): readonly string[] {
    return this.accounts.unserved();
  }

  counters(): Readonly<Record<string, number>> {
    return { ...this.accounts.counters };
  }

  violations(excused: Excused): readonly Violation[] {
    return this.accounts.violations(excused, this.#nowNs());
  }
}
