/**
 * Digests of texts and bytes: to tell whether two runs, or two versions of a system, are the same.
 * Not against anybody who means to deceive: FNV-1a (Fowler, Noll, Vo) in two lanes.
 */

const PRIME = 0x0100_0193;

/** @returns 16 hexadecimal digits */
export function digestOf(data: string | Uint8Array): string {
  let low = 0x811c_9dc5;
  let high = 0x9747_b28c;
  for (let i = 0; i < data.length; i += 1) {
    const unit = typeof data === 'string' ? data.charCodeAt(i) : (data[i] as number);
    low = Math.imul(low ^ unit, PRIME);
    high = Math.imul(high ^ (unit + i), PRIME) ^ (low >>> 15);
  }
  return hex(high) + hex(low);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
