/** Times in plans: a number of nanoseconds, or a text with a unit. */

const UNITS_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 };
/** A day of virtual time is more than any world lasts. */
const LONGEST_NS = 86_400e9;

/** @returns nanoseconds, whole; undefined when it is no time */
export function readDurationNs(value: unknown): number | undefined {
  if (typeof value === 'number') return isTime(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = /^(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s)$/.exec(value);
  if (match === null) return undefined;
  const ns = Math.round(Number(match[1]) * (UNITS_NS[match[2] ?? ''] ?? Number.NaN));
  return isTime(ns) ? ns : undefined;
}

/** @returns the shortest exact text: "3ms", "250us", "17ns" */
export function durationText(ns: number): string {
  if (ns % 1e9 === 0 && ns > 0) return `${ns / 1e9}s`;
  if (ns % 1e6 === 0 && ns > 0) return `${ns / 1e6}ms`;
  return ns % 1e3 === 0 && ns > 0 ? `${ns / 1e3}us` : `${ns}ns`;
}

function isTime(ns: number): boolean {
  return Number.isInteger(ns) && ns >= 0 && ns <= LONGEST_NS;
}
