/**
 * `npm run mutants:conformance`: which of the planted bugs the suites of conformance find, by how
 * many of their tests, and with which seeds. They try one domain by itself, and so know nothing of
 * what several do together.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { oursIn } from '../../cli/test/suites.ts';
import { readSelection } from '../../cli/test/selection.ts';
import type { Mutant } from '../../sim/mutants/mutant.ts';
import { MUTANTS } from '../../sim/mutants/mutants.ts';
import { runTest } from '../../testing/run/run-test.ts';
import { ROLES } from '../../testing/unit/roles.ts';
import { hasCompiler } from '../support/c-programs.ts';
import { isMachineCode, plantedFile, plantedImages } from './plant.ts';

const PAGE = new URL('../../docs/testing.md', import.meta.url);
const MARKS = /(<!-- begin of the table: [^\n]*-->\n\n)[^]*?(\n\n<!-- end of the table -->)/;
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
  const count = { found: 0, tried: 0 };
  const rows: string[] = [];
  try {
    for (const mutant of MUTANTS.filter(({ name }) => name.includes(only))) {
      const units = unitsOf(mutant, folder);
      if (units.length === 0) continue;
      count.tried += 1;
      const columns = [];
      for (const { role, unit } of units) columns.push(textOf(role, await judge(role, unit())));
      const found = columns.find((column) => column.includes('found')) ?? columns.join('; ');
      if (found.includes('found')) count.found += 1;
      process.stdout.write(`${mutant.name.padEnd(34)} ${found}\n`);
      rows.push(`| \`${mutant.name}\` | ${found.replace(': ', ' | ').replace(': ', ' | ')} |`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  process.stdout.write(`${count.found} of ${count.tried} found by suites, seeds 1..${SEEDS}\n`);
  if (process.env['SDDF_WRITE_DOCS'] === '1') writeTable(rows);
}

function writeTable(rows: readonly string[]): void {
  const head = ['| bug | role | found by | first of them |', '| --- | --- | --- | --- |'];
  const page = readFileSync(PAGE, 'utf8');
  writeFileSync(PAGE, page.replace(MARKS, `$1${[...head, ...rows].join('\n')}$2`));
}

/** Who plays a role with the bug in it. */
interface PlantedUnit {
  readonly role: string;
  /** Makes it. @returns where it lies */
  readonly unit: () => string;
}

/** Our programs in C, by role. */
const IMAGES: Readonly<Record<string, string>> = {
  'net/driver': 'eth_driver',
  'net/virt-rx': 'network_virt_rx',
  'net/virt-tx': 'network_virt_tx',
  'net/copy': 'network_copy',
};

/**
 * Roles that the bug is in: that of the module that was changed or lies in its folder, or all of
 * its class when the module is of the queues. On a bench nobody is started again, so bugs of that
 * are left out.
 */
function unitsOf(mutant: Mutant, folder: string): readonly PlantedUnit[] {
  if (mutant.name.startsWith('restart-')) return [];
  const roles = ROLES.map(({ name }) => name);
  if (isMachineCode(mutant)) {
    if (!hasCompiler) return [];
    const own = roles.filter((role) => mutant.file.endsWith(`/${IMAGES[role]}.c`));
    const shared = mutant.file.endsWith('queue.h') && !mutant.file.endsWith('virtqueue.h');
    const others = roles.filter((role) =>
      shared ? IMAGES[role] !== undefined : role === 'net/driver',
    );
    return (own.length > 0 ? own : others).map((role) => ({
      role,
      unit: () => join(plantedImages(mutant, folder), `${IMAGES[role]}.elf`),
    }));
  }
  const own = roles.filter((role) => isPartOf(mutant, oursIn(role)));
  const shared = mutant.file.startsWith('queues/')
    ? roles.filter((role) => role.startsWith(`${CLASS_OF[mutant.system.name] ?? ''}/`))
    : [];
  return [...own, ...shared].map((role) => ({
    role,
    unit: () => plantedFile(mutant, folder, oursIn(role)),
  }));
}

const CLASS_OF: Readonly<Record<string, string>> = { echo: 'net', blk: 'blk', serial: 'serial' };

/** The unit of a role is the module that was changed, or in its folder. */
function isPartOf({ file }: Pick<Mutant, 'file'>, unit: string): boolean {
  return unit !== '' && file.startsWith(unit.slice(0, unit.lastIndexOf('/') + 1));
}

async function judge(role: string, unit: string): Promise<Judged> {
  const tests = await readSelection({ files: [unit], conformance: role });
  const failed = new Map<string, number>();
  for (const test of tests) {
    const { first, last } = test.seeds ?? { first: 1, last: SEEDS };
    for (let seed = first; seed <= last && !failed.has(test.name); seed += 1) {
      if ((await runTest(test, seed)).verdict === 'failed') failed.set(test.name, seed);
    }
  }
  return { tests: tests.length, failed };
}

function textOf(role: string, { tests, failed }: Judged): string {
  const [first] = failed;
  if (first === undefined) return `${role}: passes: `;
  const [name, seed] = first;
  return `${role}: found by ${failed.size} of ${tests}: ${name}, seed ${seed}`;
}

await main();
