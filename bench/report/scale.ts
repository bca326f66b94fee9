/** From values to places on a picture, and where an axis has its ticks. */

export interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

export interface ScaleOptions {
  readonly kind: 'linear' | 'log';
  /** Places of the least and the most. */
  readonly range: readonly [number, number];
  /** Where the ticks are; round numbers unless told. */
  readonly ticks?: readonly number[];
}

const TICKS_WANTED = 5;

/** @param values what has to be seen; a linear scale begins at 0 */
export function makeScale(values: readonly number[], options: ScaleOptions): Scale {
  const seen = options.kind === 'log' ? values.filter((value) => value > 0) : values;
  const ticks = options.ticks ?? (options.kind === 'log' ? logTicks(seen) : linearTicks(seen));
  const all = [...seen, ...ticks];
  const linear = { low: Math.min(0, ...all), high: Math.max(...all, Number.MIN_VALUE) };
  const log = { low: Math.min(...all), high: Math.max(...all) };
  const { low, high } = options.kind === 'log' ? logEnds(log) : linear;
  const [from, to] = options.range;
  const share =
    options.kind === 'log'
      ? (value: number): number => Math.log(Math.max(value, low) / low) / Math.log(high / low)
      : (value: number): number => (value - low) / (high - low);
  return { ticks, place: (value) => from + share(value) * (to - from) };
}

/** A single value has room on both sides. */
function logEnds({ low, high }: { low: number; high: number }): { low: number; high: number } {
  return low === high ? { low: low / 2, high: high * 2 } : { low, high };
}

/** Multiples of 1, 2 or 5 times a power of ten, from 0 to beyond the greatest. */
export function linearTicks(values: readonly number[]): readonly number[] {
  const high = Math.max(...values, 0);
  if (!(high > 0)) return [0, 1];
  const step = niceStep(high / TICKS_WANTED);
  const count = Math.ceil(high / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => clean(index * step));
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((each) => each * power >= rough * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** Powers of ten around all values; with few of them, 2 and 5 times these as well. */
export function logTicks(values: readonly number[]): readonly number[] {
  if (values.length === 0) return [1, 10];
  const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const high = Math.ceil(Math.log10(Math.max(...values)) - 1e-9);
  const powers = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  if (powers.length > 3) return powers.map(clean);
  const dense = powers.flatMap((power) => [power, 2 * power, 5 * power]).map(clean);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const begin = Math.max(
    0,
    dense.findLastIndex((tick) => tick <= least),
  );
  const end = dense.findIndex((tick) => tick >= most);
  return dense.slice(begin, end === -1 ? undefined : end + 1);
}

/** Rounds away the error of binary fractions. */
function clean(value: number): number {
  return Number(value.toPrecision(10));
}
