/** Frames at the NIC's cable. */

import { encodeFrame } from '../frames/encode.ts';
import { frameWords } from '../frames/decode.ts';
import {
  differences,
  type FramePattern,
  readFrameFacts,
  readFramePattern,
} from '../frames/fields.ts';
import type { Given } from '../given/given.ts';
import type { Scene } from '../run/scene.ts';
import { Unmet } from '../run/step.ts';
import type { SeenFrame } from '../run/ends.ts';
import type { TestRun } from '../run/test-run.ts';
import { type Verb, withinOf, withoutWithin } from './verb.ts';

const SHOWN = 8;

const lacks = ({ has }: Scene): string | undefined =>
  has.net ? undefined : 'this system has no network device';

export const FRAME_VERBS: readonly Verb[] = [
  {
    name: 'send',
    what: 'sends a frame, or several, to the network device',
    example: 'send: {udp: {to: 10.0.2.15:1235, text: hello}}',
    lacks,
    read: (given, { neighbours }) => {
      const frames = given.items().map((each) => encodeFrame(readFrameFacts(each), neighbours));
      return { run: ({ net }) => frames.forEach((frame) => sendFrame(net?.link, frame)) };
    },
  },
  {
    name: 'expect frame',
    what: 'waits for a frame with these fields; it is then taken',
    example: 'expect frame: {udp: {from: 10.0.2.15:1235, text: hello}, within: 5ms}',
    lacks,
    read: (given) => {
      const pattern = readFramePattern(withoutWithin(given));
      const withinNs = withinOf(given);
      return { run: (run) => expectFrame(run, pattern, withinNs) };
    },
  },
  {
    name: 'expect no frame',
    what: 'waits for rest, or as long as told: no frame with these fields comes; `any`: none at all',
    example: 'expect no frame: any',
    lacks,
    read: (given) => {
      const pattern = readFramePattern(withoutWithin(given));
      const withinNs = given.field('within') === undefined ? undefined : withinOf(given);
      return { run: (run) => expectNoFrame(run, pattern, withinNs) };
    },
  },
  {
    name: 'link',
    what: 'pulls the cable out of the network device, or plugs it in',
    example: 'link: down',
    lacks,
    read: (given) => {
      const state = given.choice(['up', 'down']);
      return { run: ({ net }) => net?.link.setLink(state) };
    },
  },
];

function sendFrame(link: NonNullable<TestRun['net']>['link'] | undefined, frame: Uint8Array): void {
  const answer = link?.send(frame, 0, frame.length);
  if (answer === 'full') throw new Unmet('room on the cable', ['512 frames wait there already']);
  if (answer === 'refused') throw new Unmet('a cable that takes a frame', ['the link is down']);
}

function expectFrame(run: TestRun, pattern: FramePattern, withinNs: number): void {
  const fitting = (): SeenFrame | undefined => untaken(run).find((each) => fits(each, pattern));
  if (!run.until(() => fitting() !== undefined, withinNs)) {
    throw new Unmet(
      `a frame ${patternWords(pattern)}`,
      untaken(run)
        .slice(-SHOWN)
        .map((each) => why(each, pattern)),
    );
  }
  const met = fitting();
  if (met === undefined) return;
  met.isTaken = true;
  run.note(`expected frame: ${frameWords(met.facts)}`);
}

function expectNoFrame(run: TestRun, pattern: FramePattern, withinNs: number | undefined): void {
  if (withinNs === undefined) run.rest();
  else run.wait(withinNs);
  const found = untaken(run).filter((each) => fits(each, pattern));
  if (found.length === 0) return;
  const what = pattern.size === 0 ? 'no frame' : `no frame ${patternWords(pattern)}`;
  throw new Unmet(
    what,
    found.slice(0, SHOWN).map(({ facts }) => frameWords(facts)),
  );
}

function untaken({ net }: TestRun): readonly SeenFrame[] {
  return net?.frames.filter(({ isTaken }) => !isTaken) ?? [];
}

function fits({ facts }: SeenFrame, pattern: FramePattern): boolean {
  return differences(facts, pattern).length === 0;
}

function why({ facts }: SeenFrame, pattern: FramePattern): string {
  return `${frameWords(facts)}: ${differences(facts, pattern).join(', ')}`;
}

export function patternWords(pattern: FramePattern): string {
  const words = [...pattern].filter(([, { words: value }]) => value !== '"there"');
  const named = [...pattern.keys()].filter((name) => !name.includes('.'));
  if (words.length === 0) return named.length === 0 ? 'of any kind' : `with ${named.join(', ')}`;
  return `with ${words.map(([name, matcher]) => `${name} ${matcher.words}`).join(', ')}`;
}

/** Reads a frame that is made, for verbs of a bench. */
export function readFrame(given: Given, scene: Scene): Uint8Array {
  return encodeFrame(readFrameFacts(given), scene.neighbours);
}
