/** The timer protocol (`timer/protocol.h`), as a client speaks it: protected calls. */

import { type MessageInfo, messageCount, messageInfo } from '../../microkit/pd.ts';
import type { Given } from '../given/given.ts';
import { Unmet } from '../run/step.ts';
import type { TestRun } from '../run/test-run.ts';
import type { Verb } from '../verbs/verb.ts';
import type { BenchConnection } from './bench.ts';

const GET_TIME = 0;
const SET_TIMEOUT = 1;
const LABEL = { min: 0, max: 0xf_ffff };

export function timerVerbs(at: BenchConnection): readonly Verb[] {
  const name = `${at.peer}.${at.name}`;
  return [
    {
      name: `${name}.set`,
      what: 'asks for a time-out so long from now; a second one replaces the first',
      example: `${name}.set: 5ms`,
      read: (given) => {
        const ns = given.duration();
        return { run: (run) => void call(run, at, { label: SET_TIMEOUT, words: [ns] }) };
      },
    },
    {
      name: `expect ${name}.time`,
      what: 'asks for the time: at least, or at most, so long since the first such step',
      example: `expect ${name}.time: {at-least: 5ms, at-most: 6ms}`,
      read: (given) => {
        given.onlyHas(['at-least', 'at-most']);
        const [least, most] = [
          given.field('at-least')?.duration(),
          given.field('at-most')?.duration(),
        ];
        if (least !== undefined && most !== undefined && least > most)
          given.problem('no time is that');
        return { run: (run) => expectTime(run, at, least ?? 0, most ?? Infinity) };
      },
    },
    {
      name: `${name}.call`,
      what: 'makes any call, such as none of the protocol; it has to come back',
      example: `${name}.call: {label: 9, words: [1, 2]}`,
      read: (given) => {
        given.onlyHas(['label', 'words']);
        const label = given.field('label')?.number(LABEL) ?? 0;
        const words = given.field('words')?.items().map(readWord) ?? [];
        return { run: (run) => void call(run, at, { label, words }) };
      },
    },
  ];
}

function readWord(given: Given): number {
  return given.number({ min: 0, max: Number.MAX_SAFE_INTEGER });
}

interface Call {
  readonly label: number;
  readonly words: readonly number[];
}

/** @returns message register 0 of the reply, 0 when it has none */
function call(
  run: TestRun,
  { pd, channel, peer }: BenchConnection,
  { label, words }: Call,
): number {
  let answer: number | undefined;
  run.bench?.peers.get(pd)?.do((domain) => {
    words.forEach((word, index) => domain.setMr(index, word));
    const reply: MessageInfo = domain.ppcall(channel, messageInfo(label, words.length));
    answer = messageCount(reply) > 0 ? domain.mr(0) : 0;
  });
  run.settle();
  if (answer === undefined) throw new Unmet(`the call of ${peer} to come back`, ['it has not']);
  return answer;
}

function expectTime(run: TestRun, at: BenchConnection, leastNs: number, mostNs: number): void {
  const now = call(run, at, { label: GET_TIME, words: [] });
  const taken = run.bench?.taken ?? [];
  // Clocks count from whenever they like: only what has passed is known.
  if (taken.length === 0) taken.push(now);
  const ns = now - (taken[0] ?? 0);
  if (ns >= leastNs && ns <= mostNs) return;
  throw new Unmet(`a time from ${leastNs} to ${mostNs} ns`, [`${ns} ns`]);
}
