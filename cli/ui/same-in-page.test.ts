// Which live runs the page's own engine has, and what is said of the others.

import { describe, expect, it } from 'vitest';
import { FIRST_SCENARIO } from '../../page/engine/scenario.ts';
import type { RawOptions } from '../option.ts';
import type { LoadedSystem } from '../run/loaded-system.ts';
import { readRunOptions } from '../run/options.ts';
import { sameInPage } from './same-in-page.ts';

const VIRTUAL = { clock: 'virtual', net: ['loop'] };

function same(raw: RawOptions, loaded: Partial<LoadedSystem> = {}): ReturnType<typeof sameInPage> {
  const system = { name: 'echo', hasUserPrograms: false, ...loaded } as LoadedSystem;
  return sameInPage(system, readRunOptions(raw), raw);
}

describe('a live run', () => {
  it('is run again by the page where it depends on its options alone', () => {
    const raw = { ...VIRTUAL, seed: '7', rate: '500', burst: '1', set: ['clients=1'] };

    expect(same(raw)).toEqual({
      ...FIRST_SCENARIO,
      choices: { clients: '1' },
      seed: 7,
      rate: 500,
    });
  });

  it.each<readonly [RawOptions, Partial<LoadedSystem>, string]>([
    [{ ...VIRTUAL, clock: 'host' }, {}, 'its clock is the one on the wall'],
    [{ ...VIRTUAL, net: ['user'] }, {}, 'what comes from outside'],
    [VIRTUAL, { hasUserPrograms: true }, 'programs of your own; drop them onto the page'],
    [VIRTUAL, { name: './mine.ts' }, 'programs of your own; drop them onto the page'],
    [
      { ...VIRTUAL, traceOut: 'x.json' },
      {},
      'the page, which would run it again, has no --trace-out',
    ],
  ])('is not: %j', (raw, loaded, why) => {
    expect(same(raw, loaded)).toContain(why);
  });
});
