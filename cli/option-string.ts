/**
 * Option strings in the manner of QEMU: `kind,key=value,key=value`. A comma inside a value is
 * written twice.
 *
 * Strict: an unknown key, a key without a value, or one given twice is the user's mistake, and the
 * message names what is known.
 */

import { UserMistake } from '../host/problem.ts';
import { didYouMean } from './closest.ts';

export interface OptionKeys {
  /** Keys that may be given once. */
  readonly once?: readonly string[];
  /** Keys that may be given several times. */
  readonly repeated?: readonly string[];
  /** Keys without a value, such as `ro`. */
  readonly flags?: readonly string[];
}

/** What was given, checked against what may be given. */
export class OptionString {
  /** How messages name it, such as `--net user`. */
  readonly where: string;
  readonly kind: string;
  readonly #entries: readonly (readonly [string, string])[];
  readonly #flags: readonly string[];

  private constructor(
    where: string,
    kind: string,
    entries: readonly (readonly [string, string])[],
    flags: readonly string[],
  ) {
    this.where = where;
    this.kind = kind;
    this.#entries = entries;
    this.#flags = flags;
  }

  /**
   * @param option the option's name, such as `--net`
   * @param kinds the kinds that are known, with their keys
   * @throws UserMistake
   */
  static parse(
    option: string,
    text: string,
    kinds: Readonly<Record<string, OptionKeys>>,
  ): OptionString {
    const [kind = '', ...items] = splitAtCommas(text);
    const keys = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
    if (keys === undefined) {
      const known = Object.keys(kinds);
      throw new UserMistake(
        `${option}: unknown kind '${kind}'${didYouMean(kind, known)}; known are ${known.join(', ')}`,
      );
    }
    const where = `${option} ${kind}`;
    const entries: [string, string][] = [];
    const flags: string[] = [];
    for (const item of items) {
      readItem(item, where, keys, entries, flags);
    }
    return new OptionString(where, kind, entries, flags);
  }

  /** The value of a key that may be given once. */
  value(key: string): string | undefined {
    return this.#entries.find(([name]) => name === key)?.[1];
  }

  /** @param example what a right value looks like, for the message */
  required(key: string, example: string): string {
    const value = this.value(key);
    if (value === undefined) {
      throw new UserMistake(`${this.where}: '${key}' is missing, as in ${key}=${example}`);
    }
    return value;
  }

  values(key: string): readonly string[] {
    return this.#entries.filter(([name]) => name === key).map(([, value]) => value);
  }

  has(flag: string): boolean {
    return this.#flags.includes(flag);
  }
}

function readItem(
  item: string,
  where: string,
  keys: OptionKeys,
  entries: [string, string][],
  flags: string[],
): void {
  const equals = item.indexOf('=');
  const key = equals === -1 ? item : item.slice(0, equals);
  const isFlag = keys.flags?.includes(key) === true;
  const known = [...(keys.once ?? []), ...(keys.repeated ?? []), ...(keys.flags ?? [])];
  if (!known.includes(key)) {
    const list = known.length === 0 ? 'it takes none' : `known are ${known.join(', ')}`;
    throw new UserMistake(`${where}: unknown key '${key}'${didYouMean(key, known)}; ${list}`);
  }
  const value = equals === -1 ? '' : item.slice(equals + 1);
  if (isFlag) {
    if (equals !== -1)
      throw new UserMistake(`${where}: '${key}' takes no value; write just ${key}`);
    flags.push(key);
    return;
  }
  if (value === '') throw new UserMistake(`${where}: '${key}' needs a value, as in ${key}=VALUE`);
  if (keys.repeated?.includes(key) !== true && entries.some(([name]) => name === key)) {
    throw new UserMistake(`${where}: '${key}' is given twice; give it once`);
  }
  entries.push([key, value]);
}

/** Splits at single commas; a double comma is a comma. */
function splitAtCommas(text: string): string[] {
  const items: string[] = [''];
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character !== ',') {
      items.push(`${items.pop() ?? ''}${character}`);
    } else if (text.charAt(at + 1) === ',') {
      items.push(`${items.pop() ?? ''},`);
      at += 1;
    } else {
      items.push('');
    }
  }
  return items;
}
