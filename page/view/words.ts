/** Numbers and times as the page writes them, and reads them. */

/** Such as "12.345 ms". */
export function timeText(ns: number): string {
  if (ns < 1e6) return `${(ns / 1e3).toFixed(3)} µs`;
  return ns < 1e9 ? `${(ns / 1e6).toFixed(3)} ms` : `${(ns / 1e9).toFixed(6)} s`;
}

/** Made once: a picture has a hundred numbers, and to make this takes longer than all of them. */
const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 });

/** Such as "1,234,567". */
export function digits(value: number): string {
  return GROUPED.format(value);
}

/** Bytes in hexadecimal, with blanks between. */
export function hexText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** @returns bytes of hexadecimal digits; undefined when the text is something else */
export function hexBytes(text: string): readonly number[] | undefined {
  const plain = text.replaceAll(/[\s:,-]/g, '');
  if (plain.length % 2 === 1 || !/^[0-9a-fA-F]*$/.test(plain)) return undefined;
  return Array.from({ length: plain.length / 2 }, (_, at) =>
    Number.parseInt(plain.slice(2 * at, 2 * at + 2), 16),
  );
}

export const SEED_MAX = 0xffff_ffff;

/** @returns the seed nearest to what somebody has typed; 0 for what is no number */
export function seedOf(text: string): number {
  const typed = Math.trunc(Number(text));
  return Number.isNaN(typed) ? 0 : Math.min(SEED_MAX, Math.max(0, typed));
}
