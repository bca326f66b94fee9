/**
 * Reads a Microkit program image: ELF64, little-endian, RISC-V, statically linked.
 *
 * The file is somebody else's, and every number in it is held against the file's length or a limit
 * before it is used. The image keeps views of the file and never copies: what it allocates depends
 * on the counts of headers, which are limited, and not on sizes that the file states. Nothing is
 * thrown: what is wrong comes back as one line that says what to do.
 *
 * Source: System V ABI, chapter 4; RISC-V ELF psABI; Microkit tool, `elf.rs`, for what it insists
 * on.
 */

import { hex } from '../../memory/hex.ts';
import { HEADER, word64 } from './format.ts';
import { checkHeader } from './header.ts';
import type { ElfImage, Segment } from './image.ts';
import { readSections } from './sections.ts';
import { readSegments } from './segments.ts';
import { readSymbols } from './symbols.ts';

/** Bytes that the segments of one image may need in memory, unless told: `--image-limit`. */
export const IMAGE_LIMIT_BYTES = 0x400_0000;
/**
 * A file longer than this is refused before it is read: an image with all of its line information
 * stays far below.
 */
export const IMAGE_FILE_BYTES_MAX = 0x1000_0000;

export type ElfResult =
  | { readonly ok: true; readonly image: ElfImage }
  /** One line: what is wrong and what to do, without the name of the file. */
  | { readonly ok: false; readonly problem: string };

/** Limits: what a file states is not believed. */
export interface ElfOptions {
  /** See {@link IMAGE_LIMIT_BYTES}. */
  readonly imageLimitBytes?: number;
}

/** Reads a whole file. It is not copied, and must not change while the image is used. */
export function readElf(file: Uint8Array, options: ElfOptions = {}): ElfResult {
  if (file.length > IMAGE_FILE_BYTES_MAX) return refuse(tooLong(file.length));
  const wrong = checkHeader(file);
  if (wrong !== undefined) return refuse(wrong);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const limit = options.imageLimitBytes ?? IMAGE_LIMIT_BYTES;
  const segments = readSegments(file, view, limit);
  if (!segments.ok) return segments;
  const sections = readSections(file, view);
  if (!sections.ok) return sections;
  const symbols = readSymbols(sections.value);
  if (!symbols.ok) return symbols;
  const entry = word64(view, HEADER.entry);
  const badEntry = checkEntry(entry, segments.value);
  if (badEntry !== undefined) return refuse(badEntry);
  return {
    ok: true,
    image: {
      entry,
      segments: segments.value,
      sections: sections.value,
      symbols: symbols.value,
      hasLines: sections.value.some(({ name }) => name === '.debug_line'),
      file,
    },
  };
}

/** What to say of a file that is too long to be read. */
export function tooLong(bytes: number): string {
  const most = IMAGE_FILE_BYTES_MAX / 0x10_0000;
  return `has ${bytes} bytes, and an image may have ${most} MiB; strip its debug information with objcopy -g`;
}

function refuse(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}

function checkEntry(entry: number, segments: readonly Segment[]): string | undefined {
  const inside = segments.find(
    ({ vaddr, memoryBytes }) => entry >= vaddr && entry < vaddr + memoryBytes,
  );
  if (inside === undefined) {
    return `its entry ${hex(entry)} lies in no segment; link with -T microkit.ld`;
  }
  if (!inside.permissions.includes('x')) {
    return `its entry ${hex(entry)} lies in a segment that is not executable; link with -T microkit.ld`;
  }
  if (entry % 2 !== 0) return `its entry ${hex(entry)} is odd; link with -T microkit.ld`;
  return undefined;
}
