/**
 * Goal: starting the command costs V8 none of what the data path rests on. Method: the engine says
 * what it gives up. One detached ArrayBuffer in a thread, and every access to an array in it is
 * checked for that; tsx's hook for CommonJS does it, so it must not be loaded. The loader for
 * TypeScript has a thread of its own, which may.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isLong, LONG } from '../test/support/long-test.ts';

const START = /^node (?<how>.+) run echo --demo$/;
const NODE_MAJOR = Number(process.versions.node.split('.')[0]);
const RUN = ['run', 'echo', '--net', 'loop', '--clock', 'virtual', '--for', '1ms', '--json'];

function detachments(how: readonly string[]): number {
  const said = execFileSync(process.execPath, ['--trace-protector-invalidation', ...how, ...RUN], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  expect(said).toContain('"timeNs"');
  return said.split('\n').filter((line) => line.includes('ArrayBufferDetaching')).length;
}

describe('the engine under the command', () => {
  it.runIf(isLong && NODE_MAJOR === 20)(
    'tells of one, where tsx is loaded for CommonJS too',
    LONG,
    () => {
      // One for the loader's thread, one for the command's.
      expect(detachments(['--import', 'tsx', 'cli/main.ts'])).toBe(2);
    },
  );

  it('has no array buffer detached by sddf', () => {
    expect(detachments(['cli/sddf.mjs'])).toBeLessThanOrEqual(1);
  });

  it('has none detached by npm start', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const how = START.exec(scripts['start'] ?? '')?.groups?.['how'];
    expect(how).toBeDefined();
    expect(detachments((how ?? '').split(' '))).toBeLessThanOrEqual(1);
  });
});
