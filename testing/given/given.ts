/**
 * A value of a test, as YAML or an object in a program has it, with the place where it stands. Each
 * reader (`text`, `size` …) either returns the value or reports a problem at that place, and then
 * returns something of the right kind: nothing of a file with problems is run, and all its problems
 * are reported at once.
 */

import { didYouMean } from '../../microkit/read/spelling.ts';
import { readDurationNs } from '../../sim/plan/duration.ts';

/** Which value within the whole: the keys and indices that lead to it. */
export type Path = readonly (string | number)[];

/** Where values come from. */
export interface Source {
  /** @returns such as "tests/echo.yaml:12:7" */
  whereIs(path: Path): string;
  /** One line each. */
  readonly problems: string[];
}

/** More are of no use to a reader. */
const PROBLEMS_MAX = 20;
const NAMES_MAX = 12;

export interface Range {
  readonly min: number;
  readonly max: number;
}

export class Given {
  readonly value: unknown;
  readonly path: Path;
  readonly #source: Source;

  constructor(value: unknown, source: Source, path: Path = []) {
    this.value = value;
    this.path = path;
    this.#source = source;
  }

  get where(): string {
    return this.#source.whereIs(this.path);
  }

  /** The line in its file, 0 where there is none. */
  get line(): number {
    return Number(/:(\d+):\d+$/.exec(this.where)?.[1] ?? 0);
  }

  get isList(): boolean {
    return Array.isArray(this.value);
  }

  get isMap(): boolean {
    return isRecord(this.value);
  }

  problem(what: string): void {
    const { problems } = this.#source;
    if (problems.length < PROBLEMS_MAX) problems.push(`${this.where}: ${what}`);
  }

  /** Another value at the same place, such as one in which names have been filled in. */
  with(value: unknown): Given {
    return new Given(value, this.#source, this.path);
  }

  /** What stands in another place belongs to this one: a file that this one names. */
  field(name: string): Given | undefined {
    if (!isRecord(this.value) || !Object.hasOwn(this.value, name)) return undefined;
    const value = this.value[name];
    return value === undefined ? undefined : new Given(value, this.#source, [...this.path, name]);
  }

  /** @returns what stands behind each key, in the order of the text */
  entries(): readonly (readonly [string, Given])[] {
    if (!isRecord(this.value)) {
      this.problem(`here stands ${this.#kind()}, and not fields with values`);
      return [];
    }
    return Object.keys(this.value).flatMap((name) => {
      const found = this.field(name);
      return found === undefined ? [] : [[name, found] as const];
    });
  }

  /** Says which fields are none of these. */
  onlyHas(known: readonly string[]): void {
    for (const [name, value] of this.entries()) {
      if (!known.includes(name))
        value.problem(`there is no '${name}' here; ${advice(name, known)}`);
    }
  }

  /** @returns the values of a list; a single value is a list of one */
  items(): readonly Given[] {
    if (!Array.isArray(this.value)) return [this];
    return this.value.map((each, index) => new Given(each, this.#source, [...this.path, index]));
  }

  /** A text; numbers count as one, as nobody writes quotation marks around them. */
  text(): string {
    if (typeof this.value === 'string') return this.value;
    if (typeof this.value === 'number') return String(this.value);
    return this.#miss('', 'a text');
  }

  number({ min, max }: Range): number {
    const { value } = this;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
      return value;
    }
    return this.#miss(min, `a whole number from ${min} to ${max}`);
  }

  choice<const Words extends readonly string[]>(words: Words): Words[number] {
    const { value } = this;
    if (typeof value === 'string' && words.includes(value)) return value;
    if (typeof value === 'string') {
      this.problem(`'${value}' cannot stand here; ${advice(value, words)}`);
      return words[0] as Words[number];
    }
    return this.#miss(words[0] as Words[number], `one of ${words.join(', ')}`);
  }

  /** ns of a time such as 5ms. */
  duration(): number {
    const ns = readDurationNs(this.value);
    return ns === undefined ? this.#miss(0, 'a time such as 5ms or 200us') : ns;
  }

  /** Bytes of a size such as 512, 64K, 1M. */
  size(): number {
    const { value } = this;
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
    const match = typeof value === 'string' ? /^(\d+)([KM])$/.exec(value) : null;
    if (match === null) return this.#miss(512, 'a size such as 4096, 64K or 1M');
    return Number(match[1]) * (match[2] === 'K' ? 0x400 : 0x10_0000);
  }

  #miss<T>(instead: T, wanted: string): T {
    this.problem(`${wanted} is wanted here, and there is ${this.#kind()}`);
    return instead;
  }

  #kind(): string {
    const { value } = this;
    if (value === null || value === undefined) return 'nothing';
    if (Array.isArray(value)) return 'a list';
    if (isRecord(value)) return 'fields with values';
    return JSON.stringify(value) ?? 'something else';
  }
}

/** @returns what was meant, or what there is to choose from */
export function advice(word: string, known: readonly string[]): string {
  const guess = didYouMean(word, known);
  if (guess !== undefined) return guess;
  const shown = known.slice(0, NAMES_MAX).join(', ');
  return known.length > NAMES_MAX ? `there is ${shown}, …` : `there is ${shown}`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
