/**
 * `npm run mutants`: every planted bug, how many seeds it takes to find it, by which oracle, how
 * small it becomes, and what shrinking takes. SDDF_WRITE_DOCS=1 puts it into docs/mutants.md; a
 * part of a name chooses some, and tells their stories.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Found, hunt } from '../../sim/mutants/hunt.ts';
import type { Mutant } from '../../sim/mutants/mutant.ts';
import { MUTANTS } from '../../sim/mutants/mutants.ts';
import { COMPILER, hasCompiler } from '../support/c-programs.ts';
import { isMachineCode, plantedSystem } from './plant.ts';

const SEEDS = Number(process.env['SDDF_MUTANT_SEEDS'] ?? 2_000);
const AMOUNT = 60;
const PAGE = new URL('../../docs/mutants.md', import.meta.url);
const MARKS = /(<!-- begin of the table: [^\n]*-->\n\n)([^]*?)(\n\n<!-- end of the table -->)/;
const SHRINK_WORLDS = Number(process.env['SDDF_MUTANT_SHRINK'] ?? 150);

async function main(): Promise<void> {
  const only = process.argv[2] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'sddf-mutants-'));
  const finds: Found[] = [];
  const rows: string[] = [];
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
      rows.push(rowOf(mutant, found));
      print([mutant.name, explore, ...columnsOf(found)]);
      if (only !== '') for (const line of found?.story ?? []) print([`    ${line}`]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  print([
    `${finds.length} found, ${missed} not within ${SEEDS} seeds; medians: ${mediansOf(finds)}`,
  ]);
  if (missed > 0) process.exitCode = 1;
  if (process.env['SDDF_WRITE_DOCS'] === '1' && only === '') writePage(rows);
}

const HEAD = ['bug', 'what is wrong', 'orders', 'seeds', 'what is left', 'bytes', 'shrinking'];

function rowOf({ name, what, explore }: Mutant, found: Found | undefined): string {
  const [seeds = 'not found', ...columns] = columnsOf(found);
  const [left = '', bytes = '', shrinking = '', oracle = ''] = columns;
  const shown = [`\`${name}\``, what, explore, seeds, left, bytes.replace(' bytes', ''), shrinking];
  return `| ${[...shown, oracle].join(' | ')} |`;
}

function writePage(rows: readonly string[]): void {
  const head = `| ${[...HEAD, 'oracle'].join(' | ')} |`;
  const line = head.replaceAll(/[^|]+/g, ' --- ');
  const page = readFileSync(PAGE, 'utf8');
  writeFileSync(PAGE, page.replace(MARKS, `$1${[head, line, ...rows].join('\n')}$3`));
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
