/**
 * programs/, built: for tests that run machine code. The compiler is Debian's
 * `gcc-riscv64-unknown-elf`; tests that need it skip themselves by name where it is missing.
 */

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT_FOLDER = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const PROGRAMS_FOLDER = join(ROOT_FOLDER, 'programs');
export const BUILD_FOLDER = join(PROGRAMS_FOLDER, 'build');
/** For the names of tests: what they need. */
export const COMPILER = 'riscv64-unknown-elf-gcc';

export const hasCompiler = spawnSync(COMPILER, ['--version']).status === 0;

/**
 * Builds what has changed. Several test files may do so at a time: who comes second waits.
 *
 * @throws Error with what the compiler says
 */
export function buildPrograms(): void {
  const script = join(ROOT_FOLDER, 'scripts/build-programs.mjs');
  const built = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(built.stderr);
}

/** Where a built image lies. */
export function imagePath(name: string): string {
  return join(BUILD_FOLDER, `${name}.elf`);
}
