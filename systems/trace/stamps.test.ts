// Times of events that were not stamped, against those worked out by hand.

import { describe, expect, it } from 'vitest';
import { HostClock } from '../../board/host-clock.ts';
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

/**
 * Stamps of events that are `betweenNs` apart, on a clock that is read at turns and when it is
 * asked to.
 */
function hostStamps(every: number | undefined, events: number, betweenNs: number) {
  let nowNs = 0;
  const clock = new HostClock(() => nowNs);
  const stamps = new Stamps(every);
  stamps.clock = clock;
  const times = new Float64Array(events).fill(UNSTAMPED);
  let without = 0;
  return {
    times,
    stamps,
    /**
     * What the recorder does with each event: it asks for a time when the last one is used up, or
     * there is a new turn.
     */
    event(slot: number, begins: 'a turn' | 'nothing' = 'nothing'): void {
      nowNs += betweenNs;
      if (begins === 'a turn') clock.refresh();
      if (without > 0 && begins === 'nothing') without -= 1;
      else without = stamps.write(times, slot);
    },
  };
}

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

  it('are host times, of every third event, of the first one of a turn, and of one behind a pause', () => {
    const { times, stamps, event } = hostStamps(3, 9, 100);
    stamps.pause();
    event(0, 'a turn');
    for (let slot = 1; slot < 5; slot += 1) event(slot);
    stamps.turn();
    event(5, 'a turn');
    event(6);
    stamps.pause();
    event(7, 'a turn');
    event(8);

    const none = UNSTAMPED;
    expect([...times]).toEqual([
      behindPause(100),
      none,
      none,
      400,
      none,
      600,
      none,
      behindPause(800),
      none,
    ]);
  });

  it('are as close as one reading of the clock in 3 to 6 µs, unless told', () => {
    const readings = (betweenNs: number): number => {
      const { times, event } = hostStamps(undefined, 640, betweenNs);
      event(0, 'a turn');
      for (let slot = 1; slot < 640; slot += 1) event(slot);
      return times.subarray(320).filter((time) => time !== UNSTAMPED).length;
    };

    expect(readings(100)).toBe(320 / 32);
    expect(readings(1_000)).toBe(320 / 4);
    expect(readings(10_000)).toBe(320);
    // However close the events are, the times between are not interpolated over more than 64.
    expect(readings(1)).toBe(320 / 64);
  });
});
