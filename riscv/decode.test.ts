/**
 * The decoder, held against the manual where a word is written out there, and against an
 * independent one.
 *
 * objdump of binutils disassembles each compressed word and many words around each row of the
 * table; its text and ours must be equal. That compares masks, operands, immediates and lengths at
 * once. Skipped where it is absent.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decode, ROUNDING } from './decode.ts';
import { disassemble } from './disassemble.ts';
import { OP_OF, OPERATIONS } from './operations.ts';

const PC = 0x1000;

describe('decode', () => {
  it.each([
    [0x0000_0073, 'ecall'],
    [0x0010_0073, 'ebreak'],
    [0x0000_100f, 'fence.i'],
    [0xfe5f_f06f, 'j 0xfe4'],
    [0x00a5_b023, 'sd a0,0(a1)'],
    [0x7ff0_0513, 'li a0,2047'],
    [0x8005_0513, 'addi a0,a0,-2048'],
    [0xffff_f537, 'lui a0,0xfffff'],
    [0x8082, 'ret'],
    [0x0001, 'nop'],
    [0x8f95_8082, 'ret'],
    [0x0000, 'illegal'],
    [0xffff_ffff, 'illegal'],
  ])('reads the word %i as %s', (word, expected) => {
    expect(disassemble(decode(word), PC)).toBe(expected);
  });

  it('extends the sign of the longest jump back', () => {
    expect(decode(0x8000_00ef)).toMatchObject({ op: OP_OF.jal, rd: 1, imm: -0x10_0000, length: 4 });
  });

  it('holds the reserved rounding modes to be illegal, and keeps the others', () => {
    const ops = [0, 1, 2, 3, 4, 5, 6, 7].map((rm) => decode(0x02a5_8553 | (rm << 12)).op);
    const legal = OP_OF['fadd.d'];

    expect(ops).toEqual([legal, legal, legal, legal, legal, 0, 0, legal]);
    expect(decode(0x02a5_f553).rm).toBe(ROUNDING.dyn);
  });

  it('gives each word to one row only', () => {
    const rows = OPERATIONS.slice(1);
    const doubles = rows.flatMap((a, index) =>
      rows
        .slice(index + 1)
        .filter((b) => ((a.match ^ b.match) & a.mask & b.mask) === 0)
        .map((b) => `${a.name} ${b.name}`),
    );

    expect(doubles).toEqual([]);
  });

  it('answers every word with an instruction whose fields are in range', () => {
    fc.assert(
      fc.property(fc.integer(), (word) => {
        const { op, length, rd, rs1, rs2, rs3, imm, rm } = decode(word);
        expect(OPERATIONS[op]).toBeDefined();
        expect(length).toBe((word & 3) === 3 ? 4 : 2);
        for (const register of [rd, rs1, rs2, rs3]) expect(register >>> 5).toBe(0);
        expect(imm).toBe(imm | 0);
        expect([0, 1, 2, 3, 4, 7]).toContain(rm);
      }),
      { numRuns: 5000 },
    );
  });
});

const OBJDUMP = 'riscv64-unknown-elf-objdump';
const ASSEMBLER = 'riscv64-unknown-elf-as';
const hasBinutils = [OBJDUMP, ASSEMBLER].every(
  (tool) => spawnSync(tool, ['--version']).status === 0,
);

/** What objdump makes of instruction words: the text of each. */
function objdump(words: readonly number[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'sddf-objdump-'));
  try {
    const lines = words.map((word) => `.insn ${(word & 3) === 3 ? 4 : 2}, ${word}`);
    writeFileSync(join(folder, 'words.s'), `${lines.join('\n')}\n`);
    const march = '-march=rv64imafdc_zicsr_zifencei_zba_zbb';
    run(ASSEMBLER, [march, join(folder, 'words.s'), '-o', join(folder, 'words.o')]);
    const listing = run(OBJDUMP, ['-d', '-z', join(folder, 'words.o')]);
    return [...listing.matchAll(/^ *[0-9a-f]+:\t[0-9a-f]+ +\t(.*)$/gm)].map((match) =>
      String(match[1]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(command: string, args: readonly string[]): string {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  expect(result.stderr).toBe('');
  return result.stdout;
}

/** objdump's text without its comments and symbols. */
function plain(listed: string): string {
  return listed
    .replace(/\s+#.*$/, '')
    .replace(/ <.*>$/, '')
    .replace('\t', ' ')
    .trim();
}

/**
 * Equal but for what the head of `disassemble.ts` names, and the 0x that objdump leaves out where
 * it knows a symbol.
 */
function isSame(ours: string, theirs: string): boolean {
  if (ours === theirs) return true;
  // Data, the word 0, a reserved rounding mode, and a reserved form that objdump reads all the
  // same.
  if (ours === 'illegal') {
    return /^\.[248]byte |^unimp$|,unknown$|^add sp,sp,0$/.test(theirs);
  }
  const isHint = /^c\.(?:nop|li|lui|mv|add|slli|slli64|srli64|srai64) /.test(theirs);
  const withI = /^(add|and|or|xor|[sr][a-z]{2}|csr[a-z]{1,2})i(w|u|\.uw)? /;
  const short = (text: string): string => text.replace(/0x(?=[0-9a-f]+$)/, '');
  return isHint || short(ours.replace(withI, '$1$2 ')) === short(theirs);
}

/** Words whose text differs, as lines that show both. */
function differences(words: readonly number[]): string[] {
  const theirs = objdump(words);
  expect(theirs).toHaveLength(words.length);
  let pc = 0;
  return words.flatMap((word, index) => {
    const instruction = decode(word);
    const ours = disassemble(instruction, pc);
    pc += instruction.length;
    const wanted = plain(theirs[index] ?? '');
    return isSame(ours, wanted) ? [] : [`0x${word.toString(16)}: ${ours} | ${wanted}`];
  });
}

const CSRS = [0x001, 0x002, 0x003, 0xc00, 0xc01, 0xc02];

describe.skipIf(!hasBinutils)('decode beside objdump (binutils-riscv64-unknown-elf)', () => {
  it('reads every compressed word alike', () => {
    const words = Array.from({ length: 0x1_0000 }, (_, word) => word).filter((w) => (w & 3) !== 3);

    expect(differences(words)).toEqual([]);
  });

  it('reads each row of the table alike, with operands of all kinds', () => {
    const random = fc.sample(fc.integer(), { numRuns: 60, seed: 14 });
    const words = OPERATIONS.slice(1).flatMap(({ match, mask, format, name }) =>
      random.map((bits, index) => {
        let operands = bits & ~mask;
        if (format === 'csr' || format === 'csri') {
          operands = (operands & 0xf_ffff) | (Number(CSRS[index % CSRS.length]) << 20);
        }
        // objdump knows these with no rounding mode but 0.
        if (/^fcvt\.d\.(?:s|wu?)$/.test(name)) operands &= ~0x7000;
        // Fences have fields that are kept for later: we ignore them, and objdump does not know
        // them.
        if (name.startsWith('fence')) operands &= name === 'fence' ? 0xff0_0000 : 0;
        return (match | operands) >>> 0;
      }),
    );

    expect(differences(words)).toEqual([]);
  });
});
