/** Addresses and words of registers in messages. */

/** @returns such as '0x1f', without leading zeros */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
