/**
 * A failure file: all that it takes to see the same failure again, byte for byte. It is small,
 * plain JSON, and names the parts of the system that it was made with, so that a replay on another
 * version says so.
 */

import type { Decision } from '../explore/explorer.ts';
import type { Plan } from '../plan/plan.ts';
import { planJson } from '../plan/write-plan.ts';
import type { PlanResult, PlanSource } from '../plan/read-plan.ts';
import { tooDeepAt } from '../plan/nesting.ts';
import type { Violation } from '../traffic/workload.ts';
import type { WorldOutcome } from '../world.ts';

export const FAILURE_SCHEMA = 1;
/** Larger ones are refused unread. */
export const FAILURE_BYTES_MAX = 4_194_304;

/** Which system, as it is asked for on the command line. */
export interface SystemReference {
  readonly reference: string;
  readonly choices: Readonly<Record<string, string>>;
  readonly searchPath: readonly string[];
}

/** What a world is made of, besides its system: plain data. */
export interface WorldSpec {
  readonly seed: number;
  readonly plan: Plan;
  readonly amount: number | undefined;
  readonly forNs: number | undefined;
  /**
   * The order of events: what was decided at points of choice; undefined in a world without any.
   */
  readonly decisions: readonly Decision[] | undefined;
  /** How often all of the kernel's invariants were looked at: see `WorldOptions`. */
  readonly invariantsEvery?: number | undefined;
  /** Whether images' `memcpy` and its like were executed, which takes other times. */
  readonly bulk?: 'executed' | undefined;
}

/**
 * Digest of each part of a system, by name: 'description', each domain's program, and what of the
 * testbed it runs on.
 */
export type SystemDigests = Readonly<Record<string, string>>;

/**
 * Why a world has not come to its end by itself: it was stopped after its limit of host time, or
 * its process has died of it. Whoever runs it again does so in a process that may go, too.
 */
export type Stopped = 'endless' | 'died';
const STOPPED: readonly unknown[] = ['endless', 'died'] satisfies readonly Stopped[];

export interface Failure {
  readonly system: SystemReference;
  readonly digests: SystemDigests;
  readonly world: WorldSpec;
  readonly violations: readonly Violation[];
  /** Of a world without an outcome; undefined of one that came to its end. */
  readonly stopped?: Stopped | undefined;
  /** How often each fault has struck, such as 'net.irq lose': 3. A replay lists them all. */
  readonly strikes: Readonly<Record<string, number>>;
  /** Of the whole outcome: what "byte for byte" is compared by. */
  readonly outcome: string;
}

export function failureText(failure: Failure): string {
  const { system, digests, world, violations, stopped, strikes, outcome } = failure;
  const { seed, plan, amount, forNs, decisions, invariantsEvery, bulk } = world;
  const json = {
    schema: FAILURE_SCHEMA,
    about: 'sddf replay, shrink and when read this file',
    system,
    digests,
    world: {
      seed,
      ...(amount === undefined ? {} : { amount }),
      ...(forNs === undefined ? {} : { forNs }),
      ...(invariantsEvery === undefined ? {} : { invariantsEvery }),
      ...(bulk === undefined ? {} : { bulk }),
      plan: planJson(plan),
      ...(decisions === undefined ? {} : { decisions: decisionsText(decisions) }),
    },
    violations,
    ...(stopped === undefined ? {} : { stopped }),
    strikes,
    outcome,
  };
  return `${JSON.stringify(json, null, 1)}\n`;
}

export type FailureResult =
  | { readonly ok: true; readonly failure: Failure }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads a failure file. The plan in it is checked against the points of the system, as any other.
 *
 * @param readPlan checks a plan; the system has been found by {@link readSystemReference}
 */
export function readFailure(
  source: PlanSource,
  readPlan: (plan: PlanSource) => PlanResult,
): FailureResult {
  const top = parseFailure(source);
  if (typeof top === 'string') return { ok: false, problem: `${source.name}: ${top}` };
  const world = objectOf(top['world']);
  const plan = readPlan({ ...source, under: ['world', 'plan'] });
  if (!plan.ok) return { ok: false, problem: plan.problems[0] ?? `${source.name}: no plan` };
  const wrong = problemOf(top, world);
  if (wrong !== undefined) return { ok: false, problem: `${source.name}: ${wrong}` };
  const decisions = 'decisions' in world ? readDecisions(world['decisions']) : undefined;
  if (decisions === 'none') {
    return { ok: false, problem: `${source.name}: decisions are no list such as '52:200 3:1250'` };
  }
  return {
    ok: true,
    failure: {
      system: systemOf(top),
      digests: objectOf(top['digests']) as SystemDigests,
      world: {
        seed: numberOf(world['seed']) ?? 0,
        plan: plan.plan,
        amount: numberOf(world['amount']),
        forNs: numberOf(world['forNs']),
        decisions,
        invariantsEvery: numberOf(world['invariantsEvery']),
        bulk: world['bulk'] === 'executed' ? 'executed' : undefined,
      },
      violations: listOf(top['violations']) as readonly Violation[],
      stopped: top['stopped'] as Stopped | undefined,
      strikes: objectOf(top['strikes']) as Failure['strikes'],
      outcome: textOf(top['outcome']),
    },
  };
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** What a world is counted by; all but the seed may be left out. */
const WORLD_NUMBERS: Readonly<Record<string, Bounds>> = {
  seed: { min: 0, max: 4_294_967_295 },
  amount: { min: 1, max: 1_000_000 },
  forNs: { min: 0, max: Number.MAX_SAFE_INTEGER },
  invariantsEvery: { min: 1, max: 1_000_000 },
};

/** @returns what is no failure file's, however well formed: somebody has written in it */
function problemOf(top: Json, world: Json): string | undefined {
  if (!('seed' in world)) return 'world has no seed';
  for (const [name, { min, max }] of Object.entries(WORLD_NUMBERS)) {
    const value = world[name];
    const isIn = typeof value === 'number' && value >= min && value <= max;
    if (name in world && !(isIn && Number.isInteger(value))) {
      return `"${name}" of the world is a whole number from ${min} to ${max}`;
    }
  }
  const violations = top['violations'];
  if (!Array.isArray(violations) || !violations.every(isViolation)) {
    return '"violations" is a list of what was wrong: oracle, where, what and timeNs';
  }
  if ('stopped' in top && !STOPPED.includes(top['stopped'])) {
    return '"stopped" is "endless" or "died", of a world that has not come to its end';
  }
  const isNamed = ['digests', 'strikes'].every((name) => objectOf(top[name]) === top[name]);
  return isNamed ? undefined : '"digests" and "strikes" are objects';
}

function isViolation(value: unknown): boolean {
  const { oracle, where, what, timeNs } = objectOf(value);
  const texts = [oracle, where, what];
  return typeof timeNs === 'number' && texts.every((each) => typeof each === 'string');
}

/** @returns which system a failure file is about, or what is wrong with the file */
export function readSystemReference(source: PlanSource): SystemReference | string {
  const top = parseFailure(source);
  if (typeof top === 'string') return `${source.name}: ${top}`;
  const { reference, choices } = systemOf(top);
  const areTexts = Object.values(choices).every((each) => typeof each === 'string');
  if (reference !== '' && areTexts) return systemOf(top);
  return `${source.name}: "system" has a "reference" to one, and texts as its "choices"`;
}

/** @returns the parts of a system that differ, undefined when none does */
export function differingPart(then: SystemDigests, now: SystemDigests): string | undefined {
  const names = new Set([...Object.keys(then), ...Object.keys(now)]);
  return [...names].find((name) => then[name] !== now[name]);
}

/**
 * What makes two failures the same: the first oracle that spoke, about whom, and the form of what
 * it said.
 */
export function signatureOf({ violations }: Pick<WorldOutcome, 'violations'>): string {
  const [first] = violations;
  if (first === undefined) return '';
  // What stands behind a semicolon is particulars, which differ from world to world.
  const [form = ''] = first.what.replaceAll(/\d+/g, 'N').split(';');
  return `${first.oracle} · ${first.where} · ${form}`;
}

type Json = Readonly<Record<string, unknown>>;

function parseFailure({ text }: PlanSource): Json | string {
  if (text.length > FAILURE_BYTES_MAX) return 'is larger than any failure file';
  if (tooDeepAt(text) !== undefined) return 'is nested more deeply than any failure file';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'no JSON, and so no failure file; sddf sim --out writes them';
  }
  const top = objectOf(value);
  if (top['schema'] !== FAILURE_SCHEMA || !('world' in top) || !('system' in top)) {
    return `no failure file of this version (schema ${FAILURE_SCHEMA}); sddf sim --out writes them`;
  }
  return top;
}

function systemOf(top: Json): SystemReference {
  const system = objectOf(top['system']);
  return {
    reference: textOf(system['reference']),
    choices: objectOf(system['choices']) as Readonly<Record<string, string>>,
    searchPath: listOf(system['searchPath']).map(textOf),
  };
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Points of an explored world number some ten thousands, of which one in forty is decided at. */
const DECISION = /^(\d+):(\d+(?:\.\d+)?)$/;

/** How many points further on, and for how many ns: '52:200 3:1250'. */
export function decisionsText(decisions: readonly Decision[]): string {
  let before = 0;
  return decisions
    .map(({ at, ns }) => {
      const further = at - before;
      before = at;
      return `${further}:${ns}`;
    })
    .join(' ');
}

/** @returns 'none' for what {@link decisionsText} has not written */
export function readDecisions(value: unknown): readonly Decision[] | 'none' {
  if (typeof value !== 'string') return 'none';
  const decisions: Decision[] = [];
  let at = 0;
  for (const text of value.split(' ').filter((each) => each !== '')) {
    const [, further, ns] = DECISION.exec(text) ?? [];
    if (further === undefined || ns === undefined) return 'none';
    at += Number(further);
    decisions.push({ at, ns: Number(ns) });
  }
  return decisions;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
