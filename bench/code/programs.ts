/**
 * The kernels of this folder, compiled: for the host, for user-mode QEMU, and as images for the
 * engines. All three with `-O2` and without vector instructions, which RV64GC does not have.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Kernel {
  readonly name: string;
  readonly source: string;
  readonly defines: readonly string[];
  /** A few microseconds of it. */
  readonly rounds: number;
}

export const KERNELS: readonly Kernel[] = [
  { name: 'pipeline-64', source: 'pipeline', defines: ['-DFRAME=64'], rounds: 640 },
  { name: 'pipeline-1500', source: 'pipeline', defines: ['-DFRAME=1500'], rounds: 64 },
  { name: 'memcpy', source: 'memcpy', defines: [], rounds: 500 },
  { name: 'bulk', source: 'bulk', defines: [], rounds: 500 },
  { name: 'bulk-library', source: 'bulk', defines: ['-DLIBRARY'], rounds: 500 },
  { name: 'crc32', source: 'crc32', defines: [], rounds: 50 },
  { name: 'print', source: 'print', defines: [], rounds: 50 },
  { name: 'sort', source: 'sort', defines: [], rounds: 2 },
];

/** What it is compiled for: the name of the C file with its beginning, and the compiler. */
export type Target = 'native' | 'emulated' | 'image';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const COMMON = [
  '-O2',
  '-std=gnu11',
  '-fno-tree-vectorize',
  // Loops stay loops: a call of the host's memcpy has vector instructions.
  '-fno-tree-loop-distribute-patterns',
];
const RISCV = [
  ...['-march=rv64imafdc', '-mabi=lp64d', '-mcmodel=medany'],
  ...['-ffreestanding', '-nostdlib', '-static', '-Wl,--no-warn-rwx-segments'],
];
const COMMANDS: Readonly<Record<Target, readonly string[]>> = {
  native: ['cc', ...COMMON],
  emulated: ['riscv64-unknown-elf-gcc', ...COMMON, ...RISCV],
  image: [...['riscv64-unknown-elf-gcc', ...COMMON, ...RISCV], ...['-T', join(FOLDER, 'image.ld')]],
};

/** @returns the compiled program's path, or why there is none */
export function compileKernel(
  kernel: Kernel,
  target: Target,
): { path: string } | { reason: string } {
  const folder = join(tmpdir(), `sddf-code-${String(userInfo().uid)}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${kernel.name}-${target}-${contentsOfSources()}`);
  if (existsSync(path)) return { path };
  const [compiler = '', ...flags] = COMMANDS[target];
  const sources = [`${target}.c`, `${kernel.source}.c`].map((name) => join(FOLDER, name));
  const unfinished = `${path}.${String(process.pid)}`;
  const rounds = `-DROUNDS=${String(kernel.rounds)}`;
  const args = [...flags, ...kernel.defines, rounds, '-o', unfinished, ...sources];
  const built = spawnSync(compiler, args, { encoding: 'utf8' });
  if (built.error !== undefined) return { reason: `${compiler} is not installed` };
  if (built.status !== 0) {
    const line = built.stderr.split('\n').find((text) => text.includes('error')) ?? '';
    return { reason: `${compiler} refused ${kernel.source}.c: ${line}` };
  }
  renameSync(unfinished, path);
  return { path };
}

/** A short name for what all sources and flags say. */
function contentsOfSources(): string {
  const hash = createHash('sha256').update(JSON.stringify([COMMANDS, KERNELS]));
  for (const name of readdirSync(FOLDER).toSorted()) {
    if (/\.(?:c|h|ld)$/.test(name)) hash.update(readFileSync(join(FOLDER, name)));
  }
  return hash.digest('hex').slice(0, 12);
}
