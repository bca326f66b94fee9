/** Decoded structures as lines: a field each, under the name that sDDF's headers give it. */

import { hex } from '../../memory/hex.ts';

export type FieldLine = readonly [name: string, value: string];

/** @returns the fields of a decoded value in their order; what is a region takes one line */
export function fieldLines(value: unknown, name = ''): readonly FieldLine[] {
  if (typeof value === 'bigint') return [[name, hex(value)]];
  if (typeof value === 'number') return [[name, String(value)]];
  if (value instanceof Uint8Array) return [[name, bytesInWords(value)]];
  if (Array.isArray(value)) {
    if (value.length === 0) return [[name, 'none']];
    return value.flatMap((each, index) => fieldLines(each, `${name}[${index}]`));
  }
  if (typeof value !== 'object' || value === null) return [[name, String(value)]];
  if (isRegion(value)) return [[name, regionInWords(value)]];
  return Object.entries(value).flatMap(([key, each]) =>
    fieldLines(each, name === '' ? snakeCase(key) : `${name}.${snakeCase(key)}`),
  );
}

/**
 * @returns the same as plain JSON: words of 64 bits as hexadecimal texts, bytes as they are shown
 */
export function fieldsAsJson(value: unknown): unknown {
  if (typeof value === 'bigint') return hex(value);
  if (value instanceof Uint8Array) return bytesInWords(value);
  if (Array.isArray(value)) return value.map(fieldsAsJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [snakeCase(key), fieldsAsJson(each)]),
  );
}

interface Region {
  readonly vaddr: bigint;
  readonly size: bigint;
}

function isRegion(value: object): value is Region {
  const keys = Object.keys(value);
  return keys.length === 2 && 'vaddr' in value && 'size' in value;
}

function regionInWords({ vaddr, size }: Region): string {
  return vaddr === 0n && size === 0n ? 'none' : `${hex(vaddr)}, ${hex(size)} bytes`;
}

const MAC_BYTES = 6;

/** An address of six bytes, or a text up to its zero byte. */
function bytesInWords(bytes: Uint8Array): string {
  if (bytes.length === MAC_BYTES) {
    return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  }
  const end = bytes.indexOf(0);
  const text = [...bytes.subarray(0, end < 0 ? bytes.length : end)];
  return JSON.stringify(text.map(printable).join(''));
}

/** Terminals obey some characters. */
function printable(byte: number): string {
  const isShown = (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 9;
  return isShown ? String.fromCharCode(byte) : '?';
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
