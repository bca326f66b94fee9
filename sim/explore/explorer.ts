/**
 * Orders are explored at *points of choice*: where a program publishes something, looks at what
 * another domain has published, touches a device's register, or enters the kernel. There the world
 * may decide that the instructions up to here took longer: time passes, devices work, interrupts
 * come, and threads of higher priority run, nested, as on hardware.
 *
 * Points are numbered through the whole run. What was decided at which point is the run's
 * *schedule*: with the same schedule, and nothing else, the same world comes again.
 */

export type PointKindName = 'publish' | 'look' | 'register' | 'kernel';

/** At point number `at`, `ns` of virtual time pass. */
export interface Decision {
  readonly at: number;
  readonly ns: number;
}

/** What a strategy is told of a point. */
export interface ChoicePoint {
  /** From 0. */
  readonly number: number;
  readonly kind: PointKindName;
  /** Name of the protection domain. */
  readonly domain: string;
  readonly timeNs: number;
  /** Time until something happens without the processor; `Infinity` when nothing will. */
  readonly untilNextEventNs: number;
}

export interface Strategy {
  /** @returns how much time passes here, 0 for none */
  decide(point: ChoicePoint): number;
}

/** Who looks on, and changes nothing. */
export interface ExplorerEars {
  /** Told of each point: whose it is. */
  readonly onPoint?: ((domain: string) => void) | undefined;
  /** Told of each point at which time passes, and how much, ns. */
  readonly onDecision?: ((point: ChoicePoint, ns: number) => void) | undefined;
}

/** Asks the strategy at each point, and writes down what it decides. */
export class Explorer {
  /** Points so far. */
  points = 0;
  readonly decisions: Decision[] = [];
  readonly #strategy: Strategy;
  readonly #ears: ExplorerEars;

  constructor(strategy: Strategy, ears: ExplorerEars = {}) {
    this.#strategy = strategy;
    this.#ears = ears;
  }

  /** @returns how much time is to pass at this point */
  reach(reached: Omit<ChoicePoint, 'number'>): number {
    const number = this.points;
    this.points += 1;
    this.#ears.onPoint?.(reached.domain);
    const point = { number, ...reached };
    const ns = this.#strategy.decide(point);
    if (ns > 0) {
      this.decisions.push({ at: number, ns });
      this.#ears.onDecision?.(point, ns);
    }
    return ns;
  }
}
