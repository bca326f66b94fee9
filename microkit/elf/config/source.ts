/**
 * A configuration record on its way into a section: plain data, possibly from a JSON file that
 * somebody has written. What is asked of it is either there and of its kind, or a problem with the
 * place where it was missed.
 */

import type { PdDescription, SystemDescription } from '../../model.ts';
import { regionNamed } from '../../model.ts';
import { utf8 } from '../utf8.ts';
import type { PhysicalAddress } from '../../../memory/c-layout.ts';
import type { RegionValue } from '../../../queues/sections.ts';

/** The protection domain whose record it is: where it has mapped what the record names. */
export interface Place {
  readonly system: SystemDescription;
  readonly pd: PdDescription;
  readonly problems: string[];
}

export const NO_REGION: RegionValue = { vaddr: 0n, size: 0n };

export class Source {
  readonly #value: unknown;
  readonly #path: string;
  readonly #place: Place;

  constructor(value: unknown, place: Place, path = 'the configuration') {
    this.#value = value;
    this.#place = place;
    this.#path = path;
  }

  /** Whether it is an object with all of these. */
  has(...keys: readonly string[]): boolean {
    return keys.every((key) => this.#field(key) !== undefined);
  }

  /** Whether it is anything but null. */
  get isThere(): boolean {
    return this.#value !== null && this.#value !== undefined;
  }

  is(value: string | number): boolean {
    return this.#value === value;
  }

  at(key: string): Source {
    return new Source(this.#field(key), this.#place, `${this.#path}.${key}`);
  }

  /** The first of an object's values for which `is` holds. */
  find(is: (each: Source) => boolean): Source | undefined {
    if (typeof this.#value !== 'object' || this.#value === null) return undefined;
    return Object.keys(this.#value)
      .map((key) => this.at(key))
      .find(is);
  }

  items(slots: number): readonly Source[] {
    const value = this.#value;
    if (!Array.isArray(value)) return this.#miss([], 'a list');
    if (value.length > slots) return this.#miss([], `a list of at most ${slots}`);
    return value.map((each, index) => new Source(each, this.#place, `${this.#path}[${index}]`));
  }

  /** @param ifMissing what an absent value counts as */
  number(most: number, ifMissing?: number): number {
    const value = this.#value === undefined ? ifMissing : this.#value;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) {
      return value;
    }
    return this.#miss(0, `a whole number up to ${most}`);
  }

  text(bytesMax: number, ifMissing?: string): Uint8Array {
    const value = this.#value === undefined ? ifMissing : this.#value;
    if (typeof value !== 'string') return this.#miss(new Uint8Array(0), 'a text');
    const bytes = utf8(value);
    if (bytes.length <= bytesMax) return bytes;
    return this.#miss(new Uint8Array(0), `a text of at most ${bytesMax} bytes`);
  }

  /** Six bytes, written as "52:54:01:00:00:0a". */
  mac(): Uint8Array {
    const value = this.#value;
    if (typeof value !== 'string' || !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value)) {
      return this.#miss(new Uint8Array(6), 'an address such as 52:54:01:00:00:0a');
    }
    return Uint8Array.from(value.split(':'), (digits) => Number.parseInt(digits, 16));
  }

  /** Four bytes, written as "10.0.2.15". */
  ipv4(): Uint8Array {
    const value = this.#value;
    const numbers =
      typeof value === 'string' && /^\d{1,3}(\.\d{1,3}){3}$/.test(value)
        ? value.split('.').map(Number)
        : [];
    if (numbers.length !== 4 || numbers.some((number) => number > 0xff)) {
      return this.#miss(new Uint8Array(4), 'an address such as 10.0.2.15');
    }
    return Uint8Array.from(numbers);
  }

  /** A region by name: where the domain has mapped it. */
  region(): RegionValue {
    const name = this.#value;
    const { system, pd } = this.#place;
    const map = pd.maps.find(({ region }) => region === name);
    const region = typeof name === 'string' ? regionNamed(system, name) : undefined;
    if (map === undefined || region === undefined) {
      return this.#miss(NO_REGION, "the name of a region in the domain's maps");
    }
    return { vaddr: map.vaddr, size: region.size };
  }

  /** A region by name, with the address that a device uses for it. */
  deviceRegion(): { readonly region: RegionValue; readonly ioAddr: PhysicalAddress } {
    const region = this.region();
    const name = this.#value;
    if (typeof name !== 'string') return { region, ioAddr: 0n };
    const ioAddr = regionNamed(this.#place.system, name)?.physAddr ?? { addressOf: name };
    return { region, ioAddr };
  }

  /** Reports that something cannot be put into a section. */
  problem(what: string): void {
    this.#place.problems.push(`${this.#path} ${what}`);
  }

  #field(key: string): unknown {
    const value = this.#value;
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    return Reflect.get(value, key);
  }

  #miss<T>(instead: T, what: string): T {
    this.problem(`must be ${what}`);
    return instead;
  }
}
