/**
 * Which line of which source file each instruction of an image comes from: its `.debug_line`, of
 * DWARF 2 to 5. What is wrong comes back as one line; nothing is thrown.
 */

import type { ElfImage } from '../../microkit/elf/image.ts';
import { sectionNamed } from '../../microkit/elf/image.ts';
import { Cursor } from './cursor.ts';
import { readFiles, type Texts, type UnitFormat } from './file-table.ts';
import { type ProgramFormat, runLineProgram, type Sequence } from './line-program.ts';

/**
 * Instructions from `start` up to `end` that come from one line; none where both are equal: the
 * line begins there, and has left nothing to execute.
 */
export interface LineRange {
  readonly start: number;
  readonly end: number;
  readonly path: string;
  readonly line: number;
}

export type LinesResult =
  | { readonly ok: true; readonly ranges: readonly LineRange[] }
  /** One line: what is wrong and what to do, without the name of the file. */
  | { readonly ok: false; readonly problem: string };

const BUILD = 'compile and link it with -g';
const DWARF_64 = 0xffff_ffff;
const NONE = new Uint8Array(0);

/** @returns ranges in the order of the table */
export function readLines(image: ElfImage): LinesResult {
  const section = sectionNamed(image, '.debug_line');
  if (section === undefined || section.contents.length === 0) {
    return { ok: false, problem: `has no line information; ${BUILD}` };
  }
  const texts = {
    lineStr: sectionNamed(image, '.debug_line_str')?.contents ?? NONE,
    str: sectionNamed(image, '.debug_str')?.contents ?? NONE,
  };
  return readLineSection(section.contents, texts);
}

/**
 * Reads every line program of `.debug_line`. The bytes are believed in nothing: what does not hold
 * is a problem, in one line.
 */
export function readLineSection(bytes: Uint8Array, texts: Texts): LinesResult {
  const ranges: LineRange[] = [];
  const cursor = new Cursor(bytes);
  while (cursor.left > 0) {
    const unit = readUnit(cursor, texts);
    if ('problem' in unit) {
      return { ok: false, problem: `its .debug_line ${unit.problem}; ${BUILD} once more` };
    }
    for (const sequence of unit.sequences) addRanges(ranges, sequence, unit.files);
  }
  return { ok: true, ranges };
}

interface Unit {
  readonly files: readonly string[];
  readonly sequences: readonly Sequence[];
}

/** Reads a unit, and puts the cursor behind it. */
function readUnit(section: Cursor, texts: Texts): Unit | { readonly problem: string } {
  const first = section.u32();
  const offsetBytes = first === DWARF_64 ? 8 : 4;
  const length = first === DWARF_64 ? section.u64() : first;
  if (section.isOverrun || length > section.left) return { problem: 'is cut short' };
  const cursor = new Cursor(section.bytes, section.at, section.at + length);
  section.skip(length);
  const version = cursor.u16();
  if (version < 2 || version > 5) return { problem: `has DWARF version ${version}, not 2 to 5` };
  return readBody(cursor, { version, offsetBytes }, texts);
}

function readBody(
  cursor: Cursor,
  format: UnitFormat,
  texts: Texts,
): Unit | { readonly problem: string } {
  const { version, offsetBytes } = format;
  if (version >= 5) cursor.skip(2); // sizes of addresses and segment selectors
  const headerLength = offsetBytes === 8 ? cursor.u64() : cursor.u32();
  if (headerLength > cursor.left) return { problem: 'is cut short' };
  const programAt = cursor.at + headerLength;
  const program = readProgramFormat(cursor, version);
  if ('problem' in program) return program;
  const files = readFiles(cursor, format, texts);
  if ('problem' in files) return files;
  if (cursor.isOverrun || cursor.at > programAt)
    return { problem: 'has a header that is too long' };
  const sequences = runLineProgram(new Cursor(cursor.bytes, programAt, cursor.end), program);
  return 'problem' in sequences ? sequences : { files, sequences };
}

function readProgramFormat(
  cursor: Cursor,
  version: number,
): ProgramFormat | { readonly problem: string } {
  const instructionBytes = cursor.u8();
  const operationsEach = version >= 4 ? cursor.u8() : 1;
  if (operationsEach !== 1) return { problem: 'is for a machine with long instruction words' };
  cursor.skip(1); // whether a row is a statement unless told
  const lineBase = cursor.i8();
  const lineRange = cursor.u8();
  const opcodeBase = cursor.u8();
  if (lineRange === 0 || opcodeBase === 0) return { problem: 'has a header with a zero in it' };
  const operands: number[] = [];
  while (operands.length < opcodeBase - 1) operands.push(cursor.u8());
  return { instructionBytes, lineBase, lineRange, opcodeBase, operands };
}

/** A sequence at 0 is of code that the linker has left out. */
function addRanges(ranges: LineRange[], rows: Sequence, files: readonly string[]): void {
  if ((rows[0]?.address ?? 0) === 0) return;
  for (let index = 0; index + 1 < rows.length; index += 1) {
    const { address: start, file, line } = rows[index] as Sequence[number];
    const { address: end } = rows[index + 1] as Sequence[number];
    const path = files[file];
    if (end >= start && line > 0 && path !== undefined) ranges.push({ start, end, path, line });
  }
}
