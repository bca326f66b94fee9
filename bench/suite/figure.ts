/** Measured numbers as people read them. */

/** With as many digits as a measurement has, which is four, and thousands set apart. */
export function figure(value: number): string {
  const rounded = Number.isInteger(value) && Math.abs(value) < 1e4 ? value : four(value);
  return Math.abs(rounded) >= 1e4 ? rounded.toLocaleString('en') : String(rounded);
}

function four(value: number): number {
  return Number(value.toPrecision(4));
}

/** Three digits and a letter for thousands, millions, …: what an axis has room for. */
export function short(value: number): string {
  const size = Math.abs(value);
  for (const [unit, letter] of LETTERS) {
    if (size >= unit) return `${Number((value / unit).toPrecision(3))}${letter}`;
  }
  return String(Number(value.toPrecision(3)));
}

const LETTERS: readonly (readonly [number, string])[] = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];
