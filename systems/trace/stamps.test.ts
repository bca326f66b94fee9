// Times of events that were not stamped, against those worked out by hand.

import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../board/virtual-clock.ts';
import { interpolate, Stamps, UNSTAMPED } from './stamps.ts';

/** As `Stamps` writes a time behind a pause. */
function behindPause(ns: number): number {
  return -2 - ns;
}

function completed(stamps: readonly number[], from = 0): readonly number[] {
  const times = Float64Array.from(stamps);
  interpolate(times, from, stamps.length);
  return [...times];
}

describe('times between stamps', () => {
  it('are spread evenly', () => {
    expect(
      completed([1000, UNSTAMPED, UNSTAMPED, UNSTAMPED, 1400, UNSTAMPED, UNSTAMPED, 2000]),
    ).toEqual([1000, 1100, 1200, 1300, 1400, 1600, 1800, 2000]);
  });

  it('are not spread over a pause', () => {
    expect(completed([1000, UNSTAMPED, UNSTAMPED, behindPause(9_000_000)])).toEqual([
      1000, 1200, 1400, 9_000_000,
    ]);
  });

  it('before the first stamp and behind the last are those stamps', () => {
    expect(completed([UNSTAMPED, 500, 700, UNSTAMPED])).toEqual([500, 500, 700, 700]);
    expect(completed([behindPause(3), UNSTAMPED])).toEqual([3, 3]);
  });

  it('go round the ring', () => {
    // The oldest event is in slot 2.
    expect(completed([UNSTAMPED, 400, 100, UNSTAMPED], 2)).toEqual([300, 400, 100, 200]);
  });
});

describe('stamps', () => {
  it('are virtual times, of every event', () => {
    const stamps = new Stamps(8);
    const clock = new VirtualClock();
    stamps.clock = clock;
    const times = new Float64Array(4);
    for (let slot = 0; slot < 4; slot += 1) {
      clock.charge(250);
      stamps.write(times, slot);
    }

    expect([...times]).toEqual([250, 500, 750, 1000]);
  });

  it('are host times, of every third event and of the first one behind a pause', () => {
    const stamps = new Stamps(3);
    const times = new Float64Array(8);
    for (let slot = 0; slot < 8; slot += 1) {
      if (slot === 5) stamps.renew();
      stamps.write(times, slot);
    }

    const kinds = [...times].map((time) =>
      time === UNSTAMPED ? 'none' : time < UNSTAMPED ? 'behind a pause' : 'time',
    );
    expect(kinds).toEqual([
      'behind a pause',
      'none',
      'none',
      'time',
      'none',
      'behind a pause',
      'none',
      'none',
    ]);
  });
});
