/**
 * What makes a system work, and knows what has to come of it. There is one kind for each device
 * class; it is plugged in where the world outside of the board would be, or takes the place of a
 * client's program, and sees only what crosses there.
 */

import type { Excuse } from '../points/point.ts';

/** Something that should not have happened. */
export interface Violation {
  /** Name of the oracle, such as 'answered-once'. */
  readonly oracle: string;
  /** Whose it is: a domain or a device. */
  readonly where: string;
  /** One plain sentence. */
  readonly what: string;
  readonly timeNs: number;
}

/**
 * Whether something cannot be blamed on the system, because of what has struck this domain, or
 * everybody.
 */
export type Excused = (excuse: Excuse, where: string) => boolean;

export interface Workload {
  /** Begins to ask. */
  start(): void;
  /** Whether everything has been asked; answers may still be on their way. */
  readonly isDone: boolean;
  /**
   * Whether whatever has been asked and taken in has been answered; left out when that cannot be
   * told.
   */
  readonly isAnswered?: boolean;
  /** Faults have stopped: asks every client once more. */
  probe(): void;
  /**
   * Once faults have stopped, everybody is served within this, ns; if no watchdog has to bite
   * first.
   */
  readonly patienceNs: number;
  /**
   * Clients that have not answered their probe; 'client0 and client1' where one has not reached the
   * other.
   */
  unserved(): readonly string[];
  /** What was asked and done, for a person. */
  counters(): Readonly<Record<string, number>>;
  /** At the end, when all is at rest. */
  violations(excused: Excused): readonly Violation[];
}
