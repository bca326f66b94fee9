// What an engine says is heard as it was said, and nothing else is: whatever part of it somebody
// has changed.

import { describe, expect, it } from 'vitest';
import type { Answer, Request } from '../engine/protocol.ts';
import { FIRST_SCENARIO, type Scenario } from '../engine/scenario.ts';
import { Session } from '../engine/session.ts';
import { readAnswer } from './read-answer.ts';

async function saidTo(scenario: Scenario, ...requests: readonly Request[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  const session = new Session((answer) => answers.push(answer));
  await session.ask({ kind: 'load', scenario });
  for (const request of requests) await session.ask(request);
  if (scenario.net !== 'test') {
    await session.ask({ kind: 'play', speed: 1 });
    session.advance(1_000_000, () => false, 'pulse');
  }
  session.huntOn();
  return answers;
}

const FRAME = Array.from({ length: 60 }, (_, at) => at);

/** All that an engine says, but what only a culprit's search and a live run do. */
async function allSaid(): Promise<readonly Answer[]> {
  const rule = { at: 'net.irq', fault: 'lose', when: { fromNs: 0 }, for: { times: 1 } } as const;
  return [
    ...(await saidTo(
      { ...FIRST_SCENARIO, choices: { clients: '1' } },
      { kind: 'step', unit: 'packet', by: 1 },
      { kind: 'step', unit: 'entry', by: 1 },
      { kind: 'break', rule: { ...rule, parameters: {}, optional: 'yes' } },
      { kind: 'input', input: { kind: 'frame', bytes: FRAME } },
      { kind: 'seek', moment: { kind: 'time', timeNs: 2_000_000 } },
      { kind: 'path', packet: 1 },
      { kind: 'trace' },
      { kind: 'timeline', lastNs: 1_000_000 },
      { kind: 'capabilities', pd: 'client0' },
      { kind: 'report', forNs: 1000 },
    )),
    ...(await saidTo({ ...FIRST_SCENARIO, net: 'test', test: { amount: 5 } })),
    ...(await saidTo(
      { ...FIRST_SCENARIO, system: 'fat' },
      { kind: 'input', input: { kind: 'typed', uart: 0, bytes: [13] } },
      { kind: 'seek', moment: { kind: 'time', timeNs: 20_000_000 } },
      { kind: 'blocks', disk: 0, block: 0 },
      { kind: 'files', disk: 0, path: '/' },
      { kind: 'files', disk: 0, path: '/none/such' },
      { kind: 'hunt', from: 1, count: 1 },
    )),
    { kind: 'begins', what: 'driver, in main()' },
    { kind: 'probed' },
    { kind: 'done' },
    { kind: 'dropped', frames: 3 },
    { kind: 'failed', text: 'no such system' },
    { kind: 'on its way', timeNs: 5 },
    { kind: 'log', pd: 'client0', line: 'hello', timeNs: 5 },
    { kind: 'frame', bytes: Uint8Array.of(1), timeNs: 5 },
  ];
}

type Way = readonly string[];

/** The same with lists of one. */
function thin(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.slice(0, 1).map(thin);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, thin(each)]));
}

/** Ways to all that is no record and no list itself; of an empty list, to that. */
function leavesOf(value: unknown, way: Way = []): readonly Way[] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [way];
  const entries = Object.entries(value);
  if (entries.length === 0 && Array.isArray(value)) return [way];
  return entries.flatMap(([name, each]) => leavesOf(each, [...way, name]));
}

function forged(answer: unknown, way: Way): unknown {
  const copy: unknown = structuredClone(answer);
  let place = copy as Record<string, unknown>;
  for (const name of way.slice(0, -1)) place = place[name] as Record<string, unknown>;
  place[way.at(-1) ?? ''] = { forged: true };
  return copy;
}

describe('what an engine says', () => {
  it('is heard as it was said, and refused when any part of it is something else', async () => {
    const answers = await allSaid();
    const kinds = new Set(answers.map(({ kind }) => kind));
    for (const answer of answers) expect(readAnswer(answer), answer.kind).toBe(answer);
    const heard = new Set<string>();
    for (const kind of kinds) {
      const samples = answers
        .filter((each) => each.kind === kind)
        .slice(-3)
        .map(thin);
      for (const answer of samples) {
        for (const way of leavesOf(answer)) {
          if (readAnswer(forged(answer, way)) !== undefined) heard.add(`${kind} ${way.join('.')}`);
        }
      }
    }

    expect([...kinds].toSorted()).toEqual([
      ...['anew', 'begins', 'blocks', 'campaign', 'capabilities', 'console', 'done', 'dropped'],
      ...['failed', 'files', 'frame', 'judged', 'loaded', 'log', 'on its way', 'path', 'probed'],
      ...['pulse', 'report', 'scenario', 'timeline', 'trace', 'view'],
    ]);
    expect([...heard]).toEqual([]);
  });

  it.each([
    undefined,
    null,
    5,
    'done',
    [],
    {},
    { kind: 5 },
    { kind: 'toString' },
    { kind: 'view' },
  ])('is not %j', (value) => expect(readAnswer(value)).toBeUndefined());
});
