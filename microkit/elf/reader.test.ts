// Goal: an image is read as it was written, and each way in which a file can be no image of this
// machine has its own line. Method: a writer of ELF files that shares nothing with the reader; one
// change at a time.

import { describe, expect, it } from 'vitest';
import type { WrittenElf, WrittenSegment } from '../../test/support/elf-writer.ts';
import { writeElf } from '../../test/support/elf-writer.ts';
import { BSS, DATA, microkitElf, TEXT } from '../../test/support/microkit-elf.ts';
import { type ElfResult, IMAGE_FILE_BYTES_MAX, readElf } from './reader.ts';
import type { ElfImage } from './image.ts';
import { sectionNamed } from './image.ts';

function image(file: Uint8Array): ElfImage {
  const result = readElf(file);
  if (!result.ok) throw new Error(result.problem);
  return result.image;
}

function problem(result: ElfResult): string {
  return result.ok ? 'no problem' : result.problem;
}

function changed(change: (elf: WrittenElf) => WrittenElf): string {
  return problem(readElf(microkitElf({ change })));
}

/** The image with bytes of its file changed. */
function poked(at: number, bytes: readonly number[]): string {
  const file = microkitElf();
  file.set(bytes, at);
  return problem(readElf(file));
}

describe('an image', () => {
  it('has segments with rights, contents and zeros behind them', () => {
    const { entry, segments } = image(microkitElf());

    expect(entry).toBe(TEXT);
    expect(segments.map(({ vaddr, permissions }) => [vaddr, permissions])).toEqual([
      [TEXT, 'rx'],
      [DATA, 'rw'],
    ]);
    expect(segments[0]?.contents.subarray(0, 3)).toEqual(Uint8Array.of(0, 1, 2));
    expect(segments[0]?.memoryBytes).toBe(0x1234);
    expect(segments[1]?.contents.length).toBe(0x100);
    expect(segments[1]?.memoryBytes).toBe(0x2800);
  });

  it('has sections by name, with their place in the file and in memory', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const file = microkitElf({ configuration: [{ name: '.timer_client_config', bytes }] });

    const section = sectionNamed(image(file), '.timer_client_config');

    expect(section?.vaddr).toBe(DATA);
    expect(section?.contents).toEqual(bytes);
    expect(file.subarray(section?.fileOffset, (section?.fileOffset ?? 0) + 6)).toEqual(bytes);
    expect(sectionNamed(image(file), '.timer_client_confi')).toBeUndefined();
  });

  it('has symbols by name', () => {
    const symbols = [
      { name: 'twice', value: BSS + 16, size: 8 },
      { name: 'twice', value: BSS + 24, size: 8 },
      { name: 'elsewhere', value: 0, size: 0, section: 0 },
    ];
    const { symbols: table } = image(microkitElf({ symbols }));

    expect(table.find('microkit_irqs')).toEqual({
      name: 'microkit_irqs',
      value: BSS + 72,
      sizeBytes: 8,
    });
    expect(table.find('microkit_irq')).toBe('missing');
    expect(table.find('twice')).toBe('ambiguous');
    expect(table.find('elsewhere')).toBe('missing');
  });

  it('says which function an address lies in', () => {
    const functions = image(microkitElf()).symbols.functions();

    expect(functions.at(TEXT + 0x60)).toEqual({ name: 'notified', offset: 0 });
    expect(functions.at(TEXT + 0x15e)).toEqual({ name: 'notified', offset: 0xfe });
    expect(functions.at(TEXT + 0x160)).toBeUndefined();
    expect(functions.at(TEXT + 0x3e)).toEqual({ name: '_start', offset: 0x3e });
    expect(functions.at(TEXT - 2)).toBeUndefined();
  });

  it('has one name for a place with several: that of a function', () => {
    const symbols = [
      { name: '_init_text', value: TEXT + 0x40, size: 0, type: 0 },
      { name: '$x', value: TEXT + 0x60, size: 0, type: 0 },
      { name: '_text', value: TEXT, size: 0, type: 0 },
    ];
    const functions = image(microkitElf({ symbols })).symbols.functions();

    expect(functions.at(TEXT)?.name).toBe('_start');
    expect(functions.at(TEXT + 0x48)?.name).toBe('init');
    expect(functions.at(TEXT + 0x60)?.name).toBe('notified');
    expect([...functions.extents(TEXT, 0x70)].slice(-2)).toEqual([
      { start: TEXT + 0x40, end: TEXT + 0x60 },
      { start: TEXT + 0x60, end: TEXT + 0x70 },
    ]);
  });

  it('has no function behind the end of the code, where a linker script may put a label', () => {
    const end = TEXT + 0x1234;
    const symbols = [{ name: '_text_end', value: end, size: 0, type: 0 }];
    const functions = image(microkitElf({ symbols })).symbols.functions();

    expect(functions.at(end + 0x10)).toBeUndefined();
    expect([...functions.extents(end - 4, 0x1000)]).toEqual([]);
  });

  it('of a stripped file has no symbols', () => {
    const file = microkitElf();
    new DataView(file.buffer).setUint16(60, 0, true); // e_shnum
    new DataView(file.buffer).setBigUint64(40, 0n, true); // e_shoff

    expect(image(file).symbols.count).toBe(0);
    expect(image(file).sections).toEqual([]);
  });

  it('may begin within a page and be as large as the limit', () => {
    const segments = [
      { vaddr: 0x20_0800, bytes: new Uint8Array(8), memoryBytes: 0x1000, flags: 5 },
    ];
    const file = writeElf({ entry: 0x20_0800, segments, sections: [], symbols: [] });

    expect(readElf(file, { imageLimitBytes: 0x2000 }).ok).toBe(true);
    expect(problem(readElf(file, { imageLimitBytes: 0x1c00 }))).toBe(
      'needs 8 KiB of memory, over the limit of 7 KiB; --image-limit raises it',
    );
  });
});

describe('a file that is no image of this machine', () => {
  it.each([
    ['no ELF file', [0, [0x7e]], /^is no ELF file/],
    ['32 bits', [4, [1]], /^is not for 64 bits; compile with -march/],
    ['big-endian', [5, [2]], /^is not little-endian/],
    ['AArch64', [18, [183, 0]], /^is for AArch64, not RISC-V; build it for board/],
    ['x86-64', [18, [62, 0]], /^is for x86-64, not RISC-V/],
    ['a machine of the future', [18, [0xff, 0xff]], /^is for machine 65535, not RISC-V/],
    ['RV64E', [48, [8]], /^is for RV64E/],
    ['an object file', [16, [1, 0]], /^is an object file; link it/],
    ['position-independent', [16, [3, 0]], /^is position-independent; link it with -static/],
    ['a core dump', [16, [4, 0]], /^is a core dump/],
    ['another type', [16, [9, 0]], /^has ELF type 9/],
    ['another version', [20, [2]], /^has ELF version 1\/2/],
    ['dynamic', [64, [2]], /^is dynamically linked/],
    ['an interpreter', [64, [3]], /^is dynamically linked/],
    ['no program headers', [56, [0, 0]], /^has no program headers/],
    ['65535 program headers', [56, [0xff, 0xff]], /^has 65535 program headers, and 128 are/],
    ['long program headers', [54, [57]], /^has program headers of 57 bytes/],
    ['far program headers', [32, [0, 0, 0, 0, 0, 0, 0, 0xff]], /^ends before its program headers/],
    ['far section headers', [40, [0, 0, 0, 0, 0, 0, 0, 0xff]], /^ends before its section headers/],
    ['short section headers', [58, [63]], /^has section headers of 63 bytes/],
    ['65535 sections', [60, [0xff, 0xff]], /^has 65535 sections, and 4096 are/],
    ['no names', [62, [0xff, 0xff]], /^has no names of sections/],
    ['no rights', [68, [0]], /can be neither read nor executed/],
    ['only writable', [68, [2]], /can be neither read nor executed/],
    ['segment beyond the file', [72, [0, 0, 0, 0, 1]], /^ends within segment 0 at 0x200000/],
    ['segment beyond all', [80, [0, 0, 0, 0, 0, 0, 0, 0x80]], /lies beyond user space/],
    ['more in the file than in memory', [96, [0, 0, 1]], /has more bytes in the file than in/],
    ['entry nowhere', [24, [0, 0, 0x10]], /^its entry 0x100000 lies in no segment/],
    ['entry in data', [24, [0, 0x20, 0x20]], /^its entry 0x202000 lies in a segment that is not/],
    ['an odd entry', [24, [1]], /^its entry 0x200001 is odd/],
  ] as const)('says so: %s', (_, [at, bytes], expected) => {
    expect(poked(at, bytes)).toMatch(expected);
  });

  it('has a segment that ends beyond user space, by a byte', () => {
    const ending = (bytes: number): string =>
      changed((elf) => ({
        ...elf,
        segments: [
          elf.segments[0] as WrittenSegment,
          { vaddr: 0x3f_ffff_e000, bytes: new Uint8Array(0), memoryBytes: bytes, flags: 6 },
        ],
      }));

    expect(ending(0x1000)).toBe('no problem');
    expect(ending(0x1001)).toMatch(/^segment 1 at 0x3fffffe000 with 0x1001 bytes lies beyond user/);
  });

  it('has a section that ends beyond the file, by a byte', () => {
    const file = microkitElf();
    const view = new DataView(file.buffer);
    const size = Number(view.getBigUint64(40, true)) + 64 + 32; // of .text
    const offset = Number(view.getBigUint64(size - 8, true));
    view.setBigUint64(size, BigInt(file.length - offset), true);
    expect(problem(readElf(file))).toBe('no problem');
    view.setBigUint64(size, BigInt(file.length - offset + 1), true);
    expect(problem(readElf(file))).toBe('ends within section 1; build or copy it again');
  });

  it('says where it is truncated, wherever that is', () => {
    const file = microkitElf();
    const ends = new Set<string>();
    for (let length = 4; length < file.length; length += 1) {
      const result = readElf(file.subarray(0, length));
      expect(result.ok, `${length} bytes`).toBe(false);
      ends.add(problem(result).replaceAll(/\d+|0x[0-9a-f]+/g, 'N'));
    }
    expect([...ends].every((line) => line.startsWith('ends '))).toBe(true);
    expect(ends.size).toBeGreaterThanOrEqual(4);
  });

  it('has segments that overlap or share a page', () => {
    const second = (vaddr: number): string =>
      changed((elf) => ({
        ...elf,
        segments: [
          elf.segments[0] as WrittenSegment,
          { ...(elf.segments[1] as WrittenSegment), vaddr },
        ],
      }));

    expect(second(0x20_1233)).toMatch(/^segments 0 and 1 overlap at 0x201233/);
    expect(second(0x20_1234)).toMatch(/^segments 0 and 1 share the page 0x201000; align them/);
    expect(second(0x20_1fff)).toMatch(/^segments 0 and 1 share the page 0x201000/);
    expect(second(0x1f_f000)).toMatch(/^segments 1 and 0 overlap at 0x200000/);
  });

  it('is over the limit, or too long to be read at all', () => {
    const huge = changed((elf) => ({
      ...elf,
      segments: [
        elf.segments[0] as WrittenSegment,
        { ...(elf.segments[1] as WrittenSegment), memoryBytes: 0x3_0000_0000 },
      ],
    }));

    expect(huge).toMatch(/^needs 12289 MiB of memory, over the limit of 64 MiB; --image-limit/);
    const long = { length: IMAGE_FILE_BYTES_MAX + 1 } as Uint8Array;
    expect(problem(readElf(long))).toMatch(/^has 268435457 bytes, and an image may have 256 MiB/);
  });
});
