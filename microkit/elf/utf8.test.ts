// Goal: the bytes are those of the platform's encoder, for characters of one to four bytes.

import { expect, it } from 'vitest';
import { utf8 } from './utf8.ts';

it.each(['', 'eth0', 'Grüße', '\u07ff\u0800\uffff', '𝔸\u{10ffff}'])('encodes %j', (text) => {
  expect(utf8(text)).toEqual(new TextEncoder().encode(text));
});
