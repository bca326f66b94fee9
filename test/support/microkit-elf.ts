// An image as libmicrokit's linker script makes it: text at 0x200000, data behind it, the patched
// variables in .bss.

import {
  writeElf,
  type WrittenElf,
  type WrittenSection,
  type WrittenSymbol,
} from './elf-writer.ts';

export const TEXT = 0x20_0000;
export const DATA = 0x20_2000;
export const BSS = 0x20_3000;
const TEXT_BYTES = 0x1234;

export interface MicrokitElfOptions {
  /**
   * Sections inside .data, with their bytes; they begin at {@link DATA} one after the other,
   * aligned to 8.
   */
  readonly configuration?: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** Further variables of 8 bytes, one after the other behind those of libmicrokit. */
  readonly words?: readonly string[];
  readonly symbols?: readonly WrittenSymbol[];
  readonly change?: (elf: WrittenElf) => WrittenElf;
}

/** Where the first of {@link MicrokitElfOptions.words} lies. */
export const FIRST_WORD = BSS + 0x80;

export function microkitElf(options: MicrokitElfOptions = {}): Uint8Array {
  const { configuration = [], words = [] } = options;
  const data = new Uint8Array(
    0x100 + configuration.reduce((sum, { bytes }) => sum + bytes.length + 8, 0),
  ).fill(0xd5);
  const sections: WrittenSection[] = [{ name: '.text', vaddr: TEXT, bytes: text(), flags: 6 }];
  let at = DATA;
  for (const { name, bytes } of configuration) {
    sections.push({ name, vaddr: at, bytes, flags: 3 });
    at += Math.ceil(bytes.length / 8) * 8;
  }
  // Big configuration sections push .bss up, by whole pages.
  const bss = BSS + Math.max(0, Math.ceil((DATA + data.length - BSS) / 4096)) * 4096;
  const variables: readonly (readonly [string, number, number])[] = [
    ['microkit_name', 0, 64],
    ['microkit_passive', 64, 1],
    ['microkit_irqs', 72, 8],
    ['microkit_notifications', 80, 8],
    ['microkit_pps', 88, 8],
    ['microkit_ioports', 96, 8],
    ...words.map((word, index) => [word, 0x80 + 8 * index, 8] as const),
  ];
  const symbols: readonly WrittenSymbol[] = [
    { name: '_start', value: TEXT, size: 0, type: 0 },
    { name: 'init', value: TEXT + 0x40, size: 0x20, type: 2 },
    { name: 'notified', value: TEXT + 0x60, size: 0x100, type: 2 },
    ...variables.map(([name, offset, size]) => ({ name, value: bss + offset, size })),
    ...(options.symbols ?? []),
  ];
  const elf: WrittenElf = {
    entry: TEXT,
    segments: [
      { vaddr: TEXT, bytes: text(), flags: 5 },
      { vaddr: DATA, bytes: data, memoryBytes: bss - DATA + 0x1800, flags: 6 },
    ],
    sections,
    symbols,
  };
  return writeElf(options.change?.(elf) ?? elf);
}

function text(): Uint8Array {
  return Uint8Array.from({ length: TEXT_BYTES }, (_, index) => index % 251);
}
