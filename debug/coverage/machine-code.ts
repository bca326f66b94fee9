/** Coverage of images: notes of what was executed become lines, by the image's line table. */

import { SHF_EXECINSTR } from '../../microkit/elf/format.ts';
import type { ElfImage, FunctionIndex } from '../../microkit/elf/image.ts';
import { type CoverageNotes, type CoveredText, NOTED } from '../../riscv/coverage/map.ts';
import { instructionAt, isConditionalBranch, straightFrom } from '../../riscv/coverage/straight.ts';
import type { LineRange } from '../dwarf/lines.ts';
import { addBranch, addFunction, addLine, sourceOf, type Sources } from './source-coverage.ts';

/** @returns the addresses of an image that may be executed: from its first code to its last */
export function textOf({ sections, segments }: ElfImage): CoveredText {
  const code = sections.filter(({ flags }) => (flags & SHF_EXECINSTR) !== 0);
  const parts =
    code.length > 0
      ? code
      : segments
          .filter(({ permissions }) => permissions.includes('x'))
          .map(({ vaddr, contents }) => ({ vaddr, sizeBytes: contents.length }));
  const vaddr = Math.min(...parts.map((each) => each.vaddr));
  const end = Math.max(...parts.map((each) => each.vaddr + each.sizeBytes));
  return { vaddr, sizeBytes: end - vaddr };
}

/** Adds what has been executed of an image. */
export function addMachineCode(
  sources: Sources,
  image: ElfImage,
  ranges: readonly LineRange[],
  notes: CoverageNotes,
): void {
  const functions = image.symbols.functions();
  const executed = executedOf(image, notes);
  const begun = new Set<number>();
  for (const range of ranges) {
    const bytes = bytesAt(image, range.start);
    if (bytes === undefined) continue;
    const source = sourceOf(sources, range.path);
    // Of several lines at one address, the function's own comes first.
    const place = begun.has(range.start) ? undefined : functions.at(range.start);
    begun.add(range.start);
    if (place?.offset === 0) {
      const isExecuted = executed.has(range.start);
      addFunction(source, place.name, { line: range.line, isExecuted });
    }
    const length = Math.min(range.end - range.start, bytes.length);
    for (let at = 0; at < length;) {
      const instruction = instructionAt(bytes, at);
      if (instruction === undefined) break;
      const pc = range.start + at;
      const isReached = executed.has(pc);
      addLine(source, range.line, isReached);
      if (isConditionalBranch(instruction)) {
        const outcomes = [notes.has(pc, NOTED.taken), notes.has(pc, NOTED.notTaken)];
        addBranch(source, range.line, placeOf(functions, pc), { isReached, outcomes });
      }
      at += instruction.length;
    }
  }
}

/**
 * The function, its length, and the bytes from its beginning. The same function in several images
 * is the same place.
 */
function placeOf(functions: FunctionIndex, pc: number): string {
  const place = functions.at(pc);
  if (place === undefined) return `${pc}`;
  const start = pc - place.offset;
  const [extent] = functions.extents(start, Number.MAX_SAFE_INTEGER - start);
  return `${place.name} ${extent === undefined ? 0 : extent.end - start} ${place.offset}`;
}

/** Addresses of instructions that were executed. */
function executedOf(image: ElfImage, notes: CoverageNotes): ReadonlySet<number> {
  const executed = new Set<number>();
  const { vaddr, sizeBytes } = notes.text;
  for (let begin = vaddr; begin < vaddr + sizeBytes; begin += 2) {
    if (!notes.has(begin, NOTED.begun)) continue;
    const bytes = bytesAt(image, begin);
    if (bytes === undefined) continue;
    for (const { pc } of straightFrom(bytes, begin, begin)) {
      // From there on it has been followed already.
      if (executed.has(pc)) break;
      executed.add(pc);
    }
  }
  return executed;
}

/** @returns the image's bytes from an address on; undefined for one that is no code */
function bytesAt({ segments }: ElfImage, vaddr: number): Uint8Array | undefined {
  const segment = segments.find(
    (each) => vaddr >= each.vaddr && vaddr < each.vaddr + each.contents.length,
  );
  if (segment === undefined || !segment.permissions.includes('x')) return undefined;
  return segment.contents.subarray(vaddr - segment.vaddr);
}
