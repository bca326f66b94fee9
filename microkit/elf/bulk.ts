/**
 * Which functions of an image an engine does at once instead of executing them: see
 * `riscv/bulk/functions.ts`.
 */

import {
  BULK_NAMES,
  type BulkFunction,
  type BulkName,
  whyExecuted,
} from '../../riscv/bulk/functions.ts';
import type { ElfImage } from './image.ts';

/** A function of one of the names, and why it is executed all the same, if it is. */
export interface BulkCandidate {
  readonly name: BulkName;
  readonly function: BulkFunction | undefined;
  readonly executed: string | undefined;
}

/** @returns those that there are, in the order of `BULK_NAMES` */
export function bulkCandidates(image: ElfImage): readonly BulkCandidate[] {
  return BULK_NAMES.flatMap((name): readonly BulkCandidate[] => {
    const symbol = image.symbols.find(name);
    if (symbol === 'missing') return [];
    if (symbol === 'ambiguous') {
      return [{ name, function: undefined, executed: 'several have this name' }];
    }
    const { value: vaddr, sizeBytes } = symbol;
    const code = codeAt(image, vaddr, sizeBytes);
    if (code === undefined) return [{ name, function: undefined, executed: 'it is no code' }];
    const found = { name, vaddr, code };
    return [{ name, function: found, executed: whyExecuted(found) }];
  });
}

/** @returns those of {@link bulkCandidates} that are done at once */
export function bulkFunctions(image: ElfImage): readonly BulkFunction[] {
  return bulkCandidates(image).flatMap((each) =>
    each.function === undefined || each.executed !== undefined ? [] : [each.function],
  );
}

function codeAt({ segments }: ElfImage, vaddr: number, sizeBytes: number): Uint8Array | undefined {
  const segment = segments.find(
    (each) => vaddr >= each.vaddr && vaddr + sizeBytes <= each.vaddr + each.contents.length,
  );
  if (segment === undefined || !segment.permissions.includes('x') || vaddr % 2 !== 0) {
    return undefined;
  }
  return segment.contents.subarray(vaddr - segment.vaddr, vaddr - segment.vaddr + sizeBytes);
}
