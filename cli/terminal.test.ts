// What reaches a terminal, or a log: text from programs, and progress.

import { afterEach, expect, it, vi } from 'vitest';
import { LOGGED_EVERY_MS, openTerminal, printable } from './terminal.ts';

afterEach(() => vi.restoreAllMocks());

it.each([
  ['plain text, with a tab\tand ümläuts', 'plain text, with a tab\tand ümläuts'],
  ['\u001b[2J\u001b]0;title\u0007', '\\x1b[2J\\x1b]0;title\\x07'],
  ['back\rmonitor: all is well\u0008', 'back\\x0dmonitor: all is well\\x08'],
  ['one\nmonitor: two', 'one\n    monitor: two'],
  ['Error: x\n    at main (a.ts:1:2)', 'Error: x\n    at main (a.ts:1:2)'],
  ['\u009b31m', '\\x9b31m'],
])('%j is shown as %j', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

it('progress goes into a log line by line, seldom', () => {
  const logged: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => logged.push(String(text)) > 0);
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  const terminal = openTerminal('stderr');
  expect(terminal.isLive, 'a test runs in no terminal').toBeFalsy();

  for (const atMs of [1, LOGGED_EVERY_MS, LOGGED_EVERY_MS + 1, 2 * LOGGED_EVERY_MS]) {
    now.mockReturnValue(atMs);
    terminal.live(`${atMs} ms`);
  }

  expect(logged).toEqual(['30000 ms\n', '60000 ms\n']);
});
