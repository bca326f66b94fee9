/**
 * Frames by the names of their fields, as steps write and expect them:
 *
 *     eth:  { to: MAC, from: MAC, type: 0x0800 }
 *     arp:  { op: request | reply, from: IP, to: IP, from-mac: MAC, to-mac: MAC }
 *     udp:  { from: IP:PORT, to: IP:PORT, text: …, hex: …, bytes: N, checksum: good | bad | none }
 *     icmp: { type: echo | reply, from: IP, to: IP, id: N, seq: N, text: …, hex: …, bytes: N }
 *     ip:   { ttl: N, protocol: N, checksum: good | bad }
 *     raw:  '525401 …'          len: 60
 *
 * A frame that has been read is a table from names such as `udp.to` to what stands there; an
 * expectation is the part of such a table that it speaks of.
 */

import type { Given, Range } from '../given/given.ts';
import { readMatcher, type Matcher, matcherOf } from './matcher.ts';

/** What is known of a frame, by name. */
export type FrameFacts = ReadonlyMap<string, string | number>;

/** What a frame must have, by name. */
export type FramePattern = ReadonlyMap<string, Matcher>;

type FieldKind =
  | { readonly kind: 'mac' | 'ip' | 'socket' | 'text' | 'hex' }
  | { readonly kind: 'number'; readonly range: Range }
  | { readonly kind: 'word'; readonly words: readonly string[] };

const U8 = { kind: 'number', range: { min: 0, max: 0xff } } as const;
const U16 = { kind: 'number', range: { min: 0, max: 0xffff } } as const;
const MAC = { kind: 'mac' } as const;
const IP = { kind: 'ip' } as const;
const SOCKET = { kind: 'socket' } as const;
const BYTES = { kind: 'number', range: { min: 0, max: 1480 } } as const;
const DATA = { text: { kind: 'text' }, hex: { kind: 'hex' }, bytes: BYTES } as const;
const SUM = { kind: 'word', words: ['good', 'bad'] } as const;

/** The longest frame that a wire carries, damaged or not. */
export const FRAME_LENGTH: Range = { min: 1, max: 2048 };

const PROTOCOLS: Readonly<Record<string, Readonly<Record<string, FieldKind>>>> = {
  eth: { to: MAC, from: MAC, type: U16 },
  arp: {
    op: { kind: 'word', words: ['request', 'reply'] },
    from: IP,
    to: IP,
    'from-mac': MAC,
    'to-mac': MAC,
  },
  ip: { ttl: U8, protocol: U8, checksum: SUM, from: IP, to: IP },
  udp: {
    from: SOCKET,
    to: SOCKET,
    ...DATA,
    checksum: { kind: 'word', words: ['good', 'bad', 'none'] },
  },
  icmp: {
    type: { kind: 'word', words: ['echo', 'reply'] },
    from: IP,
    to: IP,
    id: U16,
    seq: U16,
    ...DATA,
  },
};

const TOP = [...Object.keys(PROTOCOLS), 'raw', 'len'];

/** Reads a frame that is to be made: each field is there once, with its value. */
export function readFrameFacts(given: Given): FrameFacts {
  const facts = new Map<string, string | number>();
  for (const [name, value] of fieldsOf(given)) facts.set(name.name, readFact(value, name.kind));
  for (const name of Object.keys(PROTOCOLS)) {
    if (given.field(name) !== undefined) facts.set(name, 'there');
  }
  if (
    given.isMap &&
    !facts.has('raw') &&
    !['arp', 'udp', 'icmp', 'eth'].some((each) => given.field(each))
  ) {
    given.problem('a frame is made of arp, udp, icmp, eth or raw');
  }
  return facts;
}

/** Reads what a frame must have; 'any' is every frame. */
export function readFramePattern(given: Given): FramePattern {
  const pattern = new Map<string, Matcher>();
  if (given.value === 'any') return pattern;
  for (const [name, value] of fieldsOf(given))
    pattern.set(name.name, readFieldMatcher(value, name.kind));
  // A protocol that is named stands in the frame, whatever its fields are.
  for (const name of Object.keys(PROTOCOLS)) {
    if (given.field(name) !== undefined) pattern.set(name, matcherOf('there'));
  }
  return pattern;
}

/** @returns the names of the fields that are not as they must be, and what is there instead */
export function differences(facts: FrameFacts, pattern: FramePattern): readonly string[] {
  return [...pattern].flatMap(([name, matcher]) => {
    const found = facts.get(name);
    if (found !== undefined && matcher.fits(found)) return [];
    return [`${name} is ${found === undefined ? 'not there' : quoted(found)}`];
  });
}

interface NamedField {
  readonly name: string;
  readonly kind: FieldKind;
}

function fieldsOf(given: Given): readonly (readonly [NamedField, Given])[] {
  given.onlyHas(TOP);
  return given.entries().flatMap(([protocol, value]): (readonly [NamedField, Given])[] => {
    if (protocol === 'len') {
      return [[{ name: 'len', kind: { kind: 'number', range: FRAME_LENGTH } }, value]];
    }
    if (protocol === 'raw') return [[{ name: 'raw', kind: { kind: 'hex' } }, value]];
    const fields = PROTOCOLS[protocol];
    if (fields === undefined || value.value === null) return [];
    value.onlyHas(Object.keys(fields));
    return value.entries().flatMap(([field, inner]) => {
      const kind = Object.hasOwn(fields, field) ? fields[field] : undefined;
      return kind === undefined ? [] : [[{ name: `${protocol}.${field}`, kind }, inner] as const];
    });
  });
}

function readFieldMatcher(given: Given, kind: FieldKind): Matcher {
  if (kind.kind === 'text') return readMatcher(given);
  return matcherOf(readFact(given, kind));
}

function readFact(given: Given, kind: FieldKind): string | number {
  switch (kind.kind) {
    case 'number':
      return given.number(kind.range);
    case 'word':
      return given.choice(kind.words);
    case 'text':
      return given.text();
    case 'hex':
      return readHex(given);
    case 'mac':
      return checked(
        given,
        /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/,
        'an address such as 52:54:01:00:00:0a',
      );
    case 'ip':
      return checked(given, IPV4, 'an address such as 10.0.2.15');
    case 'socket':
      return checked(given, SOCKET_TEXT, 'address and port, such as 10.0.2.15:1235');
    default:
      return kind satisfies never;
  }
}

const BYTE = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const IPV4 = new RegExp(`^${BYTE}(?:\\.${BYTE}){3}$`);
const SOCKET_TEXT = new RegExp(`^${BYTE}(?:\\.${BYTE}){3}:\\d{1,5}$`);
const PORT_MAX = 0xffff;

function checked(given: Given, form: RegExp, wanted: string): string {
  const text = typeof given.value === 'string' ? given.value.toLowerCase() : '';
  const port = Number(/:(\d+)$/.exec(text)?.[1] ?? 0);
  if (!form.test(text) || (form === SOCKET_TEXT && port > PORT_MAX)) {
    given.problem(`${wanted} is wanted here, and there is ${JSON.stringify(given.value)}`);
    return ''; // the frame is made all the same, and has no room for more than an address
  }
  return text;
}

/** @returns the digits without what is between them */
export function readHex(given: Given): string {
  const digits = given
    .text()
    .replaceAll(/[\s:_]/g, '')
    .toLowerCase();
  if (!/^(?:[0-9a-f]{2})*$/.test(digits)) {
    given.problem('pairs of hexadecimal digits are wanted here');
    return '';
  }
  return digits;
}

export function hexBytes(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function quoted(value: string | number): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}
