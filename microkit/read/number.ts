/**
 * Numbers as a description writes them: decimal or `0x` hexadecimal, with `_` anywhere between, up
 * to 64 bits.
 */

import { hex } from '../../memory/hex.ts';

const U64_MAX = 0xffff_ffff_ffff_ffffn;
const DECIMAL_DIGITS_MAX = 20;
const HEX_DIGITS_MAX = 16;
/**
 * What most numbers look like; such a text always fits, and means the same here and in JavaScript.
 */
const USUAL = /^(?:0x[0-9a-fA-F]{1,16}|[0-9]{1,19})$/;

export type NumberResult =
  | { readonly ok: true; readonly value: bigint }
  | { readonly ok: false; readonly reason: string };

const INVALID = { ok: false, reason: 'invalid digit found in string' } as const;
const EMPTY = { ok: false, reason: 'cannot parse integer from empty string' } as const;
const TOO_LARGE = { ok: false, reason: 'number too large to fit in target type' } as const;

/** An unsigned number. The reasons are the tool's words. */
export function parseNumber(raw: string): NumberResult {
  if (USUAL.test(raw)) return { ok: true, value: BigInt(raw) };
  const text = raw.replaceAll('_', '');
  const hex = text.startsWith('0x');
  const signed = hex ? text.slice(2) : text;
  const digits = signed.startsWith('+') ? signed.slice(1) : signed;
  if (digits === '') return signed === '' ? EMPTY : INVALID;
  if (!(hex ? /^[0-9a-fA-F]+$/ : /^[0-9]+$/).test(digits)) return INVALID;
  const significant = digits.replace(/^0+/, '');
  // A bound before the conversion: converting a long decimal takes quadratic time.
  if (significant.length > (hex ? HEX_DIGITS_MAX : DECIMAL_DIGITS_MAX)) return TOO_LARGE;
  const value = BigInt(`${hex ? '0x' : ''}${significant === '' ? '0' : significant}`);
  return value > U64_MAX ? TOO_LARGE : { ok: true, value };
}

const NOT_DECIMAL = {
  ok: false,
  reason: 'the Microkit tool takes decimal digits only here',
} as const;

/**
 * Identifiers: decimal, with an optional sign. The Microkit tool reads them apart, and stops at
 * anything else.
 */
export function parseSigned(raw: string): NumberResult {
  if (/^[+-]?0x[0-9a-fA-F_]+$/.test(raw) || /^[+-]?[0-9_]*_[0-9_]*$/.test(raw)) return NOT_DECIMAL;
  if (!raw.startsWith('-')) return parseNumber(raw);
  const magnitude = parseNumber(raw.slice(1));
  return magnitude.ok ? { ok: true, value: -magnitude.value } : magnitude;
}

/** `[start..end)` in hexadecimal. */
export function range(start: bigint, end: bigint): string {
  return `[${hex(start)}..${hex(end)})`;
}
