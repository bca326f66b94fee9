/**
 * The comparison in C: compiles a program of `bench/native/` when a compiler is there, and runs it as a child process.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FLAGS = ['-O3', '-march=native', '-std=c11'];

/** @returns the program's path, or why there is none */
export function compileNative(name: string): { path: string } | { reason: string } {
  const source = fileURLToPath(new URL(`./native/${name}.c`, import.meta.url));
  if (!existsSync(source)) return { reason: `${source} is not there` };
  const folder = join(tmpdir(), `sddf-native-${String(userInfo().uid)}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  if (existsSync(path) && statSync(path).mtimeMs > statSync(source).mtimeMs) return { path };
  const built = spawnSync('cc', [...FLAGS, '-o', path, source], { encoding: 'utf8' });
  if (built.error !== undefined) return { reason: 'no C compiler (cc) is installed' };
  if (built.status !== 0) {
    const line = built.stderr.split('\n').find((text) => text.includes('error')) ?? '';
    return { reason: `cc refused ${name}.c: ${line}` };
  }
  return { path };
}

/** Runs the program. @returns its standard output */
export function runNative(path: string, args: readonly string[]): string {
  const result = spawnSync(path, args, { encoding: 'utf8' });
  if (result.status !== 0) {
    throw new Error(
      `${path} ${args.join(' ')} ended with ${String(result.status)}: ${result.stderr}`,
    );
  }
  return result.stdout;
}
