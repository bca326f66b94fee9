/** Contents of blocks and buffers as steps write them: `text`, `hex` or `fill`. */

import { hexBytes, readHex } from '../frames/fields.ts';
import { hexOf } from '../frames/decode.ts';
import type { Given } from '../given/given.ts';

const SHOWN_BYTES = 24;

export const CONTENT_FIELDS = ['text', 'hex', 'fill'] as const;

/** @param lengthBytes of what `fill` fills */
export function readContents(given: Given, lengthBytes: number): Uint8Array {
  const [text, hex, fill] = CONTENT_FIELDS.map((name) => given.field(name));
  const count = [text, hex, fill].filter((each) => each !== undefined).length;
  if (count !== 1) given.problem('contents are one of text, hex and fill');
  if (text !== undefined)
    return checkedLength(text, new TextEncoder().encode(text.text()), lengthBytes);
  if (hex !== undefined) return checkedLength(hex, hexBytes(readHex(hex)), lengthBytes);
  return new Uint8Array(lengthBytes).fill(fill?.number({ min: 0, max: 0xff }) ?? 0);
}

function checkedLength(given: Given, bytes: Uint8Array, lengthMax: number): Uint8Array {
  if (bytes.length > lengthMax) given.problem(`${bytes.length} bytes do not fit into ${lengthMax}`);
  return bytes;
}

/** @returns such as `"hello"`, or `05a5a5… (4096 bytes)` */
export function bytesWords(bytes: Uint8Array): string {
  const text = String.fromCharCode(...bytes.subarray(0, SHOWN_BYTES));
  const more = bytes.length > SHOWN_BYTES ? `… (${bytes.length} bytes)` : '';
  if (/^[\x20-\x7e\r\n\t]+$/.test(text)) return `${JSON.stringify(text)}${more}`;
  return `${hexOf(bytes.subarray(0, SHOWN_BYTES))}${more}`;
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
