/**
 * A configuration section of an image: its name, the structure in it, and how a record of the
 * description becomes one.
 *
 * A class has a table of these (`net.ts`, `blk.ts`, …). sDDF's structures begin with "sDDF" and the
 * class's number.
 */

import { assert } from '../../../memory/assert.ts';
import type { PdDescription, SystemDescription } from '../../model.ts';
import type { AddressSlot } from '../../../memory/c-layout.ts';
import type { SectionLayout } from '../../../queues/sections.ts';
import { Source } from './source.ts';

const MAGIC = [0x73, 0x44, 0x44, 0x46] as const;
const MAGIC_BYTES = 5;

/** A section's bytes, with the words in them that wait for a physical address. */
export interface EncodedSection {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly addresses: readonly AddressSlot[];
  /**
   * What of the record has no place in the section, or is not what it must be. The bytes are then
   * not to be used.
   */
  readonly problems: readonly string[];
}

export type DecodedSection =
  /** All zeros: nobody has configured it. */
  | { readonly kind: 'empty' }
  /** What is in it is of another kind, or of another version. */
  | { readonly kind: 'foreign'; readonly problem: string }
  | { readonly kind: 'configured'; readonly value: object };

/** A section as it is to be in the image. */
export interface ConfigSection {
  readonly name: string;
  readonly sizeBytes: number;
  readonly alignBytes: number;
  /** A program does without it: where nobody fills it in, that is meant. */
  readonly isOptional: boolean;
  /** @returns undefined for a domain whose record is none of these */
  encode(system: SystemDescription, pd: PdDescription): EncodedSection | undefined;
  /** @param bytes as many as `sizeBytes` */
  decode(bytes: Uint8Array): DecodedSection;
}

export interface ConfigSectionOptions<V extends object> extends SectionLayout<V> {
  readonly isOptional?: boolean;
  /** @returns undefined for a record of another kind */
  readonly from: (source: Source) => V | undefined;
}

export function configSection<V extends object>(options: ConfigSectionOptions<V>): ConfigSection {
  const { name, magic, layout, from, isOptional = false } = options;
  const { sizeBytes, alignBytes } = layout;
  return {
    name,
    sizeBytes,
    alignBytes,
    isOptional,
    encode: (system, pd) => {
      const problems: string[] = [];
      const value = from(new Source(pd.config, { system, pd, problems }));
      if (value === undefined) return undefined;
      const bytes = new Uint8Array(sizeBytes);
      const addresses: AddressSlot[] = [];
      layout.write({ view: new DataView(bytes.buffer), addresses }, 0, value);
      if (magic !== undefined) bytes.set([...MAGIC, magic]);
      return { name, bytes, addresses, problems };
    },
    decode: (bytes) => {
      assert(bytes.length === sizeBytes, 'a section to decode has the size of its structure');
      if (bytes.every((byte) => byte === 0)) return { kind: 'empty' };
      if (magic !== undefined && !hasMagic(bytes, magic)) {
        const found = [...bytes.subarray(0, MAGIC_BYTES)].map(twoDigits).join(' ');
        const expected = [...MAGIC, magic].map(twoDigits).join(' ');
        return { kind: 'foreign', problem: `begins with ${found} instead of ${expected}` };
      }
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return { kind: 'configured', value: layout.read(view, 0) };
    },
  };
}

function hasMagic(bytes: Uint8Array, magic: number): boolean {
  return [...MAGIC, magic].every((byte, index) => bytes[index] === byte);
}

function twoDigits(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
