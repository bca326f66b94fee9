/**
 * Quantities as they are written on the command line: durations, sizes, rates, counts, lists of
 * them.
 */

import { UserMistake } from '../host/problem.ts';
import { didYouMean } from './closest.ts';

const DURATION_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  min: 60e9,
  h: 3600e9,
};

/** @returns nanoseconds */
export function parseDuration(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(text);
  const unit = match === null ? undefined : DURATION_NS[match[2] ?? ''];
  const value = Number(match?.[1]);
  if (unit === undefined || !(value * unit > 0) || value * unit > 100 * 24 * 3600e9) {
    throw new UserMistake(`${option}: '${text}' is not a duration such as 3s, 500ms or 2m`);
  }
  return Math.round(value * unit);
}

const SIZE_BYTES: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** @returns bytes */
export function parseSize(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)([KMG]?)(?:iB|B)?$/.exec(text);
  const unit = match === null ? undefined : SIZE_BYTES[match[2] ?? ''];
  const value = Number(match?.[1]) * (unit ?? 0);
  if (unit === undefined || !Number.isSafeInteger(value) || value === 0) {
    throw new UserMistake(`${option}: '${text}' is not a size such as 512K, 64M or 1G`);
  }
  return value;
}

const COUNT: Readonly<Record<string, number>> = { '': 1, k: 1e3, K: 1e3, M: 1e6, G: 1e9 };

/** A number of something per second, such as `100k`. */
export function parseRate(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)([kKMG]?)$/.exec(text);
  const value = Number(match?.[1]) * (COUNT[match?.[2] ?? ''] ?? Number.NaN);
  if (!(value > 0) || value > 1e9) {
    throw new UserMistake(`${option}: '${text}' is not a rate such as 5000, 100k or 1.5M`);
  }
  return value;
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** A whole number within a range. */
export function parseCount(text: string, option: string, range: Range): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < range.min || value > range.max) {
    throw new UserMistake(
      `${option}: '${text}' is not a whole number from ${String(range.min)} to ${String(range.max)}`,
    );
  }
  return value;
}

/** Whole numbers separated by commas. */
export function parseCounts(text: string, option: string, range: Range): number[] {
  return text.split(',').map((item) => parseCount(item.trim(), option, range));
}

/** One of several words. */
export function parseChoice<const Words extends readonly string[]>(
  text: string,
  option: string,
  words: Words,
): Words[number] {
  if (!words.includes(text)) {
    const meant = didYouMean(text, words);
    throw new UserMistake(`${option}: '${text}' is none of ${words.join(', ')}${meant}`);
  }
  return text;
}
