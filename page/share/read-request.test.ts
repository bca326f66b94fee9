// What a page asks of a run of sddf comes over a wire: what a page of ours asks is read as it was
// meant, and nothing else is.

import { describe, expect, it } from 'vitest';
import { pointsOf } from '../../sim/points/system-points.ts';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';
import type { Request } from '../engine/protocol.ts';
import { readRequest } from './read-request.ts';
import { requestText } from './request-text.ts';

const built = echo.build(completeChoices(echo, {}));
const points = built.ok ? pointsOf(built.system) : [];

const ASKED: readonly Request[] = [
  { kind: 'play', speed: 0.001 },
  { kind: 'pause' },
  { kind: 'step', unit: 'entry', by: -1 },
  { kind: 'step', unit: 'packet', by: 1 },
  { kind: 'seek', moment: { kind: 'time', timeNs: 5 } },
  {
    kind: 'break',
    rule: {
      at: 'net.irq',
      fault: 'lose',
      when: { fromNs: 5000 },
      for: { times: 1 },
      parameters: {},
      optional: 'yes',
    },
  },
  { kind: 'path', packet: 1 },
  { kind: 'trace' },
  { kind: 'timeline', lastNs: 1000 },
  { kind: 'capabilities', pd: 'client0' },
  { kind: 'blocks', disk: 0, block: 7 },
  { kind: 'files', disk: 0, path: '/' },
  { kind: 'open', seed: 12 },
];

describe('a request', () => {
  it.each(ASKED)('is read as it was meant: %j', (request) => {
    expect(readRequest(requestText(request), points)).toEqual(request);
  });

  it.each([
    ['{', 'no JSON'],
    ['[]', 'no record'],
    ['{"kind":"load","scenario":{}}', 'none of'],
    ['{"kind":"report","forNs":1}', 'none of'],
    ['{"kind":"hunt","from":1,"count":1e9}', 'none of'],
    ['{"kind":"input","input":{}}', 'none of'],
    ['{"kind":"constructor"}', 'none of'],
    ['{"kind":"play","speed":1e9}', 'speed'],
    ['{"kind":"play","speed":"1"}', 'speed'],
    ['{"kind":"play","speed":0}', 'speed'],
    ['{"kind":"step","unit":"year","by":1}', 'unit'],
    ['{"kind":"seek","moment":{"kind":"time","timeNs":-1}}', 'timeNs'],
    ['{"kind":"seek"}', 'no record'],
    ['{"kind":"timeline","lastNs":1e18}', 'lastNs'],
    ['{"kind":"blocks","disk":0,"block":-1}', 'block'],
    ['{"kind":"break","rule":{"at":"x","fault":"y"}}', "no point 'x'"],
    ['{"kind":"break","rule":[]}', 'no record'],
    [JSON.stringify({ kind: 'capabilities', pd: 'x'.repeat(300) }), 'no short text'],
  ])('%s is none', (text, words) => {
    expect(() => readRequest(text, points)).toThrow(words);
    expect(() => readRequest(text, points)).toThrow(
      expect.objectContaining({ name: 'LinkProblem' }),
    );
  });
});
