/**
 * Goal: every row of the catalogue of faults has a point, every point names rows that there are,
 * and docs/faults.md says so. Method: all points of the shipped systems, with each kind of UART.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { systems } from '../../systems/index.ts';
import { completeChoices } from '../../systems/system.ts';
import { CATALOGUE, catalogueTable, faultsOfRow } from './catalogue.ts';
import type { PointKind } from './point.ts';
import { pointsOf } from './system-points.ts';

const PAGE = new URL('../../docs/faults.md', import.meta.url);
const MARKS = /(<!-- begin of the table: [^\n]*-->\n\n)([^]*?)(\n\n<!-- end of the table -->)/;

async function pointsOfSystem(
  name: string,
  choices: Readonly<Record<string, string>> = {},
): Promise<readonly PointKind[]> {
  const module = await systems.find((each) => each.name === name)?.load();
  const built = module?.build(completeChoices(module, choices));
  if (built?.ok !== true) throw new Error(`${name} is built`);
  return pointsOf(built.system);
}

const points = [
  ...(await pointsOfSystem('echo')),
  ...(await pointsOfSystem('fat')),
  ...(await pointsOfSystem('serial', { uart: 'virtio' })),
  ...(await pointsOfSystem('i2c')),
];

describe('the catalogue of faults', () => {
  it.each(CATALOGUE)('$number, $fault: has a point', ({ number }) => {
    expect(faultsOfRow(number, points).length).toBeGreaterThan(0);
  });

  it('has all rows that points name', () => {
    const named = points.flatMap((point) => point.faults.flatMap(({ rows }) => rows));
    const known = CATALOGUE.map(({ number }) => number);
    expect(named.filter((row) => !known.includes(row))).toEqual([]);
  });

  it('is what docs/faults.md says; SDDF_WRITE_DOCS=1 writes it', () => {
    const table = catalogueTable(points).join('\n');
    const page = readFileSync(PAGE, 'utf8');
    if (process.env['SDDF_WRITE_DOCS'] === '1') {
      writeFileSync(PAGE, page.replace(MARKS, `$1${table}$3`));
    } else {
      expect(squeezed(MARKS.exec(page)?.[2] ?? '')).toBe(squeezed(table));
    }
  });
});

/** Without what a formatter adds to a table. */
function squeezed(table: string): string {
  return table.replaceAll(/-+/g, '-').replaceAll(/ +/g, ' ');
}
