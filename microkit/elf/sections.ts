/**
 * The section headers: names and places. They load nothing; configuration sections and the symbol
 * table are found by them.
 */

import { hex } from '../../memory/hex.ts';
import { HEADER, SECTION_HEADER, SHT_NOBITS, SHT_NULL, word64 } from './format.ts';
import type { Read, Section } from './image.ts';

/**
 * Sections that an image may have. One for each function (-ffunction-sections) is gone after
 * linking: 20 to 40 remain.
 */
const SECTIONS_MAX = 4096;
/** Characters of a section's name that are kept. */
const NAME_LENGTH_MAX = 128;

interface Header {
  readonly index: number;
  readonly nameOffset: number;
  readonly section: Omit<Section, 'name'>;
  /** Number of the section that this one refers to. */
  readonly link: number;
}

export type LinkedSection = Section & { readonly link: number };

/** @returns no sections for a file that has no headers of them */
export function readSections(file: Uint8Array, view: DataView): Read<readonly LinkedSection[]> {
  const count = view.getUint16(HEADER.shnum, true);
  const start = word64(view, HEADER.shoff);
  if (count === 0 && start === 0) return { ok: true, value: [] };
  const problem = checkTable(count, start, view);
  if (problem !== undefined) return { ok: false, problem };
  const headers: Header[] = [];
  for (let index = 0; index < count; index += 1) {
    const read = readHeader(file, view, { index, at: start + index * SECTION_HEADER.SIZE });
    if (!read.ok) return read;
    headers.push(read.value);
  }
  const names = headers[view.getUint16(HEADER.shstrndx, true)]?.section.contents;
  if (names === undefined) {
    return { ok: false, problem: 'has no names of sections; build or copy it again' };
  }
  const named = headers.map(({ section, nameOffset, link }) => ({
    ...section,
    name: textAt(names, nameOffset, NAME_LENGTH_MAX),
    link,
  }));
  return { ok: true, value: named.filter(({ type }) => type !== SHT_NULL) };
}

function checkTable(count: number, start: number, view: DataView): string | undefined {
  if (count === 0 || count > SECTIONS_MAX) {
    const written = count === 0 ? 'over 65279' : String(count);
    return `has ${written} sections, and ${SECTIONS_MAX} are the most; link with -T microkit.ld`;
  }
  const size = view.getUint16(HEADER.shentsize, true);
  if (size !== SECTION_HEADER.SIZE) {
    return `has section headers of ${size} bytes instead of ${SECTION_HEADER.SIZE}; build or copy it again`;
  }
  if (start + count * SECTION_HEADER.SIZE > view.byteLength) {
    return `ends before its section headers at ${hex(start)}; build or copy it again`;
  }
  return undefined;
}

function readHeader(
  file: Uint8Array,
  view: DataView,
  { index, at }: { readonly index: number; readonly at: number },
): Read<Header> {
  const type = view.getUint32(at + SECTION_HEADER.type, true);
  const fileOffset = word64(view, at + SECTION_HEADER.offset);
  const sizeBytes = word64(view, at + SECTION_HEADER.size);
  const isInFile = type !== SHT_NULL && type !== SHT_NOBITS;
  if (isInFile && fileOffset + sizeBytes > file.length) {
    return { ok: false, problem: `ends within section ${index}; build or copy it again` };
  }
  const contents = isInFile
    ? file.subarray(fileOffset, fileOffset + sizeBytes)
    : file.subarray(0, 0);
  return {
    ok: true,
    value: {
      index,
      nameOffset: view.getUint32(at + SECTION_HEADER.name, true),
      link: view.getUint32(at + SECTION_HEADER.link, true),
      section: {
        index,
        type,
        flags: view.getUint32(at + SECTION_HEADER.flags, true),
        vaddr: word64(view, at + SECTION_HEADER.addr),
        sizeBytes,
        fileOffset,
        contents,
      },
    },
  };
}

/**
 * A text that ends with a zero byte, or with the table. Whatever is no printable ASCII character
 * becomes a question mark: names are shown on terminals, and these obey some characters.
 */
export function textAt(table: Uint8Array, offset: number, lengthMax: number): string {
  let text = '';
  for (let at = offset; at < table.length && text.length < lengthMax; at += 1) {
    const code = table[at] ?? 0;
    if (code === 0) break;
    text += code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '?';
  }
  return text;
}
