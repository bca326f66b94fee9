// Text from programs on its way to a terminal.

import { expect, it } from 'vitest';
import { printable } from './terminal.ts';

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
