// Goal: where GDB may come is written as the help says, and a mistake is one line that says what to
// do.

import { describe, expect, it } from 'vitest';
import { parseGdb } from './gdb.ts';

describe('--gdb', () => {
  it.each([
    ['tcp:127.0.0.1:3333', { kind: 'tcp', host: '127.0.0.1', port: 3333 }, 'threads', 'at once'],
    ['tcp::3333,wait', { kind: 'tcp', host: '127.0.0.1', port: 3333 }, 'threads', 'wait'],
    ['unix:a.sock,mode=inferiors', { kind: 'unix', path: 'a.sock' }, 'inferiors', 'at once'],
  ])('takes %s', (text, address, mode, begins) => {
    expect(parseGdb(text, '--gdb')).toEqual({ address, mode, begins });
  });

  it.each([
    [
      'tcp:0.0.0.0:3333',
      '--gdb tcp:0.0.0.0:3333: whoever reaches it may do anything; only 127.0.0.1 is listened on, or unix:PATH',
    ],
    ['3333', "--gdb 3333: '3333' is neither unix:PATH nor tcp:HOST:PORT"],
    ['unix:a,mode=thread', '--gdb unix:a,mode: '],
    ['unix:a,wiat', "--gdb unix:a: unknown key 'wiat' (did you mean wait?); known are mode, wait"],
  ])('refuses %s', (text, message) => {
    expect(() => parseGdb(text, '--gdb')).toThrow(message);
  });
});
