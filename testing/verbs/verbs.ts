/** All verbs, and how a step finds its own. */

import { advice, type Given } from '../given/given.ts';
import type { Scene } from '../run/scene.ts';
import { type Step, Unmet } from '../run/step.ts';
import type { TestRun } from '../run/test-run.ts';
import { benchVerbs } from '../unit/bench-verbs.ts';
import { DISK_VERBS } from './disks.ts';
import { DOMAIN_VERBS } from './domains.ts';
import { FRAME_VERBS } from './frames.ts';
import { TIME_VERBS } from './time.ts';
import { TRANSCRIPT_VERB } from './transcript.ts';
import { UART_VERBS } from './uart.ts';
import type { Verb } from './verb.ts';

/** Those of every system; a bench has more. */
export const SYSTEM_VERBS: readonly Verb[] = [
  ...FRAME_VERBS,
  ...UART_VERBS,
  ...DISK_VERBS,
  ...DOMAIN_VERBS,
  TRANSCRIPT_VERB,
  ...TIME_VERBS,
];

export function verbsOf({ bench }: Scene): readonly Verb[] {
  const all = [...SYSTEM_VERBS, REPEAT];
  return bench === undefined ? all : [...benchVerbs(bench.connections), ...all];
}

const REPEAT: Verb = {
  name: 'repeat',
  what: 'does steps several times',
  example: 'repeat: {times: 3, steps: [{wait: 1ms}, at rest]}',
  read: (given, scene) => {
    given.onlyHas(['times', 'steps']);
    const times = given.field('times')?.number({ min: 1, max: 100_000 }) ?? 1;
    const list = given.field('steps');
    if (list?.isList !== true) given.problem('steps is a list; begin each with - ');
    const steps = list?.isList === true ? list.items().map((each) => readStep(each, scene)) : [];
    return {
      ...(steps.some(({ needs }) => needs === 'signals') ? { needs: 'signals' } : {}),
      run: (run) => {
        for (let i = 0; i < times; i += 1) for (const step of steps) runInner(step, i, run);
      },
    };
  },
};

/** A step inside others is told with its own place. */
function runInner(step: Step, round: number, run: TestRun): void {
  try {
    step.run(run);
  } catch (error) {
    if (!(error instanceof Unmet)) throw error;
    const [first = '', ...rest] = error.came;
    const where = `${step.where}: ${step.words}, time ${round + 1}`;
    throw new Unmet(`${error.expected} (${where})`, [first, ...rest]);
  }
}

const WORDS_MAX = 120;

/** Reads a step: one key with its value, or a verb alone. */
export function readStep(given: Given, scene: Scene): Step {
  const [name, value] = keyOf(given);
  const verbs = verbsOf(scene);
  const verb = verbs.find((each) => each.name === name);
  const words = stepWords(name, value);
  const where = given.where;
  const nothing: Step = { words, where, run: () => undefined };
  if (name === '') return nothing;
  if (verb === undefined) {
    const known = verbs
      .filter(({ lacks }) => lacks?.(scene) === undefined)
      .map((each) => each.name);
    given.problem(`no verb '${name}'; ${adviceOn(name, known)}`);
    return nothing;
  }
  const lack = verb.lacks?.(scene);
  if (lack !== undefined) {
    given.problem(`'${name}' cannot be done: ${lack}`);
    return nothing;
  }
  return { words, where, ...verb.read(value, scene) };
}

/** @returns the nearest verb, or where verbs are listed; a verb is a word or two */
function adviceOn(name: string, known: readonly string[]): string {
  const advised = advice(name, known);
  return advised.startsWith('there is') ? 'sddf test --verbs lists them' : advised;
}

/** `at rest` alone is a text; `wait: 5ms` is a field. */
function keyOf(given: Given): readonly [string, Given] {
  if (typeof given.value === 'string') return [given.value.trim(), given.with(null)];
  const entries = given.isMap ? given.entries() : [];
  const [first, second] = entries;
  if (first === undefined || second !== undefined) {
    given.problem(
      entries.length > 1
        ? `a step is one verb, and here are ${entries.map(([name]) => name).join(' and ')}; begin each with '- '`
        : 'a step is a verb and what belongs to it, such as wait: 5ms',
    );
    return ['', given];
  }
  return first;
}

function stepWords(name: string, given: Given): string {
  if (given.value === null) return name;
  const text = `${name}: ${flowText(given.value)}`;
  return text.length > WORDS_MAX ? `${text.slice(0, WORDS_MAX - 1)}…` : text;
}

/** As YAML writes it in one line. */
function flowText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'string' && /[\s,:{}[\]]/.test(value)
      ? JSON.stringify(value)
      : String(value);
  }
  return `{${Object.entries(value as Readonly<Record<string, unknown>>)
    .map(([name, each]) => `${name}: ${flowText(each)}`)
    .join(', ')}}`;
}
