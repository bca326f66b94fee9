// What is left of a stack: the program's own frames, short.

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Misuse } from '../memory/misuse.ts';
import { exceptionText, userBlame, userFrame } from './exception-text.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

function thrown(...frames: string[]): Error {
  const error = new TypeError('no such thing');
  error.stack = ['TypeError: no such thing', ...frames.map((frame) => `    at ${frame}`)].join(
    '\n',
  );
  return error;
}

it('names the frames of the program, not those of the testbed or of code without a file', () => {
  const text = exceptionText(
    thrown(
      `find (file://${ROOT}microkit/runtime/regions.ts:76:9)`,
      'helper (file:///home/me/project/helper.ts:3:1)',
      'PdImage.main (/home/me/project/reader.ts:4:22)',
      `anonymous (data:text/javascript,${'x'.repeat(5000)}:2:885)`,
      `#runProgram (file://${ROOT}kernel/kernel.ts:266:19)`,
      'node:internal/process/task_queues:105:5',
    ),
  );

  expect(text).toBe(
    'TypeError: no such thing\n    at helper (/home/me/project/helper.ts:3:1)\n' +
      '    at PdImage.main (/home/me/project/reader.ts:4:22)',
  );
});

it('shows some frames of the testbed when there are no others, and copes with anything thrown', () => {
  const frame = `find (${ROOT}microkit/runtime/regions.ts:76:9)`;

  expect(exceptionText(thrown(frame))).toBe(`TypeError: no such thing\n    at ${frame}`);
  expect(exceptionText('text')).toBe('threw text');
  expect(exceptionText(undefined)).toBe('threw undefined');
});

it('shows no frames of the testbed that has refused what a program does', () => {
  const refused = new Misuse('main is async');
  refused.stack = `Misuse: main is async\n    at demand (${ROOT}memory/misuse.ts:24:15)\n    at PdLoop.resume (${ROOT}microkit/runtime/loop.ts:92:28)`;

  expect(exceptionText(refused)).toBe('Misuse: main is async');
});

it.each([
  ['a proxy', new Proxy(new Error('mine'), { getPrototypeOf: () => raise(), get: () => raise() })],
  ['an error with a getter', Object.defineProperty(new Error('mine'), 'stack', { get: raise })],
])('looks at what was thrown once, and bears that this throws: %s', (_what, thrown) => {
  expect(exceptionText(thrown)).toBe('threw something that cannot be shown');
  expect(userFrame(thrown)).toBeUndefined();
  expect(userBlame(thrown)).toBeUndefined();
});

function raise(): never {
  throw new Error('looked at');
}
