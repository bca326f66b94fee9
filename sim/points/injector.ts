/**
 * Decides, opportunity by opportunity, which rule of the plan strikes, and keeps the list of what
 * has struck.
 *
 * Each rule has a generator of its own, named after its place in the plan, and draws one number for
 * each opportunity whatever comes of it: so a change of one rule does not change the others' fates.
 */

import type { Clock, ClockEvent } from '../../board/clock.ts';
import type { Random } from '../../board/random.ts';
import { assert } from '../../memory/assert.ts';
import type { Amount, Plan, Rule } from '../plan/plan.ts';
import { type FaultKind, faultNamed, type PointKind, type Strike } from './point.ts';

/** Says what passes at an opportunity, such as 'question 7 to 10.0.2.15'; asked at a strike. */
export type About = () => string;

/** Carries out a moment, and takes it back. */
export interface MomentAction {
  begin(strike: Strike): void;
  end(strike: Strike): void;
}

/** Told of a strike before it has its effect, and of what it strikes, where that can be said. */
export type OnStrike = (strike: Strike, about: About | undefined) => void;

interface ActiveRule {
  readonly index: number;
  readonly rule: Rule;
  readonly fault: FaultKind;
  readonly random: Random;
  /** For what is drawn at a strike: it must not disturb whether there is one. */
  readonly parameters: Random;
  strikes: number;
  /** The strike lasts until then. */
  untilNs: number;
}

/** A point as the code at that place has it. */
export class Point {
  readonly kind: PointKind;
  opportunities = 0;
  /** One of the kind's states; '' when it has none. */
  state = '';
  readonly #rules: readonly ActiveRule[];
  readonly #injector: Injector;

  constructor(kind: PointKind, rules: readonly ActiveRule[], injector: Injector) {
    this.kind = kind;
    this.#rules = rules;
    this.#injector = injector;
  }

  /**
   * Whether any rule of the plan concerns this point: if none does, it need not be built into the
   * way.
   */
  get isPlanned(): boolean {
    return this.#rules.length > 0;
  }

  /**
   * An opportunity has come.
   *
   * @param about what passes, for whoever looks on
   * @returns what strikes, the first rule in the plan's order
   */
  next(about?: About): Strike | undefined {
    this.opportunities += 1;
    let first: Strike | undefined;
    for (const active of this.#rules) {
      if (active.fault.trigger === 'moment') continue;
      // Each rule draws, even behind one that has struck.
      const isDrawn = isDrawnBy(active);
      if (first === undefined) first = this.#injector.decide(active, this, isDrawn, about);
    }
    return first;
  }

  /** Gives the moments of this point to the clock. */
  perform(action: MomentAction): void {
    for (const active of this.#rules) {
      if (active.fault.trigger === 'moment') this.#injector.schedule(active, this, action);
    }
  }
}

export class Injector {
  readonly plan: Plan;
  /** In the order in which they happened; the first ones, where not all are kept. */
  readonly strikes: Strike[] = [];
  readonly #kept: number;
  readonly #onStrike: OnStrike | undefined;
  readonly #clock: Clock;
  readonly #points = new Map<string, Point>();
  readonly #active: readonly ActiveRule[];
  readonly #running = new Map<ActiveRule, () => void>();
  #isArmed = true;

  /**
   * @param points those of the system
   * @param strikesKept all, unless told: what has no end keeps some, and counts the others
   * @param onStrike told of each strike before it has its effect
   * @throws RangeError when a rule names none of them, or none of its faults
   */
  constructor(options: {
    readonly plan: Plan;
    readonly points: readonly PointKind[];
    readonly clock: Clock;
    readonly random: Random;
    readonly strikesKept?: number | undefined;
    readonly onStrike?: OnStrike | undefined;
  }) {
    const { plan, points, clock, random } = options;
    this.plan = plan;
    this.#kept = options.strikesKept ?? Infinity;
    this.#onStrike = options.onStrike;
    this.#clock = clock;
    const kinds = new Map(points.map((kind) => [kind.name, kind]));
    this.#active = plan.rules.map((rule, index) => {
      const kind = kinds.get(rule.at);
      const found = kind === undefined ? undefined : faultNamed(kind, rule.fault);
      // A plan that was made by hand and not by readPlan has not been checked.
      if (found === undefined) {
        throw new RangeError(
          `rule ${index}: this system has no fault '${rule.fault}' at '${rule.at}'`,
        );
      }
      return {
        index,
        rule,
        fault: found,
        random: random.fork(`rule ${index}`),
        parameters: random.fork(`parameters of rule ${index}`),
        strikes: 0,
        untilNs: -1,
      };
    });
    for (const kind of points) {
      const rules = this.#active.filter(({ rule }) => rule.at === kind.name);
      this.#points.set(kind.name, new Point(kind, rules, this));
    }
  }

  point(name: string): Point {
    const found = this.#points.get(name);
    assert(found !== undefined, 'a point that is used is declared');
    return found;
  }

  /** Faults stop: nothing strikes from now on, and what lasts is taken back. */
  disarm(): void {
    this.#isArmed = false;
    for (const end of this.#running.values()) end();
    this.#running.clear();
  }

  /** Rules that should have struck and did not: a run with one of these is void. */
  neverStruck(): readonly Rule[] {
    return this.#active
      .filter(({ strikes, rule }) => strikes === 0 && rule.optional === 'no')
      .map(({ rule }) => rule);
  }

  /**
   * @returns how often each fault has struck, such as 'net.irq lose': 3; those of the plan, also
   * with 0
   */
  strikeCounts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { rule, strikes } of this.#active) {
      const name = `${rule.at} ${rule.fault}`;
      counts[name] = (counts[name] ?? 0) + strikes;
    }
    return counts;
  }

  decide(active: ActiveRule, point: Point, isDrawn: boolean, about?: About): Strike | undefined {
    if (!this.#isArmed) return undefined;
    const nowNs = this.#clock.now();
    const { rule } = active;
    if (!isWithin(rule, nowNs, point.state)) return undefined;
    const lasts = nowNs < active.untilNs;
    if (!lasts && !(isDrawn && isMeant(active, point.opportunities, nowNs))) return undefined;
    if (active.strikes >= (rule.for.times ?? Infinity)) return undefined;
    if (!lasts && rule.for.durationNs !== undefined) active.untilNs = nowNs + rule.for.durationNs;
    return this.#record(active, point.opportunities, nowNs, about);
  }

  schedule(active: ActiveRule, point: Point, action: MomentAction): void {
    const { rule } = active;
    const begin: ClockEvent = { fire: (nowNs) => this.#begin(active, point, action, nowNs) };
    const atNs = rule.when.timeNs ?? rule.when.fromNs ?? this.#clock.now();
    this.#clock.schedule(begin, Math.max(atNs, this.#clock.now()));
  }

  #begin(active: ActiveRule, point: Point, action: MomentAction, nowNs: number): void {
    if (!this.#isArmed || !isWithin(active.rule, nowNs, point.state)) return;
    point.opportunities += 1;
    const strike = this.#record(active, 0, nowNs);
    action.begin(strike);
    const { durationNs } = active.rule.for;
    const end = (): void => action.end(strike);
    this.#running.set(active, end);
    if (durationNs === undefined) return;
    const over: ClockEvent = {
      fire: () => {
        if (this.#running.delete(active)) end();
      },
    };
    this.#clock.schedule(over, nowNs + durationNs);
  }

  #record(active: ActiveRule, opportunity: number, timeNs: number, about?: About): Strike {
    active.strikes += 1;
    const strike: Strike = {
      rule: active.index,
      at: active.rule.at,
      fault: active.rule.fault,
      opportunity,
      timeNs,
      parameters: drawParameters(active),
    };
    if (this.strikes.length < this.#kept) this.strikes.push(strike);
    this.#onStrike?.(strike, about);
    return strike;
  }
}

function isDrawnBy({ rule, random }: ActiveRule): boolean {
  const { probability } = rule.when;
  return probability === undefined || random.float() < probability;
}

function isWithin({ when }: Rule, nowNs: number, state: string): boolean {
  if (when.state !== undefined && when.state !== state) return false;
  return nowNs >= (when.fromNs ?? 0) && nowNs < (when.untilNs ?? Infinity);
}

/** Whether the number of the opportunity, and the time, are the ones that the rule means. */
function isMeant({ rule, strikes }: ActiveRule, opportunity: number, nowNs: number): boolean {
  const { nth, every, timeNs } = rule.when;
  if (nth !== undefined && !nth.includes(opportunity)) return false;
  if (every !== undefined && opportunity % every !== 0) return false;
  // A time means one strike: the first from then on.
  return timeNs === undefined || (nowNs >= timeNs && strikes === 0);
}

function drawParameters({ rule, fault, parameters }: ActiveRule): Readonly<Record<string, number>> {
  const drawn: Record<string, number> = {};
  for (const [name, kind] of Object.entries(fault.parameters)) {
    drawn[name] = draw(rule.parameters[name] ?? kind.standard, parameters);
  }
  return drawn;
}

function draw(amount: Amount, random: Random): number {
  if (typeof amount === 'number') return amount;
  return amount.min + random.below(amount.max - amount.min + 1);
}
