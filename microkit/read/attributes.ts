/** The attributes of one element: known ones only, required ones present, each of its type. */

import { ID_COUNT } from '../model.ts';
import type { Element } from '../xml/element.ts';
import { attributeOf } from '../xml/element.ts';
import type { NumberResult } from './number.ts';
import { parseNumber, parseSigned } from './number.ts';
import type { Reporter } from './reporter.ts';

export class Attributes {
  readonly element: Element;
  readonly #report: Reporter;

  /** Reports every attribute that is not in `known`. */
  constructor(element: Element, report: Reporter, known: readonly string[]) {
    this.element = element;
    this.#report = report;
    for (const { name } of element.attributes) {
      if (known.includes(name)) continue;
      const present = element.attributes.map((attribute) => attribute.name);
      const candidates = known.filter((candidate) => !present.includes(candidate));
      const hint =
        MOVED[`${element.tag} ${name}`] ??
        report.didYouMean(name, candidates) ??
        knownHint(element, known);
      report.onElement(`invalid attribute '${name}'`, element, { attribute: name, hint });
    }
  }

  optional(name: string): string | undefined {
    return attributeOf(this.element, name)?.value;
  }

  /** Reports an attribute that is missing. */
  required(name: string): string | undefined {
    const value = this.optional(name);
    if (value === undefined) {
      this.#report.onElement(`Missing required attribute '${name}'`, this.element);
    }
    return value;
  }

  /** @returns the number, or undefined when there is none or it is malformed (which is reported) */
  number(name: string): bigint | undefined {
    const raw = this.optional(name);
    return raw === undefined ? undefined : this.#parsed(name, raw, parseNumber(raw));
  }

  requiredNumber(name: string): bigint | undefined {
    return this.required(name) === undefined ? undefined : this.number(name);
  }

  /** A number that may be negative; the caller says in which range it must be. */
  signed(name: string): bigint | undefined {
    const raw = this.optional(name);
    return raw === undefined ? undefined : this.#parsed(name, raw, parseSigned(raw));
  }

  requiredSigned(name: string): bigint | undefined {
    return this.required(name) === undefined ? undefined : this.signed(name);
  }

  /** An identifier: 0..61. */
  identifier(name: string): number | undefined {
    const value = this.requiredSigned(name);
    if (value === undefined) return undefined;
    if (value >= BigInt(ID_COUNT)) return this.#refuse(name, `${name} must be < ${ID_COUNT}`);
    if (value < 0n) return this.#refuse(name, `${name} must be >= 0`);
    return Number(value);
  }

  boolean(name: string, ifAbsent: 'true' | 'false'): boolean {
    const raw = this.optional(name) ?? ifAbsent;
    if (raw !== 'true' && raw !== 'false') {
      this.#refuse(name, `${name} must be 'true' or 'false'`);
      return ifAbsent === 'true';
    }
    return raw === 'true';
  }

  /** One of a few words. */
  word<Word extends string>(
    name: string,
    words: readonly [Word, Word],
    ifAbsent: Word,
  ): Word | undefined {
    const raw = this.optional(name) ?? ifAbsent;
    const word = words.find((candidate) => candidate === raw);
    if (word === undefined) {
      this.#refuse(name, `${name} must be either '${words[0]}' or '${words[1]}'`);
    }
    return word;
  }

  /** Reports a value that is out of range. @returns undefined */
  refuse(name: string, message: string, hint?: string): undefined {
    return this.#refuse(name, message, hint);
  }

  #refuse(name: string, message: string, hint?: string): undefined {
    this.#report.onElement(message, this.element, { attribute: name, hint });
    return undefined;
  }

  #parsed(name: string, raw: string, result: NumberResult): bigint | undefined {
    if (result.ok) return result.value;
    const isIdentifier = result.reason.includes('decimal');
    const hint = isPlaceholder(raw)
      ? `'${raw}' stands for a number in a template: make the description of it first (cpp -P, m4, sed)`
      : isIdentifier
        ? 'write a decimal number'
        : "write a decimal number, or hexadecimal with '0x'";
    this.#report.exactly(
      `Error: failed to parse integer '${raw}' on element '${this.element.tag}': ${result.reason}`,
      this.element,
      { attribute: name, hint },
    );
    return undefined;
  }
}

/** A macro's name, `@NAME@`, `${NAME}`, `{{ name }}`. */
function isPlaceholder(raw: string): boolean {
  return /^(?:[A-Z][A-Z0-9_]+|@\w+@|[$%]?\{.*\}|\$\(.*\)|%\w+%)$/.test(raw);
}

/** Attributes that older descriptions have in another place. */
const MOVED: Readonly<Record<string, string>> = {
  'protection_domain pp':
    '`pp` belongs to the channel\'s end of the domain that calls: <end pd="…" id="…" pp="true" />',
};

function knownHint(element: Element, known: readonly string[]): string {
  if (known.length === 0) return `'${element.tag}' has no attributes`;
  return `'${element.tag}' has the attributes ${known.join(', ')}`;
}

/** `{ key: value }`, or nothing when there is no value: for optional properties. */
export function present<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): Partial<Record<Key, Value>> {
  return value === undefined ? {} : ({ [key]: value } as Record<Key, Value>);
}
