/**
 * Replaces the contents of sections in an image's file, as `objcopy --update-section` does: nothing
 * else is changed.
 */

import type { EncodedSection } from './config/section.ts';
import { SHT_NOBITS } from './format.ts';
import { type ElfImage, sectionNamed } from './image.ts';

export type Rewritten =
  | {
      readonly ok: true;
      readonly file: Uint8Array;
      /** Sections that the image does not have. */
      readonly missing: readonly string[];
    }
  /** One line: what is wrong and what to do, without the name of the file. */
  | { readonly ok: false; readonly problem: string };

/** @param sections without words that are left open: a file has no place for these */
export function rewriteSections(image: ElfImage, sections: readonly EncodedSection[]): Rewritten {
  const file = image.file.slice();
  const missing: string[] = [];
  for (const { name, bytes } of sections) {
    const section = sectionNamed(image, name);
    if (section === undefined) {
      missing.push(name);
      continue;
    }
    if (section.sizeBytes !== bytes.length) {
      const sizes = `${section.sizeBytes} bytes instead of ${bytes.length}`;
      return {
        ok: false,
        problem: `section '${name}' has ${sizes}; build the image with sDDF 0.7`,
      };
    }
    if (section.type === SHT_NOBITS) {
      const problem = `section '${name}' has no bytes in the file; initialise the variable in it`;
      return { ok: false, problem };
    }
    file.set(bytes, section.fileOffset);
  }
  return { ok: true, file, missing };
}
