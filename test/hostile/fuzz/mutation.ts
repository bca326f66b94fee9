/**
 * Changes bytes as things go wrong: single bits, cuts, repeats, numbers at the ends of their range,
 * pieces of another input, and in texts a value of another kind than the one that is wanted.
 */

import type { Random } from '../../../board/random.ts';

const EDGES = [0, 1, 0x7f, 0x80, 0xff];
/** What JSON and YAML may have where something else should stand. */
const VALUES = [
  ...['null', 'true', '-1', '0.5', '1e400', '[]', '{}', '""', '"\\u0000"', '9007199254740993'],
  ...['{"toString":1}', '[{"toString":1}]', '{"__proto__":{}}', '"constructor"', '"__proto__"'],
].map((text) => new TextEncoder().encode(text));
const [COLON, COMMA] = [0x3a, 0x2c];
/** `,` `}` `]` and the end of a line. */
const ENDS = [COMMA, 0x7d, 0x5d, 0x0a];
const CHANGES_MAX = 6;
const LENGTH_MAX = 1 << 16;

/** @returns a changed copy of one of the seeds; now and then bytes from nowhere */
export function mutated(seeds: readonly Uint8Array[], random: Random): Uint8Array {
  if (random.below(50) === 0) return randomBytes(random.below(300), random);
  let bytes = Uint8Array.from(pick(seeds, random));
  for (let left = 1 + random.below(CHANGES_MAX); left > 0; left -= 1) {
    bytes = changed(bytes, pick(seeds, random), random);
  }
  return bytes.subarray(0, LENGTH_MAX);
}

function changed(bytes: Uint8Array<ArrayBuffer>, other: Uint8Array, random: Random) {
  if (bytes.length === 0) return randomBytes(8, random);
  const at = random.below(bytes.length);
  const length = random.below(Math.min(64, bytes.length - at) + 1);
  switch (random.below(8)) {
    case 0:
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      return bytes;
    case 1:
      bytes[at] = pick(EDGES, random);
      return bytes;
    case 2:
      bytes.fill(pick(EDGES, random), at, at + length);
      return bytes;
    case 3:
      return bytes.slice(0, at);
    case 4:
      return joined(bytes.subarray(0, at), bytes.subarray(at + length));
    case 5:
      return joined(bytes.subarray(0, at + length), bytes.subarray(at));
    case 6:
      return withOtherValue(bytes, at, pick(VALUES, random));
    default: {
      const from = random.below(other.length + 1);
      return joined(bytes.subarray(0, at), other.subarray(from, from + 64), bytes.subarray(at));
    }
  }
}

/** What stands behind the next colon or comma is replaced, up to where it seems to end. */
function withOtherValue(bytes: Uint8Array<ArrayBuffer>, at: number, value: Uint8Array) {
  const from = bytes.findIndex((byte, index) => index >= at && (byte === COLON || byte === COMMA));
  if (from < 0) return bytes;
  const end = bytes.findIndex((byte, index) => index > from && ENDS.includes(byte));
  return joined(bytes.subarray(0, from + 1), value, bytes.subarray(end < 0 ? bytes.length : end));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function randomBytes(length: number, random: Random): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random.below(256));
}

export function pick<Item>(items: readonly Item[], random: Random): Item {
  return items[random.below(items.length)] as Item;
}

/** The input in pieces, as a socket would give it. */
export function* pieces(bytes: Uint8Array, random: Random): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const length = 1 + random.below(random.below(4) === 0 ? 4 : 2000);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}
