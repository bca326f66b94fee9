// Goal: `sddf run --coverage` writes what genhtml takes without a warning, the same for all
// engines, and refuses what it cannot do in one line. Method: the command, in this process.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildPrograms,
  COMPILER,
  hasCompiler,
  imagePath,
  PROGRAMS_FOLDER,
  ROOT_FOLDER,
} from '../../test/support/c-programs.ts';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';

const hasGenhtml = spawnSync('genhtml', ['--version']).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'sddf-coverage-'));
const info = join(folder, 'lcov.info');
const HELLO = join(PROGRAMS_FOLDER, 'hello.system');
const BUILD = join(PROGRAMS_FOLDER, 'build');
const PINGPONG = [
  ...['run', join(PROGRAMS_FOLDER, 'pingpong.system'), '--search-path', BUILD],
  ...['--clock', 'virtual', '--for', '1ms', '--json', '--engine'],
];
/** As it stands in the documents. */
const [, DOCUMENTED = ''] =
  /^ {4}npx sddf (run .*) --coverage lcov\.info$/m.exec(
    readFileSync(join(ROOT_FOLDER, 'docs/debugging.md'), 'utf8'),
  ) ?? [];

afterAll(() => rmSync(folder, { recursive: true }));

async function coverageOf(...args: readonly string[]): Promise<string> {
  const { status, stderr } = await sddfInProcess(...args, '--coverage', info);
  expect([status, stderr]).toEqual([0, expect.stringContaining('outcomes of branches, in ')]);
  return readFileSync(info, 'utf8');
}

/** What else is loaded in this process is not the run's. */
function machineCodeOf(text: string): readonly string[] {
  return text.split('end_of_record\n').filter((record) => record.includes('/programs/'));
}

describe.skipIf(!hasCompiler)(`sddf run --coverage (${COMPILER}, genhtml of lcov)`, () => {
  beforeAll(buildPrograms, 300_000);

  it('says the same whichever engine executes, and changes nothing of the run', async () => {
    const interpreted = await coverageOf(...PINGPONG, 'interpreter');
    const { stdout } = await sddfInProcess(...PINGPONG, 'translator', '--coverage', info);
    expect(machineCodeOf(readFileSync(info, 'utf8'))).toEqual(machineCodeOf(interpreted));
    expect(stdout).toBe((await sddfInProcess(...PINGPONG, 'translator', '--strict-code')).stdout);
    // Executed by two domains, it stands there once.
    expect(interpreted.match(/^SF:.*programs\/runtime\/main\.c$/gm)).toHaveLength(1);
  });

  it('is got by the command in the documents', async () => {
    expect(DOCUMENTED).toContain('--set code=c');
    const text = await coverageOf(...DOCUMENTED.split(' '));
    expect(text).toMatch(/^SF:.*programs\/network\/eth_driver\.c$/m);
  });

  it.skipIf(!hasGenhtml)('writes what genhtml takes without a warning', () => {
    const args = ['--branch-coverage', '-o', join(folder, 'html'), info];
    const { status, stderr, stdout } = spawnSync('genhtml', args, { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.toLowerCase()).not.toContain('warning');
    expect(stdout).toMatch(/branches\.+: \d/);
  });

  it('knows lines that are executed from those that are not', async () => {
    const run = ['run', HELLO, '--search-path', BUILD, '--clock', 'virtual', '--for', '1ms'];
    const text = await coverageOf(...run);
    const record = text.split('end_of_record\n').find((each) => each.includes('samples/hello.c'));
    const source = readFileSync(join(PROGRAMS_FOLDER, 'samples/hello.c'), 'utf8').split('\n');
    const lines = [...(record ?? '').matchAll(/^DA:(\d+),([01])$/gm)];
    const hit = lines.filter(([, , count]) => count === '1').map(([, n]) => source[Number(n) - 1]);
    const missed = lines.filter(([, , count]) => count === '0');
    expect(hit.join('\n')).toContain('hello, world');
    expect(record).toContain('FNDA:1,init');
    expect(missed.map(([, n]) => source[Number(n) - 1]).join('\n')).not.toContain('hello, world');
  });

  it('refuses an image without lines, and says how to build it', async () => {
    const stripped = join(folder, 'hello.elf');
    copyFileSync(imagePath('hello'), stripped);
    spawnSync('riscv64-unknown-elf-strip', ['-g', stripped]);
    const run = ['run', HELLO, '--search-path', folder, '--coverage', info];
    const { status, stderr } = await sddfInProcess(...run);
    expect(status).toBe(2);
    const line = 'has no line information; compile and link it with -g\n';
    expect(stderr).toBe(`sddf: --coverage: ${stripped} ${line}`);
  });
});

describe('sddf run --coverage', () => {
  it.each([[['run', 'echo', '--gdb', 'tcp::0'], 'not with --gdb, which executes in its own way']])(
    'refuses %j',
    async (args, problem) => {
      const { status, stderr } = await sddfInProcess(...args, '--coverage', info);
      expect([status, stderr]).toEqual([2, `sddf: --coverage: ${problem}\n`]);
    },
  );
});
