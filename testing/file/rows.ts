/** Rows of `each`: `$name`, or `${name}`, in a test stands for the row's value of that name. */

export type Row = Readonly<Record<string, unknown>>;

/** @returns the same value with all names of the row replaced, in keys too */
export function filledIn(value: unknown, row: Row): unknown {
  if (typeof value === 'string') return replaced(value, row);
  if (Array.isArray(value)) return value.map((each) => filledIn(each, row));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'each')
      .map(([name, each]) => [inWords(replaced(name, row)), filledIn(each, row)]),
  );
}

/** A text that is a name alone becomes the value, of whichever kind it is. */
function replaced(text: string, row: Row): unknown {
  const [, whole] = /^\$([a-z][a-z0-9-]*)$/.exec(text) ?? [];
  if (whole !== undefined && Object.hasOwn(row, whole)) return row[whole];
  const filled = (found: string, name: string): string =>
    Object.hasOwn(row, name) ? inWords(row[name]) : found;
  return text
    .replaceAll(/\$\{([a-z][a-z0-9-]*)\}/g, filled)
    .replaceAll(/\$([a-z][a-z0-9-]*)/g, filled);
}

/** What is no text as JSON: what a file of tests calls `toString` is no function. */
function inWords(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}
