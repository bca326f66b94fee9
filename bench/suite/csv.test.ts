// Rows as a spreadsheet reads them.

import { expect, it } from 'vitest';
import type { BenchRow } from '../results.ts';
import { csvLines } from './csv.ts';

const FIGURES = { unit: 's', median: 2, min: 1, max: 3.5, ratioToNative: null };

it('has a column for each field, and quotes what would be taken for more than one cell', () => {
  const rows: readonly BenchRow[] = [
    { name: 'a', ...FIGURES, frame: 64 },
    { name: 'b, "c"', ...FIGURES, note: 'one\ntwo' },
  ];

  expect(csvLines(rows)).toEqual([
    'name,unit,median,min,max,ratioToNative,frame,note',
    'a,s,2,1,3.5,,64,',
    '"b, ""c""",s,2,1,3.5,,,"one\ntwo"',
  ]);
});

it('of no rows is a line without columns', () => {
  expect(csvLines([])).toEqual(['']);
});
