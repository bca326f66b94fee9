/**
 * The master boot record: four primary partitions. Logical partitions inside an extended one are not modelled; the
 * extended partition itself is listed with that as its problem.
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

/** @param sector at least 512 bytes that begin with sector 0 */
export function parseMbr(sector: Uint8Array): Partition[] {
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
  const partitions: Partition[] = [];
  for (let index = 0; index < ENTRIES; index += 1) {
    const at = ENTRIES_AT + index * ENTRY_BYTES;
    const type = view.getUint8(at + TYPE_AT);
    if (type === TYPE_EMPTY) continue;
    partitions.push({
      index,
      firstSector: view.getUint32(at + FIRST_AT, true),
      sectors: view.getUint32(at + SECTORS_AT, true),
      name: '',
      ...(TYPES_EXTENDED.includes(type) ? { problem: 'it is an extended partition' } : {}),
    });
  }
  return partitions;
}
