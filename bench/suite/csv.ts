/** `--csv`: rows for a spreadsheet (RFC 4180): a column for each field that one of them has. */

import type { BenchRow } from '../results.ts';

/** @returns lines without their ends; the first one names the columns */
export function csvLines(rows: readonly BenchRow[]): readonly string[] {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (row: BenchRow): string => columns.map((key) => cell(row[key])).join(',');
  return [columns.map(cell).join(','), ...rows.map(line)];
}

function cell(value: string | number | null | undefined): string {
  const text = value === null || value === undefined ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
