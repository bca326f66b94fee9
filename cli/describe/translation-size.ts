/**
 * How large the WebAssembly is that an image's text becomes, and of how many functions it is made.
 */

import type { ElfImage } from '../../microkit/elf/image.ts';
import { runsOf } from '../../microkit/elf/plan.ts';
import { Text } from '../../riscv/translator/text.ts';
import { Translation } from '../../riscv/translator/translate.ts';

export interface TranslationSize {
  readonly bytes: number;
  readonly functions: number;
  /** Instructions of the image in it; the interpreter runs the others. */
  readonly instructions: number;
}

export function translationSize({ segments, symbols }: ElfImage): TranslationSize {
  const size = { bytes: 0, functions: 0, instructions: 0 };
  const functions = symbols.functions();
  for (const segment of segments) {
    if (!segment.permissions.includes('x')) continue;
    for (const { vaddr, sizeBytes } of runsOf([segment])) {
      // As it lies in memory: whole pages, zero around the segment.
      const bytes = new Uint8Array(sizeBytes);
      bytes.set(segment.contents, segment.vaddr - vaddr);
      const hints = Array.from(functions.extents(vaddr, sizeBytes), ({ start }) => start);
      const translation = new Translation(new Text(vaddr, bytes), hints);
      const { bytes: module, functions: translated } = translation.translateRest();
      size.bytes += module.length;
      size.functions += translated.length;
      for (const index of translated) size.instructions += translation.lengthOf(index);
    }
  }
  return size;
}
