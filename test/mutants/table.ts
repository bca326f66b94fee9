/**
 * `npm run mutants`: every planted bug, how many seeds it takes to find it, by which oracle, and
 * how small it becomes.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hunt } from '../../sim/mutants/hunt.ts';
import { MUTANTS } from '../../sim/mutants/mutants.ts';
import { COMPILER, hasCompiler } from '../support/c-programs.ts';
import { isMachineCode, plantedSystem } from './plant.ts';

const SEEDS = Number(process.env['SDDF_MUTANT_SEEDS'] ?? 2_000);
const AMOUNT = 60;
const SHRINK_WORLDS = Number(process.env['SDDF_MUTANT_SHRINK'] ?? 150);

async function main(): Promise<void> {
  const only = process.argv[2] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'sddf-mutants-'));
  const counts: number[] = [];
  let missed = 0;
  try {
    for (const mutant of MUTANTS.filter(({ name }) => name.includes(only))) {
      if (isMachineCode(mutant) && !hasCompiler) {
        print([mutant.name, mutant.explore, `skipped: no ${COMPILER}`]);
        continue;
      }
      const target = await plantedSystem(mutant, folder);
      const sound = await plantedSystem({ ...mutant, edits: [] }, folder);
      const { explore } = mutant;
      const options = {
        target,
        sound,
        explore,
        seeds: SEEDS,
        amount: AMOUNT,
        shrinkWorlds: SHRINK_WORLDS,
      };
      const found = hunt(options);
      if (found === undefined) missed += 1;
      else counts.push(found.seeds);
      print([mutant.name, explore, ...columnsOf(found)]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  counts.sort((a, b) => a - b);
  const median = counts[counts.length >>> 1] ?? 0;
  print([`${counts.length} found, ${missed} not within ${SEEDS} seeds; median ${median}`]);
  if (missed > 0) process.exitCode = 1;
}

function columnsOf(found: ReturnType<typeof hunt>): readonly string[] {
  if (found === undefined) return ['not found'];
  const { seeds, oracle, faults, decisions, amount } = found;
  return [`${seeds}`, `${faults} faults, ${decisions} decisions, ${amount} asked`, oracle];
}

const WIDTHS = [34, 8, 6, 36, 0];

function print(columns: readonly string[]): void {
  const line = columns.map((text, index) => text.padEnd(WIDTHS[index] ?? 0)).join(' ');
  process.stdout.write(`${line.trimEnd()}\n`);
}

await main();
