// How long is left, with a clock that the test moves.

import { describe, expect, it } from 'vitest';
import { sayTimeLeft, TimeLeft } from './time-left.ts';

describe('the time that is left', () => {
  it('is what was planned, less what has passed', () => {
    const time = new TimeLeft([10, 20, 30], 100);

    expect(time.left(100)).toBe(60);
    expect(time.left(104)).toBe(56);
  });

  it('never counts a part that takes longer than planned below nothing', () => {
    const time = new TimeLeft([10, 20], 0);

    expect(time.left(50)).toBe(20);
  });

  it('follows the pace of what has ended', () => {
    const time = new TimeLeft([1000, 20, 30], 0);
    time.next(2000); // Twice as long as planned, of which a guess takes a little.

    expect(time.left(2000)).toBeCloseTo(100, 0);
    expect(time.left(2010)).toBeCloseTo(90, 0);
  });

  it('begins with what is known of the machine', () => {
    const time = new TimeLeft([5, 20], 0, 3);

    expect(time.left(0)).toBe(75);
    time.next(5); // As planned: the guess was too high.
    expect(time.left(5)).toBe(40);
    time.next(25);
    expect(time.left(25)).toBe(0);
  });

  it('is said by tens of seconds above a minute', () => {
    expect(sayTimeLeft(0.2)).toBe('almost done');
    expect(sayTimeLeft(7.3)).toBe('about 8 s left');
    expect(sayTimeLeft(119)).toBe('about 2 min left');
    expect(sayTimeLeft(134)).toBe('about 2 min 10 s left');
  });
});
