/**
 * A fault plan: what goes wrong in a world, where and when. Plain data, written as JSON:
 *
 *     { "schema": 1,
 *       "include": ["preset:net"],
 *       "rules": [
 *         { "at": "net.wire.in", "fault": "lose", "when": { "probability": 0.01 } },
 *         { "at": "net.irq", "fault": "lose", "when": { "nth": 7 }, "optional": true },
 *         { "at": "net.link", "fault": "down", "when": { "time": "3ms" }, "for": "2ms" } ] }
 *
 * A *point* is a place where something can go wrong, and an *opportunity* an occasion on which it
 * can: a frame passes, a line is raised. At some points nothing passes; a fault there is a
 * *moment*: it begins at a time of its own. A fault that has happened is a *strike*.
 */

export const PLAN_SCHEMA = 1;

/** When a rule strikes. All fields that are there have to hold. */
export interface When {
  /** At this time of the run, ns: the moment itself, or the first opportunity from then on. */
  readonly timeNs?: number;
  /** At these opportunities, counted from 1. */
  readonly nth?: readonly number[];
  /** At each opportunity whose number is a multiple of this. */
  readonly every?: number;
  /** At each opportunity with this chance, 0 to 1, drawn from the seed. */
  readonly probability?: number;
  /** Only while the point is in this state. */
  readonly state?: string;
  /** Only from this time on, and before that one, ns. */
  readonly fromNs?: number;
  readonly untilNs?: number;
}

/** How long a strike lasts, or how often its rule may strike. */
export interface Extent {
  /**
   * ns; a moment is taken back after it, at a point with opportunities every one of them strikes
   * until then.
   */
  readonly durationNs?: number;
  /** Strikes at most. */
  readonly times?: number;
}

/** A fixed value, or one drawn for each strike from a range, both ends included. */
export type Amount = number | { readonly min: number; readonly max: number };

export interface Rule {
  /** Name of the point. */
  readonly at: string;
  /** Name of the fault, one of the point's. */
  readonly fault: string;
  readonly when: When;
  readonly for: Extent;
  readonly parameters: Readonly<Record<string, Amount>>;
  /** A rule that never strikes makes the run void, unless it is optional. */
  readonly optional: 'yes' | 'no';
}

export interface Plan {
  readonly name: string;
  readonly rules: readonly Rule[];
}

export const NO_FAULTS: Plan = { name: 'no faults', rules: [] };
