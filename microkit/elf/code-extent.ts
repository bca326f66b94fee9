/**
 * Where the code is in a segment that may be executed and written, too: from its first section with
 * instructions to its last.
 */

import { SHF_EXECINSTR } from './format.ts';
import type { ElfImage, Extent } from './image.ts';

/** @returns undefined when no section says so */
export function codeExtent(
  { sections }: ElfImage,
  vaddr: number,
  sizeBytes: number,
): Extent | undefined {
  const code = sections.filter(
    (each) =>
      (each.flags & SHF_EXECINSTR) !== 0 && each.vaddr >= vaddr && each.vaddr < vaddr + sizeBytes,
  );
  if (code.length === 0) return undefined;
  return {
    start: Math.min(...code.map((each) => each.vaddr)),
    end: Math.max(...code.map((each) => each.vaddr + each.sizeBytes)),
  };
}
