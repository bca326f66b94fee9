/** Goal: what is code in a writable segment is what sections say. Method: images written here. */

import { expect, test } from 'vitest';
import { writeElf } from '../../test/support/elf-writer.ts';
import { codeExtent } from './code-extent.ts';
import { readElf } from './reader.ts';

const BASE = 0x20_0000;
const CODE = 6;
const DATA = 3;

function imageWith(sections: readonly (readonly [string, number, number, number])[]) {
  const read = readElf(
    writeElf({
      entry: BASE,
      segments: [{ vaddr: BASE, bytes: new Uint8Array(0x3000), flags: 7 }],
      sections: sections.map(([name, offset, bytes, flags]) => ({
        ...{ name, vaddr: BASE + offset, bytes: new Uint8Array(bytes), flags },
      })),
      symbols: [],
    }),
  );
  if (!read.ok) throw new Error(read.problem);
  return read.image;
}

test('it goes from the first section with instructions to the end of the last', () => {
  const image = imageWith([
    ['.data', 0, 0x100, DATA],
    ['.text', 0x100, 0x40, CODE],
    ['.text.late', 0x200, 0x20, CODE],
    ['.bss', 0x1000, 0x100, DATA],
  ]);

  expect(codeExtent(image, BASE, 0x3000)).toEqual({ start: BASE + 0x100, end: BASE + 0x220 });
});

test('without such a section in the run, nobody knows', () => {
  const image = imageWith([['.text', 0x100, 0x40, CODE]]);

  expect(codeExtent(image, BASE + 0x1000, 0x1000)).toBeUndefined();
  expect(codeExtent(imageWith([]), BASE, 0x3000)).toBeUndefined();
});
