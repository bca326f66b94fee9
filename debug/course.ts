/**
 * What a world is let run for, besides what its user has set: to come to a moment, to take a step,
 * or to find what came last before one. It says what is to be done where the world has come to;
 * whoever runs the world does it.
 *
 *     back to a moment          run to it, and halt
 *     back to what came before  run to where we were, remember the last thing that would have
 *                               stopped it; then as above
 *
 * What stops a world is looked at from where that matters on: to look costs time. The last thing
 * is looked for in the last part of the way first.
 */

import type { DebuggedHart } from './debugged-hart.ts';
import type { Moment, Stop } from './moment.ts';

export type Aim =
  /** To halt there; `report`: what to say then. */
  | { readonly kind: 'halt'; readonly at: Moment; readonly report: Stop }
  /** A step of a hart, forwards; `alone`: without others. */
  | { readonly kind: 'step'; readonly at: HartMoment; readonly alone: boolean }
  /** To find what came last before it; `from`: the event from which on it is looked for. */
  | { readonly kind: 'search'; readonly until: Moment; readonly from: number }
  /** To find the step before a moment whose number is not known: `before` steps, one was not 1. */
  | { readonly kind: 'find-step'; readonly pd: string; readonly before: number };

type HartMoment = Exclude<Moment, { readonly kind: 'event' }>;

/** What is to be done; undefined: to go on. */
export type Decision =
  | { readonly kind: 'halt'; readonly report: Stop }
  /** The step is done, of this domain or of another one that has come instead. */
  | { readonly kind: 'step over'; readonly pd: string }
  /** To run again, for this. */
  | { readonly kind: 'rewind'; readonly aim: Aim }
  | undefined;

/** Behind all that happens. */
export const END: Moment = { kind: 'event', event: Infinity };
export const BEGIN: Stop = {
  cause: { kind: 'begin' },
  moment: { kind: 'event', event: 1 },
  pd: undefined,
  text: 'nothing is before this: the world begins',
};
/** Of the way, where the last thing is looked for first. */
const LAST_PART = 1 / 8;
/** The most that one step counts: of what is done at once, see `riscv/bulk/`. */
const LONGEST_STEP = 2100;

export class Course {
  #aim: Aim | undefined;
  /** Of a search: what has been met last. */
  #last: Stop | undefined;

  /** @param aim undefined: to go on until something stops it */
  set(aim: Aim | undefined): void {
    this.#aim = aim;
    this.#last = undefined;
  }

  /** Whether it is let run for something. */
  get isSet(): boolean {
    return this.#aim !== undefined;
  }

  /** Whether it runs again what has been seen already. */
  get isRunningAgain(): boolean {
    return this.#aim !== undefined && this.#aim.kind !== 'step';
  }

  /**
   * Whether it is of no matter now what would stop the world.
   *
   * @param events that have been
   */
  isBlind(events: number): boolean {
    const aim = this.#aim;
    if (aim?.kind === 'search') return events < aim.from;
    return aim?.kind === 'halt' || aim?.kind === 'find-step';
  }

  /** Nobody is there who wants anything: on from where the world had come to. */
  abandon(): void {
    const aim = this.#aim;
    if (aim?.kind === 'step') this.#aim = undefined;
    if (aim?.kind !== 'search') return;
    const { until } = aim;
    const report: Stop = { cause: { kind: 'step' }, moment: until, pd: undefined };
    this.set(until === END ? undefined : { kind: 'halt', at: until, report });
  }

  /** @returns the steps of a hart before which it has to be looked at; `Infinity` for none */
  pauseOf(hart: DebuggedHart): number {
    const aim = this.#aim;
    if (aim === undefined) return Infinity;
    if (aim.kind === 'find-step') {
      return aim.pd === hart.pd ? aim.before - LONGEST_STEP : Infinity;
    }
    const moment = aim.kind === 'search' ? aim.until : aim.at;
    return moment.kind !== 'event' && moment.pd === hart.pd ? moment.steps : Infinity;
  }

  /** A hart is before its next instruction, or has just executed one. */
  atHart(hart: DebuggedHart, kind: 'before' | 'after'): Decision {
    const aim = this.#aim;
    if (aim === undefined) return undefined;
    if (aim.kind === 'find-step') {
      return aim.pd === hart.pd ? this.#findStep(hart, aim.before) : undefined;
    }
    const moment = aim.kind === 'search' ? aim.until : aim.at;
    if (aim.kind === 'step' && aim.alone && kind === 'before' && aim.at.pd !== hart.pd) {
      return { kind: 'step over', pd: hart.pd };
    }
    if (moment.kind !== kind || moment.pd !== hart.pd || hart.steps < moment.steps) {
      return undefined;
    }
    if (aim.kind === 'search') return this.#found(aim);
    if (aim.kind === 'step') return { kind: 'step over', pd: hart.pd };
    // The step before the moment counts as many: it is looked for one by one.
    return hart.steps > moment.steps
      ? { kind: 'rewind', aim: { kind: 'find-step', pd: hart.pd, before: moment.steps + 1 } }
      : { kind: 'halt', report: aim.report };
  }

  /** @param pd the domain that the event is of, if it is of one */
  atEvent(event: number, pd: string | undefined): Decision {
    const aim = this.#aim;
    if (aim?.kind === 'halt' && isEvent(aim.at, event)) {
      return { kind: 'halt', report: aim.report };
    }
    if (aim?.kind === 'search' && isEvent(aim.until, event)) return this.#found(aim);
    const isOther = aim?.kind === 'step' && aim.alone && pd !== undefined && aim.at.pd !== pd;
    return isOther ? { kind: 'step over', pd } : undefined;
  }

  /** The world is over. */
  atEnd(): Decision {
    const aim = this.#aim;
    return aim?.kind === 'search' && aim.until === END ? this.#found(aim) : undefined;
  }

  /**
   * Something has come that the user has asked for.
   *
   * @param before where it is shown when the user comes from behind: a write, before it is done
   * @returns whether the world is to halt for it
   */
  meets(stop: Stop, before: Moment): boolean {
    const { kind } = this.#aim ?? { kind: 'none' };
    if (kind === 'search') this.#last = { ...stop, moment: before };
    return kind === 'none' || kind === 'step';
  }

  /**
   * The search has come to where it began: the last thing that it has met is the one. With none, it
   * lies before where the search has begun to look.
   */
  #found(aim: Extract<Aim, { readonly kind: 'search' }>): Decision {
    if (this.#last === undefined && aim.from > 0) {
      return { kind: 'rewind', aim: { ...aim, from: 0 } };
    }
    const report = this.#last ?? BEGIN;
    return { kind: 'rewind', aim: { kind: 'halt', at: report.moment, report } };
  }

  #findStep(hart: DebuggedHart, wanted: number): Decision {
    hart.isSingle = hart.steps >= wanted - LONGEST_STEP;
    if (hart.steps < wanted) return undefined;
    const steps = Math.max(0, hart.lastSingle);
    return { kind: 'rewind', aim: haltAt({ kind: 'before', pd: hart.pd, steps }, hart.pd) };
  }
}

/** To find what came last before a moment. @param events that have been by then */
export function searchBefore(until: Moment, events: number): Aim {
  return { kind: 'search', until, from: Math.floor(events * (1 - LAST_PART)) };
}

/** A step of a domain, forwards. @param events that have been */
export function stepOf(pd: string, alone: boolean, steps: number | undefined, events: number): Aim {
  if (steps !== undefined) {
    return { kind: 'step', at: { kind: 'before', pd, steps: steps + 1 }, alone };
  }
  // A program in TypeScript has no instructions: whatever happens next is a step of it.
  return haltAt({ kind: 'event', event: events + 1 }, pd);
}

/** A step of a domain, backwards. @param steps that its hart has taken, if it has one */
export function stepBackOf(pd: string, steps: number | undefined, events: number): Aim {
  if (steps !== undefined && steps > 0) {
    return haltAt({ kind: 'before', pd, steps: steps - 1 }, pd);
  }
  const event = steps === undefined ? events - 1 : 1;
  const at: Moment = { kind: 'event', event: Math.max(1, event) };
  return event > 1 ? haltAt(at, pd) : { kind: 'halt', at, report: { ...BEGIN, moment: at } };
}

function haltAt(at: Moment, pd: string): Aim {
  return { kind: 'halt', at, report: { cause: { kind: 'step' }, moment: at, pd } };
}

function isEvent(moment: Moment, events: number): boolean {
  return moment.kind === 'event' && moment.event === events;
}
