// Goal: --inspect waits for a debugger of TypeScript, and has all stand still at a breakpoint, so
// that a run under the virtual clock is what it is without. Method: `node inspect`, and a system
// with a `debugger` statement.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'sddf-inspect-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BUILDER = join(import.meta.dirname, '../../microkit/builder.ts');
const PROGRAM = `import { system } from '${BUILDER}';
const sys = system({ name: 'one' });
sys.pd('only', {
  program: (pd: { log(line: string): void }) => {
    const said: string = 'was here';
    debugger;
    pd.log(said);
    return { notified() {} };
  },
});
export const build = () => sys.build();
`;

/** What a process prints. @returns waits for a text, and gives all that was printed before */
function listenTo({ stdout, stderr }: ChildProcess) {
  let printed = '';
  let heard = (): void => undefined;
  for (const stream of [stdout, stderr]) {
    stream?.on('data', (text) => {
      printed += String(text);
      heard();
    });
  }
  return async (wanted: string): Promise<string> => {
    while (!printed.includes(wanted)) await new Promise<void>((resolve) => (heard = resolve));
    return printed;
  };
}

it('waits for a debugger, and stands at a breakpoint while virtual time does', async () => {
  const module = join(folder, 'one.ts');
  writeFileSync(module, PROGRAM);
  const args = ['run', module, '--clock', 'virtual', '--inspect'];
  const run = spawn(process.execPath, ['cli/sddf.mjs', ...args]);
  const ended = new Promise((resolve) => run.once('exit', resolve));
  const printed = listenTo(run);
  const [, place = ''] = /node inspect (\S+)\n/.exec(await printed('or node inspect')) ?? [];
  const client = spawn(process.execPath, ['inspect', place]);
  const shown = listenTo(client);

  expect(await shown('break in ')).toContain('one.ts');
  client.stdin.write('exec said\n');
  await shown("'was here'");
  client.stdin.write('cont\n');
  expect(await printed('0.010 s of virtual time')).toContain('only: was here');
  client.kill();
  expect(await ended).toBe(0);
});
