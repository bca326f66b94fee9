/** Configuration records of the restart protocol: see `docs/restart.md`. */

import type { TimerClientConfig } from '../timer/config.ts';

/** What a child of a supervisor is told, as `restart` of its configuration. */
export interface MemberConfig {
  /** The supervisor's page, read-only here. */
  readonly epochs: string;
  /** Our own page, which the supervisor reads. */
  readonly answers: string;
  /** Channel of the supervisor. */
  readonly supervisor: number;
  /** Our number among the supervisor's children. */
  readonly self: number;
  /** Other children that share queues with us: by which of our channels, and their number. */
  readonly neighbours: readonly { readonly channel: number; readonly child: number }[];
}

/** What the supervisor is told of one child. */
export interface SupervisedChild {
  readonly name: string;
  readonly child: number;
  /**
   * Channel and answers of a child that speaks the protocol; without, it is one that does not, such
   * as an image from elsewhere.
   */
  readonly member?: { readonly channel: number; readonly answers: string };
  /** Children that share queues with it. */
  readonly neighbours: readonly number[];
  /**
   * Its memory is always as it is: machine code, which nobody is there to load again, or a program
   * of the host.
   */
  readonly keepsMemory?: boolean;
}

/** A supervisor's whole configuration. Times are nanoseconds. */
export interface SupervisorConfig {
  readonly epochs: string;
  /** Who serves stands before whom it serves, and is started before it. */
  readonly children: readonly SupervisedChild[];
  /** What goes down with a child: nothing else, or all children behind it in the list. */
  readonly policy: 'one-for-one' | 'rest-for-one';
  /** What a child's memory is when it starts again: see `ProtectionDomain.restart`. */
  readonly memory: 'as it is' | 'fresh';
  /** More deaths than this within `withinNs`, and the child is given up. */
  readonly deathsMax: number;
  readonly withinNs: number;
  /** How long the second start within that time waits; each further one, twice as long. */
  readonly backOffNs: number;
  /** How long neighbours may take to let go, before the child is started without their answer. */
  readonly patienceNs: number;
  /**
   * How long a child that speaks the protocol may not answer until it is taken for dead; it is
   * found between this time and twice as much. Left out, nobody asks.
   */
  readonly hangNs?: number;
  readonly timer?: TimerClientConfig;
  /** Region for the program's counters: see `queues/counters.ts`. Without it they are private. */
  readonly stats?: string;
}
