/** The Internet checksum (RFC 1071) of bytes in the order of the network: for what is rare. */

/**
 * @param sum what other runs, each of even length, have come to
 * @returns the folded sum, whose complement goes into a header; 0xffff over what holds its own
 * right checksum
 */
export function checksum(view: DataView, from: number, lengthBytes: number, sum = 0): number {
  let total = sum;
  const even = from + (lengthBytes & ~1);
  for (let at = from; at < even; at += 2) total += view.getUint16(at);
  if ((lengthBytes & 1) !== 0) total += view.getUint8(even) << 8;
  return fold(total);
}

/**
 * @param sum below 2^32
 * @returns it in 16 bits, carries added (RFC 1071)
 */
export function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}
