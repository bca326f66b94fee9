/**
 * ELF64 as far as a Microkit image has it: offsets of fields and the numbers that stand in them,
 * under the names of the specification (System V ABI, chapter 4; RISC-V ELF psABI). Everything is
 * little-endian; offsets are in bytes.
 */

export const HEADER = {
  class: 4,
  data: 5,
  identVersion: 6,
  type: 16,
  machine: 18,
  version: 20,
  entry: 24,
  phoff: 32,
  shoff: 40,
  flags: 48,
  phentsize: 54,
  phnum: 56,
  shentsize: 58,
  shnum: 60,
  shstrndx: 62,
  SIZE: 64,
} as const;

export const PROGRAM_HEADER = {
  type: 0,
  flags: 4,
  offset: 8,
  vaddr: 16,
  filesz: 32,
  memsz: 40,
  SIZE: 56,
} as const;

export const SECTION_HEADER = {
  name: 0,
  type: 4,
  flags: 8,
  addr: 16,
  offset: 24,
  size: 32,
  link: 40,
  entsize: 56,
  SIZE: 64,
} as const;

export const SYMBOL = { name: 0, info: 4, shndx: 6, value: 8, size: 16, SIZE: 24 } as const;

export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const EV_CURRENT = 1;
export const ET_REL = 1;
export const ET_EXEC = 2;
export const ET_DYN = 3;
export const ET_CORE = 4;
export const EM_RISCV = 243;
/** e_flags: compiled for the registers of RV64E, of which there are sixteen. */
export const EF_RISCV_RVE = 0x8;

export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

export const SHT_NULL = 0;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_NOBITS = 8;
export const SHF_WRITE = 1;
export const SHF_ALLOC = 2;
export const SHF_EXECINSTR = 4;

export const STT_NOTYPE = 0;
export const STT_FUNC = 2;
export const SHN_UNDEF = 0;

const MAGIC = [0x7f, 0x45, 0x4c, 0x46] as const;
const TWO_TO_32 = 0x1_0000_0000;

/** Whether a file is ELF: its first four bytes say so, whatever its name. */
export function isElf(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}

/**
 * A word of 64 bits. From 2^53 on it is rounded to a number nearby, which is all that a comparison
 * with a limit needs: every limit here is far below, and the next thing done with a word is to hold
 * it against one.
 */
export function word64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_TO_32;
}
