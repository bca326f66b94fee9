/** Ranges of seeds, `1..2000`, and the share of one machine among several, `3/16`. */

export interface SeedRange {
  readonly first: number;
  readonly last: number;
}

export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

const SEED_MAX = 0xffff_ffff;

/** @returns undefined when the text is no range; a single seed is one */
export function readSeedRange(text: string): SeedRange | undefined {
  const match = /^(\d+)(?:\.\.(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first > last || last > SEED_MAX) return undefined;
  return { first, last };
}

export function readShard(text: string): Shard | undefined {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  if (match === null) return undefined;
  const [index, count] = [Number(match[1]), Number(match[2])];
  if (index < 1 || index > count || count > 1_000_000) return undefined;
  return { index, count };
}

/**
 * @returns the part of a range that is this shard's: each seed is in one shard, and shares differ
 * by one at most
 */
export function shardOf(
  { first, last }: SeedRange,
  { index, count }: Shard,
): SeedRange | undefined {
  const seeds = last - first + 1;
  const begin = first + Math.floor((seeds * (index - 1)) / count);
  const end = first + Math.floor((seeds * index) / count) - 1;
  return begin > end ? undefined : { first: begin, last: end };
}

export function seedCount({ first, last }: SeedRange): number {
  return last - first + 1;
}
