// Goal: lines of instructions are those that binutils finds, of both versions of DWARF; and bytes
// that are no line table are one line. Method: objdump on images of programs/ and on one that is
// compiled here; mutations (SDDF_DWARF_FUZZ_RUNS, SDDF_DWARF_FUZZ_SEED; a failure names the seed).

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../board/random.ts';
import { type ElfImage, sectionNamed } from '../../microkit/elf/image.ts';
import { readElf } from '../../microkit/elf/reader.ts';
import { buildPrograms, COMPILER, hasCompiler, imagePath } from '../../test/support/c-programs.ts';
import { type LinesResult, readLines, readLineSection } from './lines.ts';

const OBJDUMP = 'riscv64-unknown-elf-objdump';
const hasTools = hasCompiler && spawnSync(OBJDUMP, ['--version']).status === 0;
const RUNS = Number(process.env['SDDF_DWARF_FUZZ_RUNS'] ?? 1000);
const SEED = Number(process.env['SDDF_DWARF_FUZZ_SEED'] ?? 1);

const SOURCE = `
static volatile int sink;
static inline int twice(int x) { return x * 2; }
int odd(int x) { if (x & 1) return twice(x); sink = x; return 0; }
# 70000 "generated/far.c"
void _start(void) { for (int i = 0; i < 9; i++) sink += odd(i); for (;;); }
`;

function imageAt(path: string): ElfImage {
  const read = readElf(readFileSync(path));
  if (!read.ok) throw new Error(read.problem);
  return read.image;
}

/** Compiles a source with a line far away, in a file of another folder. */
function compiled(...options: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'sddf-dwarf-'));
  writeFileSync(join(folder, 'a.c'), SOURCE);
  const how = ['-O2', '-nostdlib', '-ffreestanding', '-march=rv64imac', '-mabi=lp64'];
  const all = [...how, ...options, '-Wl,-z,max-page-size=4096', '-o', 'a.elf', 'a.c'];
  const { status, stderr } = spawnSync(COMPILER, all, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return join(folder, 'a.elf');
}

function objdumpRows(path: string): string[] {
  const { stdout } = spawnSync(OBJDUMP, ['-W', '--dwarf=decodedline', path], { encoding: 'utf8' });
  const rows = stdout.matchAll(/^(\S+) +([1-9]\d*) +(0x[0-9a-f]+)/gm);
  return Array.from(rows, ([, file, line, address]) => `${file} ${line} ${address}`);
}

function rowsOf(result: LinesResult): string[] {
  if (!result.ok) throw new Error(result.problem);
  return result.ranges.map(
    ({ path, line, start }) => `${basename(path)} ${line} 0x${start.toString(16)}`,
  );
}

describe.skipIf(!hasTools)(`line tables (${COMPILER} and ${OBJDUMP})`, () => {
  beforeAll(buildPrograms, 300_000);

  it.each(['hello', 'echo', 'eth_driver', 'tls'])('of %s are those of objdump', (name) => {
    const expected = objdumpRows(imagePath(name));
    expect(expected.length).toBeGreaterThan(20);
    expect(rowsOf(readLines(imageAt(imagePath(name))))).toEqual(expected);
  });

  it.each([
    ['DWARF 3', '-gdwarf-3'],
    ['DWARF 4', '-gdwarf-4'],
    ['DWARF 5', '-gdwarf-5'],
    ['DWARF 5 of 64 bits', '-gdwarf-5', '-gdwarf64'],
    ['DWARF 5 of the compiler, not the assembler', '-gdwarf-5', '-gno-as-loc-support'],
  ])('%s', (_name, ...options) => {
    const path = compiled(...options);
    try {
      const expected = objdumpRows(path);
      expect(expected.some((row) => row.startsWith('far.c 70000 '))).toBe(true);
      const read = readLines(imageAt(path));
      expect(rowsOf(read)).toEqual(expected);
      const paths = new Set(read.ok ? read.ranges.map((range) => range.path) : []);
      expect([...paths].some((each) => each.endsWith('generated/far.c'))).toBe(true);
    } finally {
      rmSync(join(path, '..'), { recursive: true });
    }
  });

  it(`any bytes are lines or a line: ${RUNS} from seed ${SEED}`, { timeout: 3_600_000 }, () => {
    const image = imageAt(imagePath('hello'));
    const bytesOf = (name: string) => sectionNamed(image, name)?.contents ?? new Uint8Array(0);
    const whole = bytesOf('.debug_line');
    const texts = { lineStr: bytesOf('.debug_line_str'), str: bytesOf('.debug_str') };
    const seen = { lines: 0, refused: 0 };
    for (let seed = SEED; seed < SEED + RUNS; seed += 1) {
      const bytes = mutated(whole, new Random(seed));
      try {
        const result = readLineSection(bytes, texts);
        seen[result.ok ? 'lines' : 'refused'] += 1;
        if (result.ok) expect(result.ranges.length).toBeLessThanOrEqual(bytes.length);
        else expect(result.problem).toMatch(/^its \.debug_line [ -~]{1,200}; compile [ -~]+$/);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    expect(seen.lines).toBeGreaterThan(RUNS / 50);
    expect(seen.refused).toBeGreaterThan(RUNS / 50);
  });
});

describe('a section that is no line table', () => {
  const texts = { lineStr: new Uint8Array(0), str: new Uint8Array(0) };
  it.each([
    ['cut short', [9, 0, 0, 0, 5], 'is cut short'],
    ['of another version', [2, 0, 0, 0, 9, 0], 'has DWARF version 9, not 2 to 5'],
    [
      'with a file for each grain of sand',
      [
        25, 0, 0, 0, 5, 0, 8, 0, 17, 0, 0, 0, 1, 1, 1, 0xfb, 14, 1, 0, 0xff, 0xff, 0xff, 0x7f, 0,
      ].concat([0, 0, 0, 0, 0]),
      'has 268435455 files in 6 bytes',
    ],
  ])('%s', (_name, bytes, problem) => {
    expect(readLineSection(Uint8Array.from(bytes), texts)).toEqual({
      ok: false,
      problem: `its .debug_line ${problem}; compile and link it with -g once more`,
    });
  });
});

function mutated(whole: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from(whole);
  // Most of what is trusted stands at the beginning of a unit.
  const reach = random.below(2) === 0 ? 80 : bytes.length;
  for (let changes = 1 + random.below(4); changes > 0; changes -= 1) {
    const at = random.below(Math.min(reach, bytes.length));
    const from = random.below(bytes.length);
    if (random.below(4) === 0) bytes.copyWithin(at, from, from + 16);
    else bytes[at] = random.below(3) === 0 ? 0xff : random.below(256);
  }
  return random.below(8) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}
