/** All that a system prints, against a file of what it printed when it was right. */

import { Unmet } from '../run/step.ts';
import type { TestRun } from '../run/test-run.ts';
import type { Verb } from './verb.ts';

const LINES_AROUND = 2;

export const TRANSCRIPT_VERB: Verb = {
  name: 'expect transcript',
  what: 'waits for rest: all that was printed is what stands in this file; --update writes it',
  example: 'expect transcript: golden/hello.txt',
  lacks: ({ files }) => (files === undefined ? 'there are no files beside this test' : undefined),
  read: (given, { files }) => {
    const path = given.text();
    return {
      run: (run) => {
        run.rest();
        const came = transcriptOf(run);
        if (run.update === 'files') files?.write(path, came);
        else compare(path, files?.read(path), came);
      },
    };
  },
};

/** Debug output, a line each, and then the serial line. */
function transcriptOf({ logs, lostLogs, uart }: TestRun): string {
  const lines = [...logs.map(({ pd, text }) => `${pd}: ${text}`), ...lostLogs];
  const printed = uart === undefined ? [] : ['-- serial line', uart.text.replaceAll('\r\n', '\n')];
  return `${[...lines, ...printed].join('\n')}\n`;
}

function compare(path: string, wanted: string | undefined, came: string): void {
  if (wanted === undefined)
    throw new Unmet(`the file ${path}`, ['there is none; --update writes it']);
  if (wanted === came) return;
  const [before, after] = [wanted.split('\n'), came.split('\n')];
  const at = after.findIndex((line, index) => line !== before[index]);
  const line = at < 0 ? after.length - 1 : at;
  const shown = after.slice(Math.max(0, line - LINES_AROUND), line + LINES_AROUND + 1);
  throw new Unmet(`line ${line + 1} of ${path}: ${JSON.stringify(before[line] ?? '')}`, shown);
}
