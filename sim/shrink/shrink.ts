/**
 * Makes a failure smaller: fewer faults, fewer decisions, less traffic, a shorter run; the same
 * oracle still says the same about the same part.
 */

import { digestOf } from '../failure/digest.ts';
import { type Failure, signatureOf, type WorldSpec } from '../failure/failure-file.ts';
import { worldOptions } from '../failure/replay.ts';
import { countStrikes } from '../points/point.ts';
import { runWorld, type WorldOutcome, type WorldSystem } from '../world.ts';
import { explicitPlan } from './explicit-plan.ts';
import { minimise } from './minimise.ts';

export interface ShrinkOptions {
  readonly failure: Failure;
  readonly target: WorldSystem;
  /** Worlds that may be run. */
  readonly limit: number;
  /** Asked before each world: false ends the search, as the limit does. */
  readonly mayGoOn: () => boolean;
  /** Told of each failure that is smaller than the one before. */
  readonly onProgress: (worlds: number, smaller: Failure) => void;
  /** Told before each world. */
  readonly onWorld?: () => void;
}

export interface Shrunk {
  readonly failure: Failure;
  readonly outcome: WorldOutcome;
  readonly worlds: number;
  /** 'minimum': nothing more can be taken away. */
  readonly end: 'minimum' | 'limit';
}

/** @returns undefined when the failure does not come again */
export function shrink(options: ShrinkOptions): Shrunk | undefined {
  return new Shrinker(options).run();
}

/** Questions in a world unless a file says otherwise; see `world.ts`. */
const USUAL_AMOUNT = 500;

class Shrinker {
  readonly #options: ShrinkOptions;
  readonly #signature: string;
  #worlds = 0;
  #spec: WorldSpec;
  #outcome: WorldOutcome | undefined;

  constructor(options: ShrinkOptions) {
    this.#options = options;
    this.#spec = options.failure.world;
    this.#signature = signatureOf(options.failure);
  }

  run(): Shrunk | undefined {
    if (!this.#try(this.#spec)) return undefined;
    this.#try({ ...this.#spec, plan: explicitPlan(this.#spec.plan, this.#outcomeNow().strikes) });
    let before = '';
    // What one step has taken away may make room for another.
    while (before !== JSON.stringify(this.#spec) && this.#mayGoOn()) {
      before = JSON.stringify(this.#spec);
      this.#lessTraffic();
      this.#fewerRules();
      this.#fewerDecisions();
    }
    const outcome = this.#outcomeNow();
    return {
      failure: this.#failureOf(outcome),
      outcome,
      worlds: this.#worlds,
      end: this.#mayGoOn() ? 'minimum' : 'limit',
    };
  }

  #fewerRules(): void {
    const { plan } = this.#spec;
    minimise(
      plan.rules,
      (rules) => this.#try({ ...this.#spec, plan: { ...plan, rules } }),
      () => this.#mayGoOn(),
    );
  }

  #fewerDecisions(): void {
    const { decisions } = this.#spec;
    if (decisions === undefined) return;
    minimise(
      decisions,
      (kept) => this.#try({ ...this.#spec, decisions: kept }),
      () => this.#mayGoOn(),
    );
  }

  /** The amount is halved as long as it goes, and what is left is searched by halves. */
  #lessTraffic(): void {
    let high = this.#spec.amount ?? USUAL_AMOUNT;
    let low = 0;
    while (high - low > 1 && this.#mayGoOn()) {
      const middle = Math.floor((low + high) / 2);
      if (this.#try({ ...this.#spec, amount: middle })) high = middle;
      else low = middle;
    }
  }

  /**
   * Runs a world.
   * @returns whether it fails in the same way; then it is the one that is made smaller from now on
   */
  #try(spec: WorldSpec): boolean {
    this.#worlds += 1;
    this.#options.onWorld?.();
    const outcome = runWorld(worldOptions(spec, this.#options.target));
    if (signatureOf(outcome) !== this.#signature) return false;
    this.#spec = spec;
    this.#outcome = outcome;
    this.#options.onProgress(this.#worlds, this.#failureOf(outcome));
    return true;
  }

  #failureOf(outcome: WorldOutcome): Failure {
    return {
      ...this.#options.failure,
      world: this.#spec,
      violations: outcome.violations,
      // This one has come to its end.
      stopped: undefined,
      strikes: countStrikes(outcome.strikes),
      outcome: digestOf(JSON.stringify(outcome)),
    };
  }

  #mayGoOn(): boolean {
    return this.#worlds < this.#options.limit && this.#options.mayGoOn();
  }

  #outcomeNow(): WorldOutcome {
    if (this.#outcome === undefined) throw new Error('the first world has been run');
    return this.#outcome;
  }
}
