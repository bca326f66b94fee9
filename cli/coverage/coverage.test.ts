// Goal: coverage of programs in TypeScript, of tests and of worlds, together and of each, and which
// of them reaches a line. Method: a module whose lines are known; V8's coverage is that of the
// worker processes that run the tests.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sddfInFolder } from '../../test/support/sddf-in-process.ts';

const UNIT = `export const main = () => {
  let woken: number = 0;
  return {
    // A comment is no line of code.
    notified(channel: number): void {
      woken += 1;
      if (channel > 1000) {
        woken = 0;
      }
    },
  };
};
`;
const TESTS = `unit: unit.ts
role: net/copy
tests:
  - {name: rests, steps: [at rest]}
  - {name: is woken, steps: [{notify: virt}, at rest]}
`;
const SYSTEM =
  '<system><protection_domain name="unit" priority="1">' +
  '<program_image path="unit.ts"/></protection_domain></system>';

let folder = '';
const sddf = (...args: readonly string[]) => sddfInFolder(folder, ...args);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sddf-coverage-'));
  writeFileSync(join(folder, 'unit.ts'), UNIT);
  writeFileSync(join(folder, 'unit.system'), SYSTEM);
  writeFileSync(join(folder, 't.yaml'), TESTS);
});
afterAll(() => rmSync(folder, { recursive: true }));

function record(file: string): string {
  const records = readFileSync(join(folder, file), 'utf8').split('end_of_record\n');
  return records.find((each) => each.includes(`SF:${join(folder, 'unit.ts')}\n`)) ?? '';
}

describe('coverage of TypeScript', () => {
  it('has lines of code alone, and is the same of all tests together and of each', async () => {
    const each = await sddf(
      ...['test', 't.yaml', '--jobs', '2', '--coverage', 'each.info'],
      ...['--coverage-per-test', 'per'],
    );
    // Whatever the other one executes, this one does.
    const woken = ['--filter', 'woken', '--jobs', '2'];
    const together = await sddf('test', 't.yaml', ...woken, '--coverage', 'together.info');

    expect([each.status, each.stdout]).toEqual([0, '2 passed, 0 failed\n']);
    expect(together.stderr).toMatch(
      /^sddf: executed are \d+ of \d+ lines, .* in together\.info\n$/,
    );
    const lines = [...record('each.info').matchAll(/^DA:(\d+),([01])$/gm)].map(([, n, hit]) => [
      n,
      hit,
    ]);
    expect(lines).toEqual([
      ...[
        ['1', '1'],
        ['2', '1'],
        ['3', '1'],
      ],
      ...[
        ['6', '1'],
        ['7', '1'],
        ['8', '0'],
      ],
    ]);
    expect(record('each.info')).toMatch(/^BRDA:7,0,0,0\nBRDA:7,0,1,1$/m);
    expect(record('each.info')).toMatch(/^FNDA:1,notified$/m);
    expect(record('together.info')).toBe(record('each.info'));
    expect(readdirSync(join(folder, 'per'))).toEqual([
      '0000-when-programs-are-loaded.info',
      '0001-rests-seed-1-.info',
      '0002-is-woken-seed-1-.info',
      'index.json',
    ]);
  });

  it('is that of worlds as well', async () => {
    const { status, stderr } = await sddf(
      ...['sim', 'unit.system', '--seeds', '7..8', '--jobs', '1', '--coverage-per-test', 'worlds'],
    );

    expect([status, stderr]).toEqual([3, expect.stringMatching(/executed are 3 of 6 lines/)]);
    expect(record('worlds/0007-world-7.info')).toMatch(/^DA:2,1$/m);
    expect(record('worlds/0007-world-7.info')).toMatch(/^DA:6,0$/m);
  });
});

describe('sddf coverage why', () => {
  it('names the tests that reach a line, with the command that runs each', async () => {
    const { status, stdout } = await sddf('coverage', 'why', 'unit.ts:6', '--in', 'per');

    expect(status).toBe(0);
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      `${join(folder, 'unit.ts')}:6: reached by 1 of 2 tests`,
      '  is woken (seed 1)',
      "    sddf test t.yaml --filter 'is woken' --seeds 1",
    ]);
  });

  it('ends with 1 when nobody does, as JSON too', async () => {
    const { status, stdout } = await sddf('coverage', 'why', 'unit.ts:8', '--in', 'per', '--json');

    expect([status, JSON.parse(stdout)]).toEqual([
      1,
      { file: join(folder, 'unit.ts'), line: 8, runs: 2, reachedBy: [] },
    ]);
  });

  it.each([
    [['unit.ts', '--in', 'per'], "'unit.ts' is no place such as virt-rx.ts:120"],
    [['unit.ts:4', '--in', 'per'], 'has no code; lines 3 and 6 have'],
    [['unti.ts:4', '--in', 'per'], 'no test or world knows this source (did you mean unit.ts?)'],
    [['unit.ts:4', '--in', 'none'], 'sddf test --coverage-per-test none writes one'],
    [['unit.ts:4', '--in', 'bad'], 'is no index of coverage per test of this version'],
    [['unit.ts:4', '--in', 'cut'], 'is no tracefile'],
  ])('%j is the user’s mistake, in one line', async (args, problem) => {
    const { mkdirSync } = await import('node:fs');
    for (const name of ['bad', 'cut']) mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, 'bad/index.json'), '[1]');
    const cut = { schema: 1, runs: [{ name: 'x', file: '0001-x.info' }] };
    writeFileSync(join(folder, 'cut/index.json'), JSON.stringify(cut));
    writeFileSync(join(folder, 'cut/0001-x.info'), 'DA:1');
    const { status, stderr } = await sddf('coverage', 'why', ...args);

    expect(stderr).toContain(problem);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });
});

describe('--coverage', () => {
  it.each([
    [['test', 't.yaml', '--coverage', 't.yaml'], 't.yaml'],
    [['test', 't.yaml', '--coverage', 'no/where.info'], 'no such file or directory'],
    [['test', 't.yaml', '--coverage-per-test', 'unit.ts'], 'unit.ts: '],
    [
      ['sim', 'unit.system', '--coverage', 'x.info', '--redis', 'redis://127.0.0.1:1'],
      'leave --redis',
    ],
  ])('%j is refused in one line', async (args, problem) => {
    const { status, stderr } = await sddf(...args);

    expect(stderr).toContain(problem);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });
});
