// Tables that are wider than what they are shown on: no column is lost, and each part can be read
// alone.

import { describe, expect, it } from 'vitest';
import { sampleResults } from '../../test/support/sample-results.ts';
import { foldTable } from './fold-table.ts';
import type { Table } from './fold-table.ts';
import { benchmarkLines, rowsTable } from './rows-table.ts';

const TABLE: Table = {
  header: ['name', 'a', 'bb', 'ccc'],
  lines: [
    ['one', '1', '22', '333'],
    ['two', '4', '55', '666'],
  ],
};
const letters = (cells: readonly string[]): number => Math.max(...cells.map((cell) => cell.length));

describe('a table', () => {
  it('that fits is left as it is', () => {
    expect(foldTable(TABLE, 10, letters)).toEqual([TABLE]);
  });

  it('that does not is folded behind the columns that name its lines', () => {
    const folded = foldTable(TABLE, 7, letters);

    expect(folded.map(({ header }) => header)).toEqual([
      ['name', 'a', 'bb'],
      ['name', 'ccc'],
    ]);
    expect(folded[1]?.lines).toEqual([
      ['one', '333'],
      ['two', '666'],
    ]);
  });

  it('has each column once, however narrow the screen', () => {
    const columns = foldTable({ ...TABLE, keys: 2 }, 1, letters).flatMap(({ header }) =>
      header.slice(2),
    );

    expect(columns).toEqual(['bb', 'ccc']);
  });

  it('says once what all of its lines have in common', () => {
    const row = { name: 'a', unit: 's', min: 1, max: 1, ratioToNative: null, path: '5pd' };
    const table = rowsTable([
      { ...row, frame: 64, median: 1 },
      { ...row, frame: 128, median: 2 },
    ]);

    expect(table).toMatchObject({ header: ['frame', 's'], common: ['path 5pd'], keys: 1 });
  });
});

it('every benchmark fits a terminal of 80 columns', () => {
  const { results } = sampleResults();
  const lines = benchmarkLines(results);

  expect(lines.length).toBeGreaterThan(results.length);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});
