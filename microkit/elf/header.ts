/** The first 64 bytes of an image: is it an executable for this machine at all? */

import {
  EF_RISCV_RVE,
  ELFCLASS64,
  ELFDATA2LSB,
  EM_RISCV,
  ET_CORE,
  ET_DYN,
  ET_EXEC,
  ET_REL,
  EV_CURRENT,
  HEADER,
  isElf,
} from './format.ts';

/**
 * Machines that people build Microkit images for, and those whose files lie about on a developer's
 * disk.
 */
const MACHINES: Readonly<Record<number, string>> = {
  3: 'x86 (32 bits)',
  8: 'MIPS',
  20: 'PowerPC',
  21: 'PowerPC 64',
  22: 'S390',
  40: 'ARM (32 bits)',
  62: 'x86-64',
  183: 'AArch64',
  258: 'LoongArch',
};

const REBUILD = 'build it for board qemu_virt_riscv64';

/** @returns what is wrong and what to do, or undefined */
export function checkHeader(file: Uint8Array): string | undefined {
  if (!isElf(file)) return 'is no ELF file; name a program image';
  if (file.length < HEADER.SIZE) {
    return `ends after ${file.length} bytes, within the ELF header; build or copy it again`;
  }
  const view = new DataView(file.buffer, file.byteOffset, HEADER.SIZE);
  return checkMachine(view) ?? checkType(view.getUint16(HEADER.type, true));
}

function checkMachine(view: DataView): string | undefined {
  const machine = view.getUint16(HEADER.machine, true);
  if (view.getUint8(HEADER.data) !== ELFDATA2LSB) return `is not little-endian; ${REBUILD}`;
  if (machine !== EM_RISCV) {
    return `is for ${MACHINES[machine] ?? `machine ${machine}`}, not RISC-V; ${REBUILD}`;
  }
  if (view.getUint8(HEADER.class) !== ELFCLASS64) {
    return 'is not for 64 bits; compile with -march=rv64imafdc -mabi=lp64d';
  }
  const versions = [view.getUint8(HEADER.identVersion), view.getUint32(HEADER.version, true)];
  if (versions.some((version) => version !== EV_CURRENT)) {
    return `has ELF version ${versions.join('/')}, where there is only 1; build or copy it again`;
  }
  if ((view.getUint32(HEADER.flags, true) & EF_RISCV_RVE) !== 0) {
    return 'is for RV64E, with half of the registers; compile with -march=rv64imafdc -mabi=lp64d';
  }
  return undefined;
}

function checkType(type: number): string | undefined {
  switch (type) {
    case ET_EXEC:
      return undefined;
    case ET_REL:
      return 'is an object file; link it with -T microkit.ld -lmicrokit';
    case ET_DYN:
      return 'is position-independent; link it with -static -no-pie -T microkit.ld';
    case ET_CORE:
      return 'is a core dump; name the program image';
    default:
      return `has ELF type ${type}, which is no executable; link it with -T microkit.ld`;
  }
}
