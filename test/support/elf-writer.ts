// Writes ELF64 files for tests, so that they need no compiler. Field offsets are typed again here,
// from the specification (System V ABI, chapter 4), and not shared with the reader: a wrong one
// would else pass every test.

export interface WrittenSegment {
  readonly vaddr: number;
  readonly bytes: Uint8Array;
  /** As many as `bytes` unless told. */
  readonly memoryBytes?: number;
  /** 4 read, 2 write, 1 execute. */
  readonly flags: number;
  /** 1, PT_LOAD, unless told. */
  readonly type?: number;
}

export interface WrittenSection {
  readonly name: string;
  readonly vaddr: number;
  readonly bytes: Uint8Array;
  /** 2 allocated, 1 writable, 4 executable. */
  readonly flags: number;
}

export interface WrittenSymbol {
  readonly name: string;
  readonly value: number;
  readonly size: number;
  /** 1 object, 2 function; 1 unless told. */
  readonly type?: number;
  /** Number of its section; 1 unless told. */
  readonly section?: number;
}

export interface WrittenElf {
  readonly entry: number;
  readonly segments: readonly WrittenSegment[];
  readonly sections: readonly WrittenSection[];
  readonly symbols: readonly WrittenSymbol[];
  /** 243, RISC-V, unless told. */
  readonly machine?: number;
  /** 2, an executable, unless told. */
  readonly type?: number;
}

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;

/**
 * The file: header, program headers, contents of segments, contents of sections that no segment
 * has, strings, symbols, section headers. A section inside a segment shares its bytes in the file,
 * as linkers do it.
 */
export function writeElf(elf: WrittenElf): Uint8Array {
  const out = new Output();
  out.reserve(HEADER_BYTES + PROGRAM_HEADER_BYTES * elf.segments.length);
  const places = elf.segments.map((segment) => {
    out.alignTo(4096, segment.vaddr % 4096);
    return out.append(segment.bytes);
  });
  const sectionPlaces = elf.sections.map((section) => place(out, section, elf.segments, places));
  const strings = new Strings();
  const symbolTable = symbolBytes(elf.symbols, strings);
  const symbolNames = out.append(strings.bytes());
  const symbols = out.append(symbolTable);
  const sectionNames = new Strings();
  const tables: readonly Header[] = [
    { name: '.strtab', type: 3, offset: symbolNames, size: strings.bytes().length },
    {
      name: '.symtab',
      type: 2,
      offset: symbols,
      size: symbolTable.length,
      link: elf.sections.length + 1,
      entsize: SYMBOL_BYTES,
    },
  ];
  const named: readonly Header[] = [
    { name: '', type: 0, offset: 0, size: 0 },
    ...elf.sections.map((section, index) => ({
      name: section.name,
      type: 1,
      flags: section.flags,
      vaddr: section.vaddr,
      offset: sectionPlaces[index] ?? 0,
      size: section.bytes.length,
    })),
    ...tables,
  ];
  const nameOffsets = [...named, { name: '.shstrtab' }].map(({ name }) => sectionNames.add(name));
  const namesAt = out.append(sectionNames.bytes());
  const all: readonly Header[] = [
    ...named,
    { name: '.shstrtab', type: 3, offset: namesAt, size: sectionNames.bytes().length },
  ];
  out.alignTo(8, 0);
  const headersAt = out.append(
    concat(all.map((header, index) => sectionHeader(header, nameOffsets[index] ?? 0))),
  );
  const headers = elf.segments.map((segment, index) => programHeader(segment, places[index] ?? 0));
  out.overwrite(HEADER_BYTES, concat(headers));
  out.overwrite(0, fileHeader(elf, headersAt, all.length));
  return out.bytes();
}

/**
 * @returns where a section's bytes are: inside those of the segment that has it, or behind
 * everything so far
 */
function place(
  out: Output,
  section: WrittenSection,
  segments: readonly WrittenSegment[],
  places: readonly number[],
): number {
  const holder = segments.findIndex(
    ({ vaddr, bytes }) =>
      section.flags !== 0 &&
      section.vaddr >= vaddr &&
      section.vaddr + section.bytes.length <= vaddr + bytes.length,
  );
  const segment = segments[holder];
  if (segment === undefined) return out.append(section.bytes);
  const at = (places[holder] ?? 0) + section.vaddr - segment.vaddr;
  out.overwrite(at, section.bytes);
  return at;
}

interface Header {
  readonly name: string;
  readonly type: number;
  readonly flags?: number;
  readonly vaddr?: number;
  readonly offset: number;
  readonly size: number;
  readonly link?: number;
  readonly entsize?: number;
}

function fileHeader(elf: WrittenElf, sectionHeaders: number, sections: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(0x10, elf.type ?? 2, true);
  view.setUint16(0x12, elf.machine ?? 243, true);
  view.setUint32(0x14, 1, true);
  setWord(view, 0x18, elf.entry);
  setWord(view, 0x20, HEADER_BYTES);
  setWord(view, 0x28, sectionHeaders);
  view.setUint32(0x30, 5, true); // compressed instructions, double-float ABI
  view.setUint16(0x34, HEADER_BYTES, true);
  view.setUint16(0x36, PROGRAM_HEADER_BYTES, true);
  view.setUint16(0x38, elf.segments.length, true);
  view.setUint16(0x3a, SECTION_HEADER_BYTES, true);
  view.setUint16(0x3c, sections, true);
  view.setUint16(0x3e, sections - 1, true);
  return bytes;
}

function programHeader(segment: WrittenSegment, offset: number): Uint8Array {
  const bytes = new Uint8Array(PROGRAM_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0x00, segment.type ?? 1, true);
  view.setUint32(0x04, segment.flags, true);
  setWord(view, 0x08, offset);
  setWord(view, 0x10, segment.vaddr);
  setWord(view, 0x18, segment.vaddr);
  setWord(view, 0x20, segment.bytes.length);
  setWord(view, 0x28, segment.memoryBytes ?? segment.bytes.length);
  setWord(view, 0x30, 4096);
  return bytes;
}

function sectionHeader(header: Header, nameOffset: number): Uint8Array {
  const bytes = new Uint8Array(SECTION_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0x00, nameOffset, true);
  view.setUint32(0x04, header.type, true);
  setWord(view, 0x08, header.flags ?? 0);
  setWord(view, 0x10, header.vaddr ?? 0);
  setWord(view, 0x18, header.offset);
  setWord(view, 0x20, header.size);
  view.setUint32(0x28, header.link ?? 0, true);
  setWord(view, 0x30, 1);
  setWord(view, 0x38, header.entsize ?? 0);
  return bytes;
}

function symbolBytes(symbols: readonly WrittenSymbol[], strings: Strings): Uint8Array {
  const bytes = new Uint8Array(SYMBOL_BYTES * (symbols.length + 1));
  const view = new DataView(bytes.buffer);
  symbols.forEach(({ name, value, size, type = 1, section = 1 }, index) => {
    const at = SYMBOL_BYTES * (index + 1);
    view.setUint32(at, strings.add(name), true);
    view.setUint8(at + 4, (1 << 4) | type); // global
    view.setUint16(at + 6, section, true);
    setWord(view, at + 8, value);
    setWord(view, at + 16, size);
  });
  return bytes;
}

function setWord(view: DataView, at: number, value: number): void {
  view.setBigUint64(at, BigInt(value), true);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Output();
  for (const part of parts) out.append(part);
  return out.bytes();
}

class Strings {
  #text = '\0';

  /** @returns where the text begins */
  add(text: string): number {
    if (text === '') return 0;
    const at = this.#text.length;
    this.#text += `${text}\0`;
    return at;
  }

  bytes(): Uint8Array {
    return new TextEncoder().encode(this.#text);
  }
}

class Output {
  readonly #bytes: number[] = [];

  reserve(count: number): void {
    this.append(new Uint8Array(count));
  }

  alignTo(multiple: number, remainder: number): void {
    while (this.#bytes.length % multiple !== remainder) this.#bytes.push(0);
  }

  /** @returns where the bytes begin */
  append(bytes: Uint8Array): number {
    const at = this.#bytes.length;
    for (const byte of bytes) this.#bytes.push(byte);
    return at;
  }

  overwrite(at: number, bytes: Uint8Array): void {
    bytes.forEach((byte, index) => {
      this.#bytes[at + index] = byte;
    });
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
