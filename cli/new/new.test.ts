// Goal: what `sddf new` writes runs, passes its own test, and is formatted and typed like
// everything here. Method: the files are written into a folder that has this repository's rooms as
// links, and the real tools are run there.

import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { longTest } from '../../test/support/long-test.ts';
import { sddfCommand } from '../../test/support/sddf-command.ts';
import { sddfInFolder } from '../../test/support/sddf-in-process.ts';
import { runProgram } from '../program.ts';
import { scaffold } from './scaffold.ts';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'new-'));
const LINKED = ['memory', 'kernel', 'microkit', 'host', 'riscv', 'node_modules'];
/** Rooms that scaffolds write into: folders of their own, with what they have as links. */
const MIXED = ['board', 'queues', 'systems', 'drivers', 'virtualisers', 'clients'];

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

function tool(script: string, ...args: string[]): { status: number | null; text: string } {
  const path = join(ROOT, 'node_modules', script);
  const result = spawnSync(process.execPath, [path, ...args], { cwd: folder, encoding: 'utf8' });
  return { status: result.status, text: result.stdout + result.stderr };
}

/** Folders as folders, files as links: so that files can be put beside them. */
function mirror(path: string): void {
  mkdirSync(join(folder, path));
  for (const entry of readdirSync(join(ROOT, path), { withFileTypes: true })) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) mirror(inside);
    else if (!entry.name.endsWith('.test.ts'))
      symlinkSync(join(ROOT, inside), join(folder, inside));
  }
}

/** Not the system of two clients: here its programs are links, which are nobody's package. */
const TESTED = ['mynic', 'drivers/i2c/my-chip', 'packet-counter', 'pair'];

describe('what sddf new writes', () => {
  const scaffolds = [
    scaffold('driver', 'network/mynic', 'repository'),
    scaffold('driver', 'i2c/my-chip', 'repository', 'with'),
    scaffold('client', 'packet-counter', 'repository'),
    scaffold('system', 'pair', 'repository'),
  ];

  const paths = scaffolds.flatMap(({ files }) => [...files.keys()]);

  beforeAll(() => {
    for (const room of LINKED) symlinkSync(join(ROOT, room), join(folder, room));
    for (const room of MIXED) mirror(room);
    for (const { files } of scaffolds) {
      for (const [path, text] of files) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
    }
    writeFileSync(join(folder, '.oxfmtrc.json'), readFileSync(join(ROOT, '.oxfmtrc.json')));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  });

  it('is formatted', () => {
    const { text } = tool('.bin/oxfmt', '--check', ...paths);

    expect(text).toContain('All matched files use the correct format');
  });

  it.each(['mynic', 'pair', 'packet-counter'])('runs: systems/%s.ts', async (name) => {
    const command = ['run', `./systems/${name}.ts`, '--clock', 'virtual', '--for', '3ms'];
    const { status, stdout, stderr } = await sddfInFolder(folder, ...command);

    expect(stdout).toContain(`${name}: `);
    expect(status, stderr).toBe(0);
  });

  // Each of its clients has a module of its own, for which the files are loaded by Node itself.
  it('runs: systems/my-chip.ts, in a process of its own', () => {
    const command = [join(ROOT, 'cli/sddf.mjs'), 'run', './systems/my-chip.ts'];
    const options = ['--clock', 'virtual', '--for', '3ms'];
    const run = spawnSync(process.execPath, [...command, ...options], {
      cwd: folder,
      encoding: 'utf8',
    });

    expect(run.stderr).toContain('client1: sample 2');
    expect(run.status).toBe(0);
  });

  longTest('passes its tests', () => {
    writeFileSync(join(folder, 'vitest.config.ts'), 'export default {};\n');

    const { text, status } = tool('.bin/vitest', 'run', '--root', folder, ...TESTED);

    expect(text).toMatch(/Tests\s+.*9 passed/);
    expect(status).toBe(0);
  });

  longTest('is typed', () => {
    const options = JSON.parse(
      readFileSync(join(ROOT, 'tsconfig.json'), 'utf8').replaceAll(/^\s*\/\/.*$/gm, ''),
    ) as { compilerOptions: object };
    const files = [...paths, 'memory/webassembly.d.ts'];
    const types = { compilerOptions: options.compilerOptions, files };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(types));

    const { text } = tool('typescript/bin/tsc', '-p', 'tsconfig.json');

    const mistakes = text
      .split('\n')
      .filter((line) => paths.some((path) => line.startsWith(`${path}(`)));
    expect(mistakes).toEqual([]);
  });

  it("imports the package in a project of one's own", () => {
    const { files, next } = scaffold('client', 'packet-counter', 'project');
    const text = [...files.values()].join('\n');

    expect(text).toContain("from 'sddf-testbed/microkit'");
    expect(text).toContain("from 'node:test'");
    expect(text).not.toContain('vitest');
    expect(next).toEqual([
      'npx sddf run ./systems/packet-counter.ts --clock virtual',
      'node --import tsx --test clients/packet-counter/packet-counter.test.ts',
    ]);
  });
});

describe('sddf new', () => {
  it.each([
    [['new', 'driver', 'mynic'], "'mynic' is not CLASS/NAME, such as network/mynic"],
    [['new', 'driver', 'i2c/client'], "'client' is a name that the files use themselves"],
    [['new', 'client', '../x'], "'../x' is no name"],
    [['new', 'client', 'x'.repeat(300)], 'a name of 300 letters: at most 60'],
    [['new', 'client', 'Echo'], "'Echo' is no name"],
    [['new', 'client', 'echo'], 'clients/echo/echo.ts exists already; nothing was written'],
  ])('%j is a mistake of the user', async (args, expected) => {
    const errors: string[] = [];
    vi.spyOn(console, 'error').mockImplementation((text: string) => void errors.push(text));

    expect(await runProgram(args)).toBe(2);
    expect(errors.join('\n')).toContain(expected);
  });

  it('says that the package has to be installed first, and writes nothing', () => {
    const empty = mkdtempSync(join(tmpdir(), 'new-empty-'));
    const command = [sddfCommand(), 'new', 'client', 'counter'];
    const run = () => spawnSync(process.execPath, command, { cwd: empty, encoding: 'utf8' });

    const without = run();
    expect(without.status).toBe(2);
    expect(without.stderr).toMatch(/^sddf: sddf-testbed is not installed .* npm install PATH.*\n$/);
    expect(readdirSync(empty)).toEqual([]);

    mkdirSync(join(empty, 'node_modules/sddf-testbed'), { recursive: true });
    writeFileSync(join(empty, 'systems'), '');
    writeFileSync(join(empty, 'node_modules/sddf-testbed/package.json'), '{}');
    expect(run().stderr).toContain('systems exists already; nothing was written');
    expect(readdirSync(empty).toSorted()).toEqual(['node_modules', 'systems']);
    rmSync(join(empty, 'systems'));
    const written = run();
    expect(written.status).toBe(0);
    expect(written.stdout).toContain('next:\n  npm pkg set type=module\n  npx sddf run');
    rmSync(empty, { recursive: true });
  });
});
