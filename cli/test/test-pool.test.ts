/**
 * Goal: a test whose process dies has failed, and the others are run; what dies before or behind
 * all tests is said as what it is, and nothing is left of any. Method: programs that kill their
 * process, in files for the real command.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, vi } from 'vitest';
import { sleep } from '../../host/event-loop.ts';
import { childrenOf } from '../../test/support/child-processes.ts';
import { longTest } from '../../test/support/long-test.ts';
import { sddfCommand } from '../../test/support/sddf-command.ts';
import { limitWorlds } from '../supervisor.mjs';
import type { TestRequest } from './task-runner.ts';
import { runInProcesses } from './test-pool.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-mortal-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(
  join(folder, 'mortal.ts'),
  `import { spawnSync } from 'node:child_process';
export const main = () => { spawnSync('kill', ['-9', String(process.pid)]); return {}; };
`,
);
writeFileSync(
  join(folder, 'unloadable.ts'),
  `import { spawnSync } from 'node:child_process';
if (process.send !== undefined) spawnSync('kill', ['-9', String(process.pid)]);
export const main = () => ({});
`,
);
writeFileSync(
  join(folder, 'untold.ts'),
  `import { spawnSync } from 'node:child_process';
import { Session } from 'node:inspector';
const { post } = Session.prototype;
Session.prototype.post = function (method, ...rest) {
  if (method === 'Profiler.takePreciseCoverage') spawnSync('kill', ['-9', String(process.pid)]);
  return post.call(this, method, ...rest);
};
export const main = () => ({ notified() {} });
`,
);
/** Of two workers, the one that comes first cannot load it, and the other is not done with that. */
writeFileSync(
  join(folder, 'unequal.ts'),
  `import { mkdirSync } from 'node:fs';
if (process.argv[1].includes('cli/test/worker-process')) {
  const isFirst = mkdirSync(new URL('first', import.meta.url), { recursive: true }) !== undefined;
  if (isFirst) throw new Error('no');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}
export const main = () => ({});
`,
);
writeFileSync(
  join(folder, 'endless.ts'),
  "export const main = () => { if (!process.argv[1].includes('vitest')) for (;;); return {}; };\n",
);
for (const name of ['mortal', 'endless', 'unloadable', 'untold', 'unequal']) {
  writeFileSync(
    join(folder, `${name}.system`),
    `<system><protection_domain name="${name}" priority="1"><program_image path="${name}.ts"/></protection_domain></system>`,
  );
  writeFileSync(
    join(folder, `${name}.yaml`),
    `system: ${name}.system\ntests:\n  - {name: waits, steps: [{wait: 1ms}]}\n`,
  );
}
const SOUND = 'steps: [{expect log: {from: hello, text: hello}}]';
writeFileSync(
  join(folder, 'a.yaml'),
  `system: hello\ntests:\n  - {name: one, ${SOUND}}\n  - {name: two, ${SOUND}}\n`,
);

function sddfTest(...args: readonly string[]) {
  return spawnSync(process.execPath, [sddfCommand(), 'test', ...args, '--jobs', '2'], {
    cwd: folder,
    encoding: 'utf8',
  });
}

longTest('a test whose process dies twice has failed, and all others are run', () => {
  const { stdout, stderr, status } = sddfTest('mortal.yaml', 'a.yaml');
  expect(stdout).toContain('its process dies: SIGKILL');
  expect(stdout).toContain('2 passed, 1 failed');
  expect(stderr).toBe('sddf: a worker process died, and its test is run again: SIGKILL\n');
  expect(status).toBe(1);
});

longTest('a test that does not end has failed, and all others are run', async () => {
  const results: string[] = [];
  await runByTwo(['endless.yaml', 'a.yaml'], results, 5);
  expect(results).toEqual([
    'failed: it does not end: it was stopped after 5 s of host time',
    'passed',
    'passed',
  ]);
  while (workersOf(process.pid).length > 0) await sleep(20);
});

longTest('a test that does not end ends a command without workers, in one line', async () => {
  const said: string[] = [];
  const error = vi.spyOn(console, 'error').mockImplementation((line: string) => said.push(line));
  const status = await limitWorlds(sddfCommand(), ['test', join(folder, 'endless.yaml')], 2);
  error.mockRestore();
  const test = `the test 'waits' (${join(folder, 'endless.yaml')}:3:5, seed 1)`;
  expect(said).toEqual([`sddf: ${test} does not end: it was stopped after 2 s of host time`]);
  expect(status).toBe(1);
});

longTest('what a command says of its tests may come in pieces', async () => {
  const program = join(folder, 'says.mjs');
  writeFileSync(
    program,
    `import { writeSync } from 'node:fs';
for (const piece of ['begins a te', 'st\\nov', 'er\\n']) {
  writeSync(3, piece);
  await new Promise((resolve) => setTimeout(resolve, 200));
}
await new Promise((resolve) => setTimeout(resolve, 2000));
if (process.argv[2] === 'endless') {
  writeSync(3, 'begins the last\\nbeg');
  setInterval(() => undefined, 1000);
}
`,
  );
  const said: string[] = [];
  const error = vi.spyOn(console, 'error').mockImplementation((line: string) => said.push(line));
  const statuses = [await limitWorlds(program, [], 1), await limitWorlds(program, ['endless'], 1)];
  error.mockRestore();
  expect(said).toEqual(['sddf: the last does not end: it was stopped after 1 s of host time']);
  expect(statuses).toEqual([0, 1]);
});

longTest('workers that cannot read the tests leave no empty files', () => {
  writeFileSync(join(folder, 'wrong.yaml'), 'system: nosuch\nname: x\nsteps:\n  - wait: 1ms\n');
  const { status } = sddfTest('wrong.yaml', '--junit', 'wrong.xml', '--coverage', 'wrong.info');
  expect(status).toBe(2);
  expect(readdirSync(folder).filter((name) => /wrong.(xml|info)/.test(name))).toEqual([]);
});

longTest('workers that die of loading the tests end the command, in two lines', () => {
  const { stdout, stderr, status } = sddfTest('unloadable.yaml');
  const what = 'sddf: a worker process died while it loaded the tests';
  expect(stderr).toBe(
    `${what}, which is tried again: SIGKILL\n${what}, for the second time: SIGKILL\n`,
  );
  expect(stdout).toBe('');
  expect(status).toBe(2);
});

longTest('a worker that dies behind its last test has failed none', () => {
  const { stdout, stderr, status } = sddfTest('untold.yaml', '--coverage', 'lines.info');
  expect(stderr).toContain(
    'sddf: a worker process died before it told what it has executed: SIGKILL\n',
  );
  expect(stdout).toContain('1 passed, 0 failed');
  expect(status).toBe(0);
});

/** @param results of tests, and what is noted @returns when all are over */
async function runByTwo(
  names: readonly string[],
  results: string[],
  secondsMax?: number,
): Promise<void> {
  const files = names.map((name) => join(folder, name));
  const request: TestRequest = {
    selection: { files, conformance: undefined, filter: undefined },
    seeds: undefined,
    update: 'nothing',
    coverage: 'none',
  };
  await runInProcesses(
    request,
    2,
    {
      onResult: ({ result: { verdict, failure } }) =>
        results.push(failure === undefined ? verdict : `${verdict}: ${failure.came.join()}`),
      onLoaded: () => undefined,
      onEnded: () => undefined,
      note: (line) => results.push(line),
    },
    secondsMax,
  );
}

longTest('workers are gone when all tests are over', async () => {
  const results: string[] = [];
  await runByTwo(['a.yaml'], results);
  expect(results).toEqual(['passed', 'passed']);
  // It runs into the limit of the test if one stays.
  while (workersOf(process.pid).length > 0) await sleep(20);
});

longTest(
  'no worker takes the place of one that is ended because another cannot go on',
  async () => {
    const results: string[] = [];
    await expect(runByTwo(['unequal.yaml', 'a.yaml'], results)).rejects.toThrow('unequal.ts: ');
    while (workersOf(process.pid).length > 0) await sleep(20);
    await sleep(1000); // longer than a process's last words are waited for
    expect(workersOf(process.pid)).toEqual([]);
    expect(results).toEqual([]);
  },
);

/** Child processes that run the program of a worker. */
function workersOf(pid: number): readonly string[] {
  return childrenOf(pid).filter((child) =>
    commandLineOf(child).includes('cli/test/worker-process'),
  );
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has just ended
  }
}
