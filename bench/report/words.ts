/** Figures within sentences. */

import { figure } from '../suite/figure.ts';

const MULTIPLES: readonly (readonly [number, string])[] = [
  [1e9, ' billion'],
  [1e6, ' million'],
];

/** Such as `1.46 million` or `147,300`. */
export function say(value: number): string {
  for (const [unit, name] of MULTIPLES) {
    if (Math.abs(value) >= unit) return `${Number((value / unit).toPrecision(3))}${name}`;
  }
  return figure(Number(value.toPrecision(3)));
}

/** Such as `9.7 times`. */
export function times(factor: number): string {
  return `${Number(factor.toPrecision(2))} times`;
}

/** @param share 1 for all */
export function percent(share: number): string {
  const value = share * 100;
  return `${Number(value.toPrecision(Math.abs(value) >= 10 ? 2 : 1))} %`;
}

/** @param factor what it is now, divided by what it was: `12 % more`, `3.2 times`, `8 % less` */
export function change(factor: number): string {
  if (factor >= 2) return times(factor);
  if (factor <= 0.5) return `${percent(factor)} of it`;
  const difference = Math.abs(factor - 1);
  if (difference < 0.005) return 'the same';
  return `${percent(difference)} ${factor > 1 ? 'more' : 'less'}`;
}

/** A time that is given in nanoseconds, with the unit that suits it. */
export function sayNs(ns: number): string {
  if (ns < 1e3) return `${Number(ns.toPrecision(3))} ns`;
  if (ns < 1e6) return `${Number((ns / 1e3).toPrecision(3))} µs`;
  return `${Number((ns / 1e6).toPrecision(3))} ms`;
}

/** Such as `a, b and c`. */
export function list(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

/** Words as a sentence. */
export function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}
