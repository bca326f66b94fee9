/** Which ranges overlap, in less than quadratic time unless they really do. */

export interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/**
 * Ranges that overlap something are compared with all before them; of more than these only the
 * first are.
 */
const COMPARED_MAX = 2000;

/**
 * @param ranges `undefined` takes part in nothing
 * @returns for each range the index of the first range before it that it overlaps
 */
export function firstOverlaps(
  ranges: readonly (Range | undefined)[],
): readonly (number | undefined)[] {
  const first: (number | undefined)[] = ranges.map(() => undefined);
  for (const index of overlapping(ranges).slice(0, COMPARED_MAX)) {
    const range = ranges[index];
    if (range === undefined) continue;
    const found = ranges.findIndex(
      (other, at) =>
        at < index && other !== undefined && other.start < range.end && range.start < other.end,
    );
    if (found >= 0 && found < index) first[index] = found;
  }
  return first;
}

/** @returns indices, ascending, of the ranges that overlap another */
function overlapping(ranges: readonly (Range | undefined)[]): number[] {
  if (isAscending(ranges)) return [];
  const sorted = ranges
    .flatMap((range, index) => (range === undefined ? [] : [{ range, index }]))
    .toSorted((a, b) =>
      a.range.start < b.range.start ? -1 : a.range.start > b.range.start ? 1 : 0,
    );
  const found = new Set<number>();
  let reaching: { end: bigint; index: number } | undefined;
  for (const { range, index } of sorted) {
    if (reaching !== undefined && range.start < reaching.end) {
      found.add(index).add(reaching.index);
    }
    if (reaching === undefined || range.end > reaching.end) reaching = { end: range.end, index };
  }
  return [...found].toSorted((a, b) => a - b);
}

/** The usual case: one range after the other, as a tool or a person lays them out. */
function isAscending(ranges: readonly (Range | undefined)[]): boolean {
  let end = 0n;
  for (const range of ranges) {
    if (range === undefined) continue;
    if (range.start < end) return false;
    if (range.end > end) end = range.end;
  }
  return true;
}
