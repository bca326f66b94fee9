/** The Internet checksum (RFC 1071) over bytes in RAM. */

/**
 * Adds up big-endian 16-bit words; an odd last byte counts as the high half of a word.
 *
 * @param sum what was added up before, of an even number of bytes
 * @returns the sum, not folded; no overflow below 2^37 bytes
 */
export function checksumAdd(u8: Uint8Array, at: number, lengthBytes: number, sum: number): number {
  let total = sum;
  const evenEnd = at + (lengthBytes & ~1);
  for (let i = at; i < evenEnd; i += 2) {
    total += ((u8[i] as number) << 8) | (u8[i + 1] as number);
  }
  if ((lengthBytes & 1) === 1) total += (u8[evenEnd] as number) << 8;
  return total;
}

/** @returns the checksum field for words that add up to `sum` */
export function checksumFinish(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000);
  return ~folded & 0xffff;
}
