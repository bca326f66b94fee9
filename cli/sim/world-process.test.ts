/**
 * Goal: a world that never ends fails, and stops nobody. Method: a program without an end, and a
 * second for it.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { SeedReport } from '../../sim/campaign/campaign.ts';
import { failureText } from '../../sim/failure/failure-file.ts';
import { limitWorlds } from '../supervisor.mjs';
import { WorldProcess } from './world-process.ts';
import { longTest } from '../../test/support/long-test.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-endless-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'loop.ts'), 'export function main(): never {\n  for (;;);\n}\n');
writeFileSync(
  join(folder, 'loop.system'),
  `<system><protection_domain name="loop" priority="1"><program_image path="loop.ts"/></protection_domain></system>`,
);

longTest('a world that does not end has failed, and the next one is run', async () => {
  const reference = join(folder, 'loop.system');
  const world = new WorldProcess(
    {
      system: { reference, choices: {}, searchPath: [folder] },
      plan: undefined,
      amount: undefined,
      forNs: undefined,
      explore: 'none',
      domains: [],
      twiceEvery: 0,
    },
    { worldSeconds: 1 },
  );
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
