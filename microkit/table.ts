/** Plain text tables: columns as wide as they need to be, numbers to the right. */

export type Cell = string | number | bigint;

/** @returns lines: the heading, then a line for each row */
export function table(
  heading: readonly string[],
  rows: readonly (readonly Cell[])[],
): readonly string[] {
  const text = [heading, ...rows.map((row) => row.map(String))];
  const widths = heading.map((_, column) =>
    Math.max(...text.map((row) => row[column]?.length ?? 0)),
  );
  const rightAligned = heading.map(
    (_, column) => rows.length > 0 && rows.every((row) => typeof row[column] !== 'string'),
  );
  return text.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return rightAligned[column] === true ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
