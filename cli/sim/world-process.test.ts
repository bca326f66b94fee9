/**
 * Goal: a world that never ends, or whose process dies, fails, and stops nobody. Method: a program
 * without an end, and a second for it; programs that kill their process, once and always, and that
 * take all its memory.
 */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { SeedReport } from '../../sim/campaign/campaign.ts';
import { failureText } from '../../sim/failure/failure-file.ts';
import { limitWorlds } from '../supervisor.mjs';
import { sleep } from '../../host/event-loop.ts';
import { SeedPool } from './pool.ts';
import type { CampaignRequest } from './request.ts';
import { WorldProcess, type WorldProcessOptions } from './world-process.ts';
import { childrenOf } from '../../test/support/child-processes.ts';
import { longTest } from '../../test/support/long-test.ts';
import { sddfCommand } from '../../test/support/sddf-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-endless-'));
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * Worlds of a system with one domain.
 *
 * @param body of its program's `main`
 * @param loading what the program does before that
 */
function worldsOf(name: string, body: string, loading = ''): CampaignRequest {
  const program = `import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
const kill = () => spawnSync('kill', ['-9', String(process.pid)]);
${loading}
export function main() { ${body} }
`;
  writeFileSync(join(folder, `${name}.ts`), program);
  const image = `<program_image path="${name}.ts"/>`;
  const domain = `<protection_domain name="${name}" priority="1">${image}</protection_domain>`;
  writeFileSync(join(folder, `${name}.system`), `<system>${domain}</system>`);
  return {
    system: { reference: join(folder, `${name}.system`), choices: {}, searchPath: [folder] },
    plan: undefined,
    amount: undefined,
    forNs: undefined,
    explore: 'none',
    domains: [],
    twiceEvery: 0,
  };
}

const ENDLESS = worldsOf('loop', 'for (;;);');
const MORTAL = worldsOf('mortal', 'kill();');
const MARK = join(folder, 'killed');
const KILLED_ONCE = worldsOf(
  'unlucky',
  `if (!existsSync('${MARK}')) { writeFileSync('${MARK}', ''); kill(); } return { notified() {} };`,
);
const GREEDY = worldsOf('greedy', 'const all = []; for (;;) all.push(new Array(100_000).fill(1));');

/** @returns the reports of worlds 5 and 6, and what was said of processes that died */
async function run(request: CampaignRequest, options: WorldProcessOptions = {}) {
  const reports: SeedReport[] = [];
  const deaths: string[] = [];
  const world = new WorldProcess(request, { onDeath: (line) => deaths.push(line), ...options });
  await world.ready();
  await world.run([5, 6], (report) => reports.push(report));
  await world.end();
  return { reports, deaths };
}

/** @returns how `sddf replay` ends for the world of a report */
function replayed(report: SeedReport | undefined): Promise<number> {
  if (report?.failure === undefined) throw new Error('the world has failed');
  const file = join(folder, 'failure.json');
  writeFileSync(file, failureText(report.failure));
  return limitWorlds('cli/sddf.mjs', ['replay', file], 1);
}

longTest('a world that does not end has failed, and the next one is run', async () => {
  const { reports } = await run(ENDLESS, { worldSeconds: 1 });
  expect(reports.map(({ seed, verdict }) => [seed, verdict])).toEqual([
    [5, 'failed'],
    [6, 'failed'],
  ]);
  expect(reports[0]?.failure?.violations).toMatchObject([
    { oracle: 'progress', what: 'the world does not end: it was stopped after 1 s of host time' },
  ]);
  expect(reports[0]?.failure?.stopped).toBe('endless');
  // It ends at all, and by the limit: the message of a loop that is stopped is the process's own.
  expect(await replayed(reports[0])).toBe(1);
});

longTest('a world whose process dies twice has failed, and the next one is run', async () => {
  const { reports, deaths } = await run(MORTAL);
  const what = 'its process dies: SIGKILL';
  const violations = [{ oracle: 'no-internal-failure', where: 'sddf', what, timeNs: 0 }];
  expect(reports).toMatchObject([
    { seed: 5, verdict: 'failed', failure: { violations, stopped: 'died' } },
    { seed: 6, verdict: 'failed', failure: { violations, stopped: 'died' } },
  ]);
  expect(deaths).toEqual([
    'a worker process died in world 5, which is run again: SIGKILL',
    'a worker process died in world 6, which is run again: SIGKILL',
  ]);
  expect(await replayed(reports[0])).toBe(1);
});

longTest('a campaign tells as JSON why a world was stopped', () => {
  const { reference } = MORTAL.system;
  const args = [sddfCommand(), 'sim', reference, '--seeds', '5..5', '--json'];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });

  expect(JSON.parse(stdout)).toMatchObject({ failures: [{ seed: 5, stopped: 'died' }] });
  expect(status).toBe(1);
});

longTest('a world whose process is killed once from outside is run again', async () => {
  const { reports, deaths } = await run(KILLED_ONCE);
  // There is nothing to ask it for.
  expect(reports.map(({ seed, verdict }) => [seed, verdict])).toEqual([
    [5, 'void'],
    [6, 'void'],
  ]);
  expect(deaths).toEqual(['a worker process died in world 5, which is run again: SIGKILL']);
});

longTest('a process that dies before it is told of its worlds is another one then', async () => {
  const quiet = worldsOf('quiet', 'return { notified() {} };');
  const reports: SeedReport[] = [];
  const deaths: string[] = [];
  const before = childrenOf(process.pid);
  const world = new WorldProcess(quiet, { onDeath: (line) => deaths.push(line) });
  await world.ready();
  for (const child of childrenOf(process.pid).filter((each) => !before.includes(each))) {
    process.kill(Number(child), 'SIGKILL');
  }
  // Nothing is heard meanwhile: the line to it is broken, and nobody knows.
  spawnSync('sleep', ['0.5']);
  await world.run([5], (report) => reports.push(report));
  await world.end();

  expect(reports.map(({ seed, verdict }) => [seed, verdict])).toEqual([[5, 'void']]);
  expect(deaths).toEqual(['a worker process died in world 5, which is run again: SIGKILL']);
});

longTest('a process that dies of loading the system is tried again once, and told of', async () => {
  const deaths: string[] = [];
  const unloadable = worldsOf('unloadable', 'return { notified() {} };', 'kill();');
  const world = new WorldProcess(unloadable, { onDeath: (line) => deaths.push(line) });
  const what = 'a worker process died while it loaded the system';

  await expect(world.ready()).rejects.toThrow(`${what}, for the second time: SIGKILL`);
  expect(deaths).toEqual([`${what}, which is tried again: SIGKILL`]);
  world.kill();
});

longTest('a process that dies behind its last world has failed none', async () => {
  const untold = worldsOf(
    'untold',
    'return { notified() {} };',
    `import { Session } from 'node:inspector';
const { post } = Session.prototype;
Session.prototype.post = function (method, ...rest) {
  if (method === 'Profiler.takePreciseCoverage') kill();
  return post.call(this, method, ...rest);
};`,
  );
  const nobody = (): void => undefined;
  const coverage = { onLoaded: nobody, onWorld: nobody, onEnded: nobody };
  const { reports, deaths } = await run({ ...untold, coverage: 'together' }, { coverage });

  expect(reports.map(({ verdict }) => verdict)).toEqual(['void', 'void']);
  expect(deaths).toEqual(['a worker process died before it told what it has executed: SIGKILL']);
});

longTest('a world that takes all memory has failed, and the reason is one line', async () => {
  process.env['NODE_OPTIONS'] = '--max-old-space-size=200';
  const { reports } = await run(GREEDY).finally(() => delete process.env['NODE_OPTIONS']);
  for (const { failure } of reports) {
    expect(failure?.violations).toMatchObject([
      { what: 'its process dies: SIGABRT: JavaScript heap out of memory' },
    ]);
  }
  expect(reports).toHaveLength(2);
});

longTest('a campaign that is stopped waits for no world that does not end', async () => {
  const seeds = { first: 5, last: 9 };
  const ears = { onReport: () => undefined, onNotice: () => undefined };
  const pool = new SeedPool({ request: ENDLESS, seeds, jobs: 1, ...ears });
  const ended = pool.run();
  await sleep(3000); // if its first world has not begun by then, it ends all the more
  pool.stop();

  expect(await ended).toEqual({ next: 5 });
});

longTest('a campaign that is killed leaves no worker behind', async () => {
  const args = [
    'cli/sddf.mjs',
    'sim',
    join(folder, 'loop.system'),
    '--seeds',
    '1..9',
    '--jobs',
    '1',
  ];
  const campaign = spawn(process.execPath, args, { stdio: 'ignore' });
  const { pid = 0 } = campaign;
  const workers = (): readonly string[] => childrenOf(pid);
  while (workers().length === 0) await sleep(50);
  const [worker = ''] = workers();
  await sleep(3000);
  campaign.kill('SIGKILL');

  // It runs into the limit if it does not end.
  while (existsSync(`/proc/${worker}`) && !isGone(worker)) await sleep(50);
  expect(worker).toMatch(/^\d+$/);
});

/** Nobody has asked for its status yet. */
function isGone(pid: string): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}
