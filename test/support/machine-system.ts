/** Systems whose domains run words of a test, without a compiler and without an ELF file. */

import type { ElfImage } from '../../microkit/elf/image.ts';
import { machineRuntime } from '../../microkit/runtime/machine-image.ts';
import type { MachineProgram } from '../../microkit/runtime/machine-program.ts';
import { IMAGE_BASE, PAGE_BYTES } from '../../microkit/slots.ts';

export const TEXT = IMAGE_BASE;
/** A page for reading and writing. */
export const DATA = 0x30_0000;

/** @returns an image with its text at {@link TEXT} and a page of zeros at {@link DATA} */
export function machineProgram(text: Uint8Array): MachineProgram {
  const pages = Array.from({ length: Math.ceil(text.length / PAGE_BYTES) }, (_, page) => ({
    vaddr: TEXT + page * PAGE_BYTES,
    permissions: 'rx' as const,
    bytes: text.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES),
  }));
  const data = { vaddr: DATA, permissions: 'rw' as const, bytes: new Uint8Array(0) };
  const plan = {
    entry: TEXT,
    pages: [...pages, data],
    runs: [
      { vaddr: TEXT, sizeBytes: pages.length * PAGE_BYTES, pageBytes: PAGE_BYTES },
      { vaddr: DATA, sizeBytes: PAGE_BYTES, pageBytes: PAGE_BYTES },
    ],
    addressWords: [],
    isBenchmark: false,
    notes: [],
  };
  const image: ElfImage = {
    entry: TEXT,
    segments: [],
    sections: [],
    symbols: {
      count: 0,
      find: () => 'missing',
      functions: () => ({ count: 0, at: () => undefined, extents: () => [] }),
    },
    hasLines: false,
    file: text,
  };
  return { path: 'words of a test', image, plan, runtime: machineRuntime };
}
