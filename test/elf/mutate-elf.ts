// Seeded changes of an ELF file, aimed at what its reader trusts: the header, the tables of
// headers, the symbols and their names. Where these lie is read from the file as it was written.

import type { Random } from '../../board/random.ts';

/** Values that a length, an offset or an address goes wrong at. */
const WORDS: readonly bigint[] = [
  0n,
  1n,
  7n,
  0x38n,
  0xfffn,
  0x1000n,
  0x1001n,
  0x20_0000n,
  0x3f_ffff_c000n,
  0x3f_ffff_f000n,
  0x400_0000n,
  0x400_1000n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  (1n << 53n) - 1n,
  1n << 53n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 0x1000n,
  (1n << 64n) - 1n,
];

interface Stretch {
  readonly start: number;
  readonly length: number;
}

/** @returns a changed copy; one in sixteen is cut off as well */
export function mutateElf(file: Uint8Array, random: Random): Uint8Array {
  const bytes = file.slice();
  const stretches = trusted(file);
  for (let changes = 1 + random.below(6); changes > 0; changes -= 1) {
    const stretch = stretches[random.below(stretches.length)] ?? { start: 0, length: file.length };
    changeOnce(bytes, stretch, random);
  }
  return random.below(16) === 0 ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes;
}

function trusted(file: Uint8Array): readonly Stretch[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headers = Number(view.getBigUint64(40, true));
  const sections = view.getUint16(60, true);
  const table = (index: number): Stretch => {
    const at = headers + 64 * index;
    const length = Number(view.getBigUint64(at + 32, true));
    return { start: Number(view.getBigUint64(at + 24, true)), length };
  };
  return [
    { start: 4, length: 60 },
    { start: 64, length: 56 * view.getUint16(56, true) },
    { start: headers, length: 64 * sections },
    table(sections - 3), // names of symbols
    table(sections - 2), // symbols
    table(sections - 1), // names of sections
    { start: 0, length: file.length },
  ];
}

function changeOnce(bytes: Uint8Array, { start, length }: Stretch, random: Random): void {
  const view = new DataView(bytes.buffer);
  const at = start + random.below(length);
  // Fields lie at multiples of their size in these tables.
  const aligned = Math.min(start + (random.below(length) & ~7), bytes.length - 8);
  const value = WORDS[random.below(WORDS.length)] ?? 0n;
  switch (random.below(6)) {
    case 0:
      bytes[at] = random.below(256);
      break;
    case 1:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      break;
    case 2:
      view.setBigUint64(aligned, value, true);
      break;
    case 3:
      view.setUint32(aligned + 4 * random.below(2), Number(value & 0xffff_ffffn), true);
      break;
    case 4:
      view.setUint16(aligned + 2 * random.below(4), Number(value & 0xffffn), true);
      break;
    default: {
      const from = random.below(bytes.length);
      bytes.copyWithin(at, from, from + 1 + random.below(64));
    }
  }
}
