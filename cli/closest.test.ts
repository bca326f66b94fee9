/** What was meant by a mistyped word. */

import { describe, expect, it } from 'vitest';
import { closest, didYouMean } from './closest.ts';

describe('the closest word', () => {
  it.each([
    ['ecko', ['echo', 'blk'], 'echo'],
    ['lsit', ['list', 'run'], 'list'],
    ['--nte', ['--net', '--set'], '--net'],
    ['rnu', ['run', 'new'], 'run'],
    ['clinets', ['path', 'clients'], 'clients'],
    ['colour', ['path', 'clients'], undefined],
    ['', ['a'], 'a'],
    ['b', [], undefined],
  ])('to %s among %j is %s', (text, known, expected) => {
    expect(closest(text, known)).toBe(expected);
  });

  it('is offered behind a message, or nothing is', () => {
    expect(didYouMean('ecko', ['echo'])).toBe(' (did you mean echo?)');
    expect(didYouMean('nothing', ['echo'])).toBe('');
  });
});
