/**
 * `npm run mutants`: every planted bug, how many seeds it takes to find it, by which oracle, how
 * small it becomes, and what shrinking takes.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Found, hunt } from '../../sim/mutants/hunt.ts';
import { MUTANTS } from '../../sim/mutants/mutants.ts';
import { COMPILER, hasCompiler } from '../support/c-programs.ts';
import { isMachineCode, plantedSystem } from './plant.ts';

const SEEDS = Number(process.env['SDDF_MUTANT_SEEDS'] ?? 2_000);
const AMOUNT = 60;
const SHRINK_WORLDS = Number(process.env['SDDF_MUTANT_SHRINK'] ?? 150);

async function main(): Promise<void> {
  const only = process.argv[2] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'sddf-mutants-'));
  const finds: Found[] = [];
  let missed = 0;
  try {
    for (const mutant of MUTANTS.filter(({ name }) => name.includes(only))) {
      if (isMachineCode(mutant) && !hasCompiler) {
        print([mutant.name, mutant.explore, `skipped: no ${COMPILER}`]);
        continue;
      }
      const target = await plantedSystem(mutant, folder);
      const sound = await plantedSystem({ ...mutant, edits: [] }, folder);
      const { explore, plan } = mutant;
      const options = {
        target,
        sound,
        explore,
        plan,
        seeds: SEEDS,
        amount: AMOUNT,
        shrinkWorlds: SHRINK_WORLDS,
        nowMs: () => performance.now(),
      };
      const found = hunt(options);
      if (found === undefined) missed += 1;
      else finds.push(found);
      print([mutant.name, explore, ...columnsOf(found)]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  print([
    `${finds.length} found, ${missed} not within ${SEEDS} seeds; medians: ${mediansOf(finds)}`,
  ]);
  if (missed > 0) process.exitCode = 1;
}

function columnsOf(found: Found | undefined): readonly string[] {
  if (found === undefined) return ['not found'];
  const { seeds, oracle, faults, decisions, amount, bytes, shrinkWorlds, shrinkSeconds } = found;
  return [
    `${seeds}`,
    `${faults} faults, ${decisions} decisions, ${amount} asked`,
    `${bytes} bytes`,
    `${shrinkWorlds} worlds in ${shrinkSeconds.toFixed(1)} s`,
    oracle,
  ];
}

function mediansOf(finds: readonly Found[]): string {
  const of = (figure: (found: Found) => number): readonly [middle: number, most: number] => {
    const sorted = finds.map(figure).toSorted((a, b) => a - b);
    return [sorted[sorted.length >>> 1] ?? 0, sorted.at(-1) ?? 0];
  };
  const [seeds, seedsMost] = of((found) => found.seeds);
  const [bytes, bytesMost] = of((found) => found.bytes);
  const [seconds, secondsMost] = of((found) => found.shrinkSeconds);
  return (
    `${seeds} seeds (at most ${seedsMost}), ${bytes} bytes (${bytesMost}), ` +
    `shrunk in ${seconds.toFixed(1)} s (${secondsMost.toFixed(1)})`
  );
}

const WIDTHS = [34, 8, 6, 36, 11, 20, 0];

function print(columns: readonly string[]): void {
  const line = columns.map((text, index) => text.padEnd(WIDTHS[index] ?? 0)).join(' ');
  process.stdout.write(`${line.trimEnd()}\n`);
}

await main();
