/**
 * What has been executed of source files: lines, functions, and both outcomes of each conditional
 * branch; merged over all domains that executed code from them.
 */

import { SHF_EXECINSTR } from '../../microkit/elf/format.ts';
import type { ElfImage, FunctionIndex } from '../../microkit/elf/image.ts';
import { type CoverageMap, type CoveredText, NOTED } from '../../riscv/coverage/map.ts';
import { instructionAt, isConditionalBranch, straightFrom } from '../../riscv/coverage/straight.ts';
import type { LineRange } from '../dwarf/lines.ts';

export interface FunctionCoverage {
  readonly line: number;
  isExecuted: boolean;
}

/** Of one conditional branch. */
export interface BranchCoverage {
  isReached: boolean;
  isTaken: boolean;
  isNotTaken: boolean;
}

export interface SourceCoverage {
  /** By line that has instructions: whether one of them was executed. */
  readonly lines: Map<number, boolean>;
  /** By name. */
  readonly functions: Map<string, FunctionCoverage>;
  /**
   * By line, and there by place in the machine code: the function, its length, and the bytes from
   * its beginning. The same function in several images is the same place.
   */
  readonly branches: Map<number, Map<string, BranchCoverage>>;
}

/** By path. */
export type Sources = Map<string, SourceCoverage>;

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

/** Adds what one domain has executed of its image. */
export function addCoverage(
  sources: Sources,
  image: ElfImage,
  ranges: readonly LineRange[],
  map: CoverageMap,
): void {
  const functions = image.symbols.functions();
  const executed = executedOf(image, map);
  const begun = new Set<number>();
  for (const range of ranges) {
    const bytes = bytesAt(image, range.start);
    if (bytes === undefined) continue;
    const source = sourceOf(sources, range.path);
    // Of several lines at one address, the function's own comes first.
    if (!begun.has(range.start)) addFunction(source, functions, range, executed.has(range.start));
    begun.add(range.start);
    const length = Math.min(range.end - range.start, bytes.length);
    for (let at = 0; at < length;) {
      const instruction = instructionAt(bytes, at);
      if (instruction === undefined) break;
      const pc = range.start + at;
      const isExecuted = executed.has(pc);
      source.lines.set(range.line, source.lines.get(range.line) === true || isExecuted);
      if (isConditionalBranch(instruction)) {
        addBranch(source, placeOf(functions, pc), { pc, line: range.line, isExecuted, map });
      }
      at += instruction.length;
    }
  }
}

function addFunction(
  { functions }: SourceCoverage,
  index: FunctionIndex,
  { start, line }: LineRange,
  isExecuted: boolean,
): void {
  const place = index.at(start);
  if (place?.offset !== 0) return;
  const known = functions.get(place.name);
  if (known === undefined) functions.set(place.name, { line, isExecuted });
  else known.isExecuted ||= isExecuted;
}

function addBranch(
  { branches }: SourceCoverage,
  place: string,
  at: {
    readonly pc: number;
    readonly line: number;
    readonly isExecuted: boolean;
    readonly map: CoverageMap;
  },
): void {
  const ofLine = branches.get(at.line) ?? new Map<string, BranchCoverage>();
  branches.set(at.line, ofLine);
  const known = ofLine.get(place) ?? { isReached: false, isTaken: false, isNotTaken: false };
  ofLine.set(place, known);
  known.isReached ||= at.isExecuted;
  known.isTaken ||= at.map.has(at.pc, NOTED.taken);
  known.isNotTaken ||= at.map.has(at.pc, NOTED.notTaken);
}

function placeOf(functions: FunctionIndex, pc: number): string {
  const place = functions.at(pc);
  if (place === undefined) return `${pc}`;
  const start = pc - place.offset;
  const [extent] = functions.extents(start, Number.MAX_SAFE_INTEGER - start);
  return `${place.name} ${extent === undefined ? 0 : extent.end - start} ${place.offset}`;
}

/** Addresses of instructions that were executed. */
function executedOf(image: ElfImage, map: CoverageMap): ReadonlySet<number> {
  const executed = new Set<number>();
  const { vaddr, sizeBytes } = map.text;
  for (let begin = vaddr; begin < vaddr + sizeBytes; begin += 2) {
    if (!map.has(begin, NOTED.begun)) continue;
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

function sourceOf(sources: Sources, path: string): SourceCoverage {
  const known = sources.get(path);
  if (known !== undefined) return known;
  const made: SourceCoverage = { lines: new Map(), functions: new Map(), branches: new Map() };
  sources.set(path, made);
  return made;
}
