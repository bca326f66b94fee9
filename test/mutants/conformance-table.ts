/**
 * `npm run mutants:conformance`: which of the planted bugs the suites of conformance find, by how
 * many of their tests, and with which seeds. They try one domain by itself, and so know nothing of
 * what several do together.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { oursIn } from '../../cli/test/suites.ts';
import { readSelection } from '../../cli/test/selection.ts';
import type { Mutant } from '../../sim/mutants/mutant.ts';
import { MUTANTS } from '../../sim/mutants/mutants.ts';
import { runTest } from '../../testing/run/run-test.ts';
import { ROLES } from '../../testing/unit/roles.ts';
import { isMachineCode, plantedFile } from './plant.ts';

const SEEDS = Number(process.env['SDDF_MUTANT_SEEDS'] ?? 3);

/** What a suite has said of a planted bug. */
interface Judged {
  readonly tests: number;
  /** Names of those that failed, by the first seed with which they did. */
  readonly failed: ReadonlyMap<string, number>;
}

async function main(): Promise<void> {
  const only = process.argv[2] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'sddf-mutants-'));
  let [found, tried] = [0, 0];
  try {
    for (const mutant of MUTANTS.filter(({ name }) => name.includes(only))) {
      const roles = ROLES.filter(({ name }) => isPartOf(mutant, oursIn(name)));
      if (isMachineCode(mutant) || roles.length === 0) continue;
      tried += 1;
      const unit = (path: string): string => plantedFile(mutant, folder, path);
      const columns = [];
      for (const { name } of roles) {
        columns.push(textOf(name, await judge(name, unit(oursIn(name)))));
      }
      if (columns.some((column) => column.includes('found'))) found += 1;
      process.stdout.write(`${mutant.name.padEnd(34)} ${columns.join('; ')}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  process.stdout.write(`${found} of ${tried} found by suites, with seeds 1..${SEEDS}\n`);
}

/** The unit of a role is the module that was changed, or in its folder. */
function isPartOf({ file }: Pick<Mutant, 'file'>, unit: string): boolean {
  return unit !== '' && file.startsWith(unit.slice(0, unit.lastIndexOf('/') + 1));
}

async function judge(role: string, unit: string): Promise<Judged> {
  const tests = await readSelection({ files: [unit], conformance: role });
  const failed = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    for (const test of tests.filter(({ name }) => !failed.has(name))) {
      if ((await runTest(test, seed)).verdict === 'failed') failed.set(test.name, seed);
    }
  }
  return { tests: tests.length, failed };
}

function textOf(role: string, { tests, failed }: Judged): string {
  const [first] = failed;
  if (first === undefined) return `${role}: passes`;
  const [name, seed] = first;
  return `${role}: found by ${failed.size} of ${tests}, seed ${seed}: ${name}`;
}

await main();
