/** Program images as files: an ELF file is read, and refused in one line with its name. */

import { firstBytes, readBounded } from '../../host/bounded-file.ts';
import { UserMistake } from '../../host/problem.ts';
import { isElf } from '../../microkit/elf/format.ts';
import type { ElfImage } from '../../microkit/elf/image.ts';
import {
  type ElfOptions,
  IMAGE_FILE_BYTES_MAX,
  readElf,
  tooLong,
} from '../../microkit/elf/reader.ts';

const MAGIC_BYTES = 4;

/**
 * Whether a file is a program image: its first bytes say so, whatever its name.
 * @throws UserMistake
 */
export function isElfFile(path: string): boolean {
  return isElf(firstBytes(path, MAGIC_BYTES));
}

/** @throws UserMistake */
export function readImageFile(path: string, options: ElfOptions = {}): ElfImage {
  const read = readBounded(path, IMAGE_FILE_BYTES_MAX);
  if (read.kind === 'too long') throw new UserMistake(`${path}: ${tooLong(read.lengthBytes)}`);
  const result = readElf(read.bytes, options);
  if (!result.ok) throw new UserMistake(`${path}: ${result.problem}`);
  return result.image;
}

/** Images by path: several domains may run one, and it is read once. */
export class ImageCache {
  readonly #options: ElfOptions;
  readonly #known = new Map<string, ElfImage | undefined>();

  constructor(options: ElfOptions) {
    this.#options = options;
  }

  /** @returns undefined for a file that is no ELF file @throws UserMistake */
  read(path: string): ElfImage | undefined {
    if (!this.#known.has(path)) {
      this.#known.set(path, isElfFile(path) ? readImageFile(path, this.#options) : undefined);
    }
    return this.#known.get(path);
  }
}
