/** Goal: of what a dying process prints, the one line that tells why. Method: Node's and V8's. */

import { expect, it } from 'vitest';
import { lastWords } from './cause-of-death.ts';

const OUT_OF_MEMORY = `
<--- Last few GCs --->

[6216:0x3c0d6000]      413 ms: Mark-Compact 197.7 (229.1) -> 197.0 (229.1) MB, 9.24 / 0.00 ms

<--- JS stacktrace --->

FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
----- Native stack trace -----

 1: 0xb8d0a3 node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]
`;
const UNCAUGHT = `/a/b.ts:3
  throw new RangeError('no room');
        ^

RangeError: no room
    at main (/a/b.ts:3:9)

Node.js v20.19.0
`;

it.each([
  ['out of memory', OUT_OF_MEMORY, 'JavaScript heap out of memory'],
  ['an error that nobody caught', UNCAUGHT, 'RangeError: no room'],
  ['a warning, then an error', `Warning: old\n${UNCAUGHT}`, 'RangeError: no room'],
  ['something else', 'first\nlast\n', 'last'],
  ['nothing', '', ''],
])('%s', (_, said, words) => {
  expect(lastWords(said)).toBe(words);
});
