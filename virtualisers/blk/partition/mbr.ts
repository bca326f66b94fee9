/**
 * The master boot record: four primary partitions. One of them may be extended: it is listed with
 * that as its problem, and what is inside it is found by `logical.ts`.
 */

import type { Partition } from './table.ts';

const SIGNATURE_AT = 510;
const ENTRIES_AT = 446;
const ENTRY_BYTES = 16;
const ENTRIES = 4;
const TYPE_AT = 4;
const FIRST_AT = 8;
const SECTORS_AT = 12;

const TYPE_EMPTY = 0x00;
const TYPE_PROTECTIVE = 0xee;
const TYPES_EXTENDED: readonly number[] = [0x05, 0x0f, 0x85];

/** @returns whether sector 0 ends with the boot signature */
export function hasMbrSignature(sector: Uint8Array): boolean {
  return sector[SIGNATURE_AT] === 0x55 && sector[SIGNATURE_AT + 1] === 0xaa;
}

/** @returns whether the record only protects a GPT */
export function isProtective(sector: Uint8Array): boolean {
  for (let i = 0; i < ENTRIES; i += 1) {
    if (sector[ENTRIES_AT + i * ENTRY_BYTES + TYPE_AT] === TYPE_PROTECTIVE) return true;
  }
  return false;
}

/** One of the four entries of a record. */
export interface MbrEntry {
  readonly kind: 'unused' | 'partition' | 'extended';
  readonly firstSector: number;
  readonly sectors: number;
}

export function mbrEntry(sector: Uint8Array, index: number): MbrEntry {
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
  const at = ENTRIES_AT + index * ENTRY_BYTES;
  const type = view.getUint8(at + TYPE_AT);
  const isExtended = TYPES_EXTENDED.includes(type);
  return {
    kind: type === TYPE_EMPTY ? 'unused' : isExtended ? 'extended' : 'partition',
    firstSector: view.getUint32(at + FIRST_AT, true),
    sectors: view.getUint32(at + SECTORS_AT, true),
  };
}

/**
 * @param sector at least 512 bytes that begin with sector 0
 * @returns the entries in use, and which of them is the extended partition, if one is
 */
export function parseMbr(sector: Uint8Array): {
  readonly partitions: Partition[];
  readonly extended: Partition | undefined;
} {
  const partitions: Partition[] = [];
  let extended: Partition | undefined;
  for (let index = 0; index < ENTRIES; index += 1) {
    const { kind, firstSector, sectors } = mbrEntry(sector, index);
    if (kind === 'unused') continue;
    const one: Partition = { index, firstSector, sectors, name: '' };
    if (kind === 'partition') {
      partitions.push(one);
    } else {
      const which = extended === undefined ? 'the' : 'a second';
      partitions.push({ ...one, problem: `it is ${which} extended partition` });
      extended ??= one;
    }
  }
  return { partitions, extended };
}
