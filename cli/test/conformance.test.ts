/**
 * The suites of conformance: any unit in a role must pass them, ours do, and one that does nothing
 * does not. Every fifth test is run here; `.ci/run` runs all of them, and the C twins'
 * (SDDF_CONFORMANCE=all).
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms, COMPILER, hasCompiler, imagePath } from '../../test/support/c-programs.ts';
import { walkByGdb, WALKED } from '../../test/support/gdb-walk.ts';
import { sddfCommand } from '../../test/support/sddf-command.ts';
import { sddfInFolder } from '../../test/support/sddf-in-process.ts';
import { runTest, type TestResult } from '../../testing/run/run-test.ts';
import { ROLES } from '../../testing/unit/roles.ts';
import { readSelection } from './selection.ts';

const EVERY = process.env['SDDF_CONFORMANCE'] === 'all' ? 1 : 5;
const LEAST = 25;
const TWINS: readonly (readonly [role: string, image: string])[] = [
  ['net/driver', 'eth_driver'],
  ['net/virt-rx', 'network_virt_rx'],
  ['net/virt-tx', 'network_virt_tx'],
  ['net/copy', 'network_copy'],
];
const roles = ROLES.map(({ name }) => name);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sddf-conformance-'));
  writeFileSync(join(folder, 'idle.js'), 'export const main = () => ({ notified() {} });\n');
  if (hasCompiler && EVERY === 1) buildPrograms();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(role: string, unit: readonly string[], every: number): Promise<TestResult[]> {
  const tests = await readSelection({ files: unit, conformance: role });
  const results: TestResult[] = [];
  for (const test of tests.filter((_, index) => index % every === 0)) {
    results.push(await runTest(test, 1));
  }
  return results;
}

function unmet(results: readonly TestResult[]): readonly string[] {
  return results
    .filter(({ verdict }) => verdict !== 'passed')
    .map(({ name, verdict, failure }) => `${verdict}: ${name}: ${failure?.came.join('; ')}`);
}

describe('conformance', () => {
  it.each(roles)(`%s has ${LEAST} tests or more`, async (role) => {
    const tests = await readSelection({ files: [], conformance: role });

    expect(tests.length).toBeGreaterThanOrEqual(LEAST);
  });

  it.each(roles)('our own %s passes', async (role) => {
    expect(unmet(await run(role, [], EVERY))).toEqual([]);
  });

  it.runIf(hasCompiler && EVERY === 1).each(TWINS)(
    `%s in C passes (${COMPILER})`,
    async (role, image) => {
      expect(unmet(await run(role, [imagePath(image)], 1))).toEqual([]);
    },
  );

  it('a unit that does nothing fails most of them', async () => {
    const results = await run('serial/virt-rx', [join(folder, 'idle.js')], EVERY);

    const passed = results.filter(({ verdict }) => verdict === 'passed').map(({ name }) => name);
    expect(passed.length).toBeLessThanOrEqual(results.length / 3);
  });
});

describe('the command', () => {
  const file = 'a.yaml';
  const text =
    'system: hello\ntests:\n' +
    '  - {name: one, steps: [{expect log: {from: hello, text: hello}}]}\n' +
    '  - {name: two, steps: [{expect transcript: gold.txt}]}\n' +
    '  - {name: three, steps: [{expect log: {text: nothing of it, within: 1ms}}]}\n';
  const sddf = (...args: readonly string[]) => sddfInFolder(folder, 'test', ...args);
  beforeAll(() => writeFileSync(join(folder, file), text));

  it('writes a transcript, and then holds what is printed to it', async () => {
    const before = await sddf(file, '--filter', 'two');
    const written = await sddf(file, '--filter', 'two', '--update');
    const after = await sddf(file, '--filter', 'two');
    writeFileSync(join(folder, 'gold.txt'), 'hello: goodbye\n');
    const changed = await sddf(file, '--filter', 'two');

    expect(before.stdout).toContain('the file gold.txt');
    expect([written.status, after.status, changed.status]).toEqual([0, 0, 1]);
    expect(changed.stdout).toContain('expected  line 1 of gold.txt: "hello: goodbye"');
  });

  it('writes it in other processes too, with the first seed alone', async () => {
    const own = 'own.yaml';
    writeFileSync(join(folder, own), text.replace('gold.txt', 'own.txt'));
    const two = [own, '--filter', 'two'];
    const update = await sddf(...two, '--update', '--jobs', '2', '--seeds', '3..5');
    const after = await sddf(...two);

    expect([update.stdout, after.status]).toEqual(['1 passed, 0 failed\n', 0]);
  });

  it('runs one test step by step for sddf replay', async () => {
    const replay = (...args: readonly string[]) => sddfInFolder(folder, 'replay', file, ...args);
    const passed = await replay('--filter', 'one', '--seeds', '2');
    const failed = await replay('--filter', 'three');

    expect([passed.status, failed.status]).toEqual([0, 1]);
    expect(passed.stdout).toMatch(/^ +\d+\.\d{6} ms {2}a\.yaml:3:\d+: expect log.*\npassed\n$/);
    expect(failed.stdout).toContain('FAILED  three  (seed 1)');
  });

  it('holds one test for a debugger, goes back, and comes out the same', async () => {
    const socket = join(folder, 'gdb.sock');
    const walk = walkByGdb(socket);
    const { status, stdout } = await sddf(file, '--filter', 'three', '--gdb', `unix:${socket}`);

    expect([status, stdout]).toEqual([1, expect.stringContaining('0 passed, 1 failed\n')]);
    expect(await walk).toEqual(WALKED);
  });

  it('watches, and runs again when a file has changed, until Ctrl-C', async () => {
    const path = join(folder, 'watched.yaml');
    writeFileSync(path, text.replace('text: hello}', 'text: nothing, within: 1ms}'));
    const args = [sddfCommand(), 'test', path, '--filter', 'one', '--watch'];
    const watching = spawn(process.execPath, args);
    let said = '';
    const heard = (what: string): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => (said.includes(what) ? resolve() : undefined);
        for (const from of [watching.stdout, watching.stderr]) {
          from.on('data', (data) => {
            said += from === undefined ? '' : String(data);
            look();
          });
        }
      });
    const exit = new Promise((resolve) => watching.once('exit', (_, signal) => resolve(signal)));
    await heard('waits for a change in');
    writeFileSync(path, text);
    await heard('1 passed, 0 failed');
    watching.kill('SIGINT');

    expect(await exit).toBe('SIGINT');
    expect(said).toMatch(
      /0 passed, 1 failed\n[^]*watched\.yaml has changed\n[^]*1 passed, 0 failed/,
    );
  });

  it('in two processes says the same, in the same order', async () => {
    const one = await sddf(file, '--json', '--seeds', '1..2');
    const two = await sddf(file, '--json', '--seeds', '1..2', '--jobs', '2');

    expect(JSON.parse(two.stdout)).toEqual(JSON.parse(one.stdout));
    expect(two.status).toBe(1);
  });

  it('writes a test as a trace, and JUnit with file and line', async () => {
    const traced = await sddf(file, '--filter', 'one', '--trace', 't.json');
    await sddf(file, '--junit', 'out.xml');
    const { readFileSync } = await import('node:fs');
    const [trace, junit] = ['t.json', 'out.xml'].map((name) =>
      readFileSync(join(folder, name), 'utf8'),
    );

    expect(traced.status).toBe(0);
    expect(
      (JSON.parse(trace ?? '') as { traceEvents: unknown[] }).traceEvents.length,
    ).toBeGreaterThan(3);
    expect(junit).toContain('<testsuites name="sddf test" tests="3" failures="2">');
    expect(junit).toMatch(
      /<testcase name="three \(seed 1\)" classname="a" file="a\.yaml" line="5" time="[\d.]+">/,
    );
    expect(junit).toMatch(
      /<failure message="expected a line with &quot;nothing of it&quot;; came [^<]*&#10;/,
    );
  });

  const mistakes: readonly (readonly [args: readonly string[], message: string])[] = [
    [[file, '--gdb', 'unix:a'], '--gdb: is for one test with one seed, and here are 3'],
    [[file, '--gdb', 'unix:a', '--jobs', '2'], 'is run alone; leave --jobs out'],
    [[], 'no file of tests given; sddf new test NAME writes one'],
    [[file, '--filter', 'four'], "--filter: no test's name holds 'four'; there are 3 tests"],
    [[file, '--seeds', 'x'], "--seeds: 'x' is no range such as 1..20"],
    [[file, '--trace', 't.json'], '--trace: is for one test with one seed, and here are 3'],
    [[file, '--junit', file], 'a.yaml'],
    [['--conformance', 'net/virtrx'], "no role 'net/virtrx'; did you mean 'net/virt-rx'?"],
    [['--conformance', 'all', 'idle.js'], '--conformance all tries our own units'],
    [['--conformance', 'net/copy', 'none.elf'], 'none.elf: no such file'],
    [
      ['--conformance', 'net/copy', 'out.xml'],
      'is neither an ELF image for RISC-V nor a .ts or .js module',
    ],
    [['missing.yaml'], 'missing.yaml: no such file'],
  ];

  it.each(mistakes)('%j is the user’s mistake, in one line', async (args, message) => {
    const { status, stderr } = await sddf(...args);

    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });
});
