/** The figures a series of measurements is reduced to, and whether two of them differ. */

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @param values at least one */
export function summarise(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError('nothing was measured');
  const sorted = values.toSorted((one, other) => one - other);
  return { median: medianOf(sorted), min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 };
}

/** @param sorted ascending, at least one */
function medianOf(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? 0) + upper) / 2;
}

/** @param values at least one, in any order */
export function median(values: readonly number[]): number {
  return summarise(values).median;
}

/** A figure that is counted, or the same in every run: no spread, and nothing to compare with. */
export function once(value: number): Summary & { readonly ratioToNative: null } {
  return { median: value, min: value, max: value, ratioToNative: null };
}

/** Four significant digits: more than any of these measurements has. */
export function round(value: number): number {
  return Number(value.toPrecision(4));
}

/**
 * Two figures differ beyond noise when all samples of one lie on one side of all samples of the
 * other, and the medians are further apart than `floor`. For few samples this is stricter than a
 * test of significance, and needs no assumption.
 *
 * @param floor as a share of the former median: what a single sample, which shows no spread, may
 * differ by
 */
export function compareSummaries(
  before: Summary,
  after: Summary,
  floor: number,
): 'more' | 'less' | 'same' {
  const change = after.median - before.median;
  if (Math.abs(change) <= floor * Math.abs(before.median)) return 'same';
  if (after.min > before.max) return 'more';
  return after.max < before.min ? 'less' : 'same';
}
