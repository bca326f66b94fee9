// A link opens as it was meant: time passes, or it stands at the moment that somebody has gone to.

import { describe, expect, it } from 'vitest';
import type { WorldView } from '../engine/world-view.ts';
import { momentToShare, speedAtOpening } from './opening.ts';

const BOOT = { timeNs: 300, bootNs: 300 };
const LATER = { timeNs: 5000, bootNs: 300 };
const view = (change: object): WorldView =>
  ({ stands: 'rest', counts: { entry: 7, event: 1, packet: 0 }, ...change }) as WorldView;

describe('a link that is opened', () => {
  it.each([
    ['goes on where it was made while time passed', { speed: 0.1 }, LATER, 0.1],
    ['has a speed that can be chosen', { speed: 123 }, LATER, 0.001],
    ['runs by itself from its beginning', {}, BOOT, 0.001],
    ['and where an older page has named the beginning', at(300), BOOT, 0.001],
    ['stands where somebody has gone to', at(5000), LATER, undefined],
    [
      'stands in the middle of something',
      { moment: { kind: 'entry', count: 1 } as const },
      BOOT,
      undefined,
    ],
  ])('%s', (_, shared, first, speed) => {
    expect(speedAtOpening(shared, first)).toBe(speed);
  });

  it('is made of what is shown', () => {
    expect(momentToShare(undefined)).toEqual({});
    expect(momentToShare(view(BOOT))).toEqual({});
    expect(momentToShare(view(LATER))).toEqual(at(5000));
    expect(momentToShare(view({ ...BOOT, stands: 'middle' }))).toEqual({
      moment: { kind: 'entry', count: 7 },
    });
  });
});

function at(timeNs: number): {
  readonly moment: { readonly kind: 'time'; readonly timeNs: number };
} {
  return { moment: { kind: 'time', timeNs } };
}
