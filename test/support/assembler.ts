/**
 * Just enough of an assembler for tests: instructions as words of 32 bits, and labels. What it
 * makes is held against the disassembler's table by the tests of `riscv/`; here every word was
 * checked once against `riscv64-unknown-elf-as`.
 */

/** x0..x31 by the names of the ABI. */
export const R = {
  zero: 0,
  ra: 1,
  sp: 2,
  gp: 3,
  tp: 4,
  t0: 5,
  t1: 6,
  t2: 7,
  s0: 8,
  s1: 9,
  a0: 10,
  a1: 11,
  a2: 12,
  a3: 13,
  a4: 14,
  a5: 15,
  a6: 16,
  a7: 17,
  s2: 18,
  s3: 19,
  s4: 20,
  s5: 21,
  s6: 22,
  s7: 23,
  s8: 24,
  s9: 25,
  s10: 26,
  s11: 27,
  t3: 28,
  t4: 29,
  t5: 30,
  t6: 31,
} as const;

type Line = number | ((at: number, labels: ReadonlyMap<string, number>) => number) | string;

const itype = (op: number, f3: number, rd: number, rs1: number, imm: number): number =>
  ((imm << 20) | (rs1 << 15) | (f3 << 12) | (rd << 7) | op) >>> 0;
const rtype = (f7: number, f3: number, rd: number, rs1: number, rs2: number): number =>
  ((f7 << 25) | (rs2 << 20) | (rs1 << 15) | (f3 << 12) | (rd << 7) | 0x33) >>> 0;
const stype = (f3: number, rs2: number, rs1: number, imm: number): number =>
  (((imm >> 5) << 25) | (rs2 << 20) | (rs1 << 15) | (f3 << 12) | ((imm & 31) << 7) | 0x23) >>> 0;
const branch =
  (f3: number, rs1: number, rs2: number, label: string): Line =>
  (at, labels) => {
    const d = distance(at, labels, label);
    const imm =
      (((d >> 12) & 1) << 31) |
      (((d >> 5) & 63) << 25) |
      (((d >> 1) & 15) << 8) |
      (((d >> 11) & 1) << 7);
    return (imm | (rs2 << 20) | (rs1 << 15) | (f3 << 12) | 0x63) >>> 0;
  };

function distance(at: number, labels: ReadonlyMap<string, number>, label: string): number {
  const target = labels.get(label);
  if (target === undefined) throw new Error(`no label ${label}`);
  return target - at;
}

export const addi = (rd: number, rs1: number, imm: number): number => itype(0x13, 0, rd, rs1, imm);
export const xori = (rd: number, rs1: number, imm: number): number => itype(0x13, 4, rd, rs1, imm);
export const slli = (rd: number, rs1: number, by: number): number => itype(0x13, 1, rd, rs1, by);
export const srli = (rd: number, rs1: number, by: number): number => itype(0x13, 5, rd, rs1, by);
export const li = (rd: number, imm: number): number => addi(rd, R.zero, imm);
export const mv = (rd: number, rs: number): number => addi(rd, rs, 0);
export const lui = (rd: number, imm20: number): number => ((imm20 << 12) | (rd << 7) | 0x37) >>> 0;
export const add = (rd: number, rs1: number, rs2: number): number => rtype(0, 0, rd, rs1, rs2);
export const xor = (rd: number, rs1: number, rs2: number): number => rtype(0, 4, rd, rs1, rs2);
export const mul = (rd: number, rs1: number, rs2: number): number => rtype(1, 0, rd, rs1, rs2);
export const remu = (rd: number, rs1: number, rs2: number): number => rtype(1, 7, rd, rs1, rs2);
export const ld = (rd: number, rs1: number, imm: number): number => itype(0x03, 3, rd, rs1, imm);
export const lw = (rd: number, rs1: number, imm: number): number => itype(0x03, 2, rd, rs1, imm);
export const lbu = (rd: number, rs1: number, imm: number): number => itype(0x03, 4, rd, rs1, imm);
export const sd = (rs2: number, rs1: number, imm: number): number => stype(3, rs2, rs1, imm);
export const sw = (rs2: number, rs1: number, imm: number): number => stype(2, rs2, rs1, imm);
export const amoaddD = (rd: number, rs2: number, rs1: number): number =>
  ((rs2 << 20) | (rs1 << 15) | (3 << 12) | (rd << 7) | 0x2f) >>> 0;
export const beq = (rs1: number, rs2: number, label: string): Line => branch(0, rs1, rs2, label);
export const bne = (rs1: number, rs2: number, label: string): Line => branch(1, rs1, rs2, label);
export const j =
  (label: string): Line =>
  (at, labels) => {
    const d = distance(at, labels, label);
    const imm =
      (((d >> 20) & 1) << 31) |
      (((d >> 1) & 1023) << 21) |
      (((d >> 11) & 1) << 20) |
      (((d >> 12) & 255) << 12);
    return (imm | 0x6f) >>> 0;
  };
export const jr = (rs1: number, imm = 0): number => itype(0x67, 0, 0, rs1, imm);
export const ecall = 0x73;
export const ebreak = 0x10_0073;
/** Bytes of zero: no instruction. */
export const unimp = 0;
/** `rdtime rd`. */
export const rdtime = (rd: number): number => itype(0x73, 2, rd, 0, 0xc01);
/** `fcvt.d.w fd, rs1`. */
export const fcvtDW = (fd: number, rs1: number): number =>
  ((0x69 << 25) | (rs1 << 15) | (fd << 7) | 0x53) >>> 0;

/** @returns the words of a program; a text is a label of what follows it */
export function assemble(lines: readonly Line[]): Uint8Array {
  const labels = new Map<string, number>();
  let at = 0;
  for (const line of lines) {
    if (typeof line === 'string') labels.set(line, at);
    else at += 4;
  }
  const words: number[] = [];
  for (const line of lines) {
    if (typeof line === 'string') continue;
    words.push(typeof line === 'number' ? line : line(4 * words.length, labels));
  }
  return new Uint8Array(Uint32Array.from(words).buffer);
}
