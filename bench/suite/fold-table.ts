/**
 * Tables, and how they are folded where they are wider than a screen or a sheet of paper: no column
 * is hidden, those that do not fit make another table below, behind the same first columns.
 */

export interface Table {
  readonly header: readonly string[];
  readonly lines: readonly (readonly string[])[];
  /** How many of the first columns name a line: they are repeated where a table is folded. */
  readonly keys?: number;
  /** What all lines have in common, and no column says: such as `path 5pd`. */
  readonly common?: readonly string[];
}

/**
 * @param width that a table may have
 * @param widthOf a column takes, of which all cells are given, the heading first
 * @returns one table or more; a column that is too wide alone is in one of its own
 */
export function foldTable(
  table: Table,
  width: number,
  widthOf: (cells: readonly string[]) => number,
): readonly Table[] {
  const { header, lines, keys = 1 } = table;
  const widths = header.map((name, column) =>
    widthOf([name, ...lines.map((line) => line[column] ?? '')]),
  );
  const keyWidth = widths.slice(0, keys).reduce((sum, each) => sum + each, 0);
  const parts: number[][] = [[]];
  let taken = keyWidth;
  for (let column = keys; column < header.length; column += 1) {
    const own = widths[column] ?? 0;
    const last = parts.at(-1) as number[];
    if (taken + own > width && last.length > 0) {
      parts.push([column]);
      taken = keyWidth + own;
    } else {
      last.push(column);
      taken += own;
    }
  }
  if (parts.length === 1) return [table];
  const named = Array.from({ length: keys }, (_, column) => column);
  return parts.map((columns) => pick(table, [...named, ...columns]));
}

function pick(table: Table, columns: readonly number[]): Table {
  const of = (cells: readonly string[]): string[] => columns.map((column) => cells[column] ?? '');
  return { ...table, header: of(table.header), lines: table.lines.map(of) };
}
