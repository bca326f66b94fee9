/**
 * Goal: whatever is wrong with a plan is said with its place, and what is right is read and written
 * without loss. Method: two points declared here, plans as text.
 */

import { describe, expect, it } from 'vitest';
import { fault, type PointKind } from '../points/point.ts';
import type { Plan } from './plan.ts';
import { readPlan } from './read-plan.ts';
import { planJson } from './write-plan.ts';

const WIRE: PointKind = {
  name: 'net.wire.in',
  group: 'net',
  what: 'frames',
  opportunity: 'a frame passes',
  states: ['driver-ok'],
  faults: [
    fault({ name: 'lose', what: 'lost' }),
    fault({
      name: 'delay',
      what: 'late',
      parameters: { by: { what: 'how late', unit: 'ns', min: 1, max: 1e9, standard: 5 } },
    }),
  ],
};
const LINK: PointKind = {
  ...WIRE,
  name: 'net.link',
  opportunity: '',
  states: [],
  faults: [fault({ name: 'down', what: 'pulled', trigger: 'moment' })],
};

function read(text: string, files: Readonly<Record<string, string>> = {}) {
  return readPlan(
    { name: 'plan.json', text },
    {
      points: [WIRE, LINK],
      include: (_, reference) => {
        const found = files[reference];
        return found === undefined
          ? `${reference}: no such file`
          : { name: reference, text: found };
      },
    },
  );
}

function planOf(text: string, files?: Readonly<Record<string, string>>): Plan {
  const result = read(text, files);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.plan;
}

function problemsOf(text: string, files?: Readonly<Record<string, string>>): readonly string[] {
  const result = read(text, files);
  return result.ok ? [] : result.problems;
}

const rule = (fields: string): string => `{ "schema": 1, "rules": [{ ${fields} }] }`;

describe('a plan', () => {
  it('is read with its conditions, extents and parameters', () => {
    const plan = planOf(`{
      // comments are welcome
      "schema": 1,
      "rules": [
        { "at": "net.wire.in", "fault": "lose", "when": { "probability": 0.5, "state": "driver-ok" }, "for": { "times": 3 } },
        { "at": "net.wire.in", "fault": "delay", "when": { "nth": [2, 4], "from": "1ms" }, "parameters": { "by": "3us" }, "optional": true },
        { "at": "net.wire.in", "fault": "delay", "when": { "every": 7 }, "parameters": { "by": { "min": 1, "max": 9 } } },
        { "at": "net.link", "fault": "down", "when": { "time": "2ms" }, "for": "1ms" },
      ],
    }`);

    expect(plan.rules).toEqual([
      {
        at: 'net.wire.in',
        fault: 'lose',
        when: { probability: 0.5, state: 'driver-ok' },
        for: { times: 3 },
        parameters: {},
        optional: 'no',
      },
      {
        at: 'net.wire.in',
        fault: 'delay',
        when: { nth: [2, 4], fromNs: 1_000_000 },
        for: {},
        parameters: { by: 3000 },
        optional: 'yes',
      },
      {
        at: 'net.wire.in',
        fault: 'delay',
        when: { every: 7 },
        for: {},
        parameters: { by: { min: 1, max: 9 } },
        optional: 'no',
      },
      {
        at: 'net.link',
        fault: 'down',
        when: { timeNs: 2_000_000 },
        for: { durationNs: 1_000_000 },
        parameters: {},
        optional: 'no',
      },
    ]);
    expect(planOf(JSON.stringify(planJson(plan))).rules).toEqual(plan.rules);
  });

  it('has what it includes in front of its own rules', () => {
    const lose = '"at": "net.wire.in", "fault": "lose"';
    const plan = planOf(
      '{ "schema": 1, "include": ["a.json"], "rules": [{ "at": "net.link", "fault": "down" }] }',
      { 'a.json': rule(lose) },
    );
    expect(plan.rules.map((each) => each.fault)).toEqual(['lose', 'down']);
  });

  it.each([
    ['', 'plan.json:1:1: no JSON: value expected'],
    ['{ "schema": 1, ', 'plan.json:1:16: no JSON: property name expected'],
    ['{}', 'plan.json:1:1: "schema" is 1 in plans of this version'],
    ['{ "schema": 2 }', 'plan.json:1:13: "schema" is 1 in plans of this version'],
    ['{ "schema": 1, "rule": [] }', 'a plan has no "rule"; did you mean \'rules\'?'],
    ['{ "schema": 1, "rules": 5 }', '"rules" is a list'],
    [rule('"fault": "lose"'), 'a rule has no "at"'],
    [
      rule('"at": "net.wire.inn"'),
      "no point 'net.wire.inn' in this system; did you mean 'net.wire.in'?",
    ],
    [rule('"at": { "toString": 1 }'), `no point '{"toString":1}' in this system`],
    [
      rule('"at": "net.wire.in", "fault": [{ "toString": 1 }]'),
      `net.wire.in has no fault '[{"toString":1}]'`,
    ],
    [
      rule('"at": "net.wire.in", "fault": "loose"'),
      "net.wire.in has no fault 'loose'; did you mean 'lose'?",
    ],
    [
      rule('"at": "net.wire.in", "fault": "lose", "when": { "probability": 2 }'),
      '"probability" is a number from 0 to 1',
    ],
    [
      rule('"at": "net.wire.in", "fault": "lose", "when": { "nth": 0 }'),
      '"nth" is a whole number from 1',
    ],
    [
      rule('"at": "net.wire.in", "fault": "lose", "when": { "from": "3 weeks" }'),
      '"from" is a time such as',
    ],
    [
      rule('"at": "net.wire.in", "fault": "lose", "when": { "state": "asleep" }'),
      "has no state 'asleep'",
    ],
    [
      rule('"at": "net.wire.in", "fault": "lose", "parameters": { "by": 1 }'),
      'parameters of \'lose\' has no "by"; there are none',
    ],
    [
      rule('"at": "net.wire.in", "fault": "delay", "parameters": { "by": 0 }'),
      '"by" is a whole number from 1 to 1000000000',
    ],
    [
      rule('"at": "net.wire.in", "fault": "delay", "parameters": { "by": { "min": 5, "max": 1 } }'),
      'a range has "min" and "max", in this order',
    ],
    [
      rule('"at": "net.link", "fault": "down", "when": { "nth": 1 }'),
      'this fault takes "time" alone',
    ],
    [rule('"at": "net.link", "fault": "down", "optional": 1'), '"optional" is true or false'],
    ['{ "schema": 1, "include": ["b.json"] }', 'b.json: no such file'],
    ['{ "schema": 1, "include": [1] }', '"include" is a list of file names'],
  ])('%s is refused', (text, problem) => {
    expect(problemsOf(text).join('\n')).toContain(problem);
  });

  it('has its first mistake named, where a cut text makes more of it', () => {
    expect(problemsOf('{ "schema": 1, "rules": [{ "at": "net.wi')).toEqual([
      'plan.json:1:34: no JSON: unexpected end of string',
    ]);
  });

  it('may not include itself, and is of a size that a person could write', () => {
    const files = {
      'a.json': '{ "schema": 1, "include": ["b.json"] }',
      'b.json': '{ "schema": 1, "include": ["a.json"] }',
    };
    expect(problemsOf('{ "schema": 1, "include": ["a.json"] }', files)).toEqual([
      'b.json:1:28: includes itself: plan.json → a.json → b.json → a.json',
    ]);
    expect(problemsOf('/* " */['.repeat(90_000))).toEqual([
      'plan.json:1:264: is nested more deeply than any plan',
    ]);
    expect(problemsOf(' '.repeat(10_000_000))).toEqual([
      'plan.json: is larger than 1 MiB, which no plan needs',
    ]);
  });
});
