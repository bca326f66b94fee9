// Goal: what starts from `dist/start/` does as from `dist/`, and nothing starts there that may not.
// Method: command lines that a table names; each ready-made system by both ways, whose reports are
// equal byte for byte; the files that a run reads.

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systems } from '../systems/index.ts';
import { sddfCommand } from '../test/support/sddf-command.ts';
import { runsReadyMade } from './ready-made.mjs';

const COMMAND = sddfCommand();
const UNBUNDLED = join(dirname(dirname(COMMAND)), 'dist/cli/main.js');
/** Far fewer than the modules of a run, which are 400: each costs about a millisecond. */
const FILES_MAX = 30;
/** Where a program of this package is, and what may differ: its file's folder, line and column. */
const PLACE = /dist\/(?:start\/)?([\w/-]+\.js):\d+:\d+/g;

const words = (line: string): readonly string[] => line.split(' ');

describe('the command lines that start from few files', () => {
  it.each([
    'run echo',
    'run echo --for 1ms',
    'run i2c --clock virtual --for=3s --json',
    'run echo --set supervised=on --net loop --cost imx8mm',
  ])('sddf %s is one', (line) => {
    expect(runsReadyMade(words(line))).toBe(true);
  });

  it.each([
    'run',
    'run --for 1ms echo',
    'run ./echo',
    'run my-system.ts --for 1ms',
    'run DIR/echo.system',
    'run echo --help',
    'run echo --coverage x.json',
    'run echo --for 1ms --gdb=tcp:127.0.0.1:3333',
    'run echo --faults plan.jsonc',
    'run echo -- --for',
    'trace echo',
    'list',
  ])('sddf %s is none', (line) => {
    expect(runsReadyMade(words(line))).toBe(false);
  });
});

describe('a run that starts from few files', () => {
  it.each(systems.map(({ name }) => name))('says of %s what it says otherwise', (name) => {
    const args = ['run', name, '--clock', 'virtual', '--for', '2ms', '--json'];
    const [bundled, unbundled] = [COMMAND, UNBUNDLED].map((command) =>
      spawnSync(process.execPath, [command, ...args], { encoding: 'utf8' }),
    );
    const said = (text: string): string => text.replaceAll(PLACE, '$1');

    expect(unbundled?.stdout).toContain('"timeNs"');
    expect(bundled?.stdout).toBe(unbundled?.stdout);
    expect(said(bundled?.stderr ?? '')).toBe(said(unbundled?.stderr ?? ''));
    expect(bundled?.status).toBe(unbundled?.status);
  });

  it('reads few files of this package, each client from one of its own', () => {
    const { stderr, status } = spawnSync(
      process.execPath,
      [COMMAND, 'run', 'echo', '--net', 'loop', '--clock', 'virtual', '--for', '1ms'],
      { encoding: 'utf8', env: { ...process.env, NODE_DEBUG: 'esm' }, maxBuffer: 2 ** 28 },
    );
    const found = stderr.matchAll(/file:\/\/\/[^\s'",]*?\/dist\/([^\s'",]*\.js(?:\?[^\s'",]*)?)/g);
    const files = [...new Set(Array.from(found, ([, path]) => path as string))];

    expect(status).toBe(0);
    expect(files).toContain('start/core.js');
    expect(files).toContain('start/clients/echo/echo.js');
    expect(files).toContain('start/clients/echo/echo.js?domain=client1');
    expect(files.filter((path) => !path.startsWith('start/'))).toEqual([]);
    expect(files.length).toBeLessThan(FILES_MAX);
  });
});
