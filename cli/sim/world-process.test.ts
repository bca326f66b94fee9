/**
 * Goal: a world that never ends fails, and stops nobody. Method: a program without an end, and a
 * second for it.
 */

import { spawn } from 'node:child_process';
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
import { WorldProcess } from './world-process.ts';
import { longTest } from '../../test/support/long-test.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-endless-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'loop.ts'), 'export function main(): never {\n  for (;;);\n}\n');
writeFileSync(
  join(folder, 'loop.system'),
  `<system><protection_domain name="loop" priority="1"><program_image path="loop.ts"/></protection_domain></system>`,
);

const ENDLESS: CampaignRequest = {
  system: { reference: join(folder, 'loop.system'), choices: {}, searchPath: [folder] },
  plan: undefined,
  amount: undefined,
  forNs: undefined,
  explore: 'none',
  domains: [],
  twiceEvery: 0,
};

longTest('a world that does not end has failed, and the next one is run', async () => {
  const world = new WorldProcess(ENDLESS, { worldSeconds: 1 });
  const reports: SeedReport[] = [];
  await world.ready();
  await world.run([5, 6], (report) => reports.push(report));
  await world.end();
  expect(reports.map(({ seed, verdict }) => [seed, verdict])).toEqual([
    [5, 'failed'],
    [6, 'failed'],
  ]);
  expect(reports[0]?.failure?.violations).toMatchObject([
    { oracle: 'progress', what: 'the world does not end: it was stopped after 1 s of host time' },
  ]);

  const [failure] = reports.map((report) => report.failure);
  if (failure === undefined) throw new Error('the world has failed');
  const file = join(folder, 'seed-5.json');
  writeFileSync(file, failureText(failure));
  // It ends at all, and by the limit: the message of a loop that is stopped is the process's own.
  expect(await limitWorlds('cli/sddf.mjs', ['replay', file], 1)).toBe(1);
});

longTest('a campaign that is stopped waits for no world that does not end', async () => {
  const seeds = { first: 5, last: 9 };
  const pool = new SeedPool({ request: ENDLESS, seeds, jobs: 1, onReport: () => undefined });
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
  const workers = (): string[] =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
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
