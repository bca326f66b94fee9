/**
 * Test support: where the `sddf` command lies that tests start as a process. It is compiled, as in
 * an installed package: from source each process takes a second more, and the suite starts some
 * three hundred.
 *
 * Compiled once for a state of the sources, by the first test that asks; others that ask meanwhile
 * wait for it.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const FOLDER = join(ROOT, '.artefacts/compiled');
/** A compilation takes seconds; one that has not ended after this long was killed. */
const GIVEN_UP_MS = 300_000;

/** @returns the path of the compiled command */
export function sddfCommand(): string {
  const folder = join(FOLDER, digestOfSources());
  const done = join(folder, 'done');
  while (!existsSync(done)) {
    if (claim(folder)) compile(folder);
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
  return join(folder, 'cli/sddf.mjs');
}

/** @returns the module of the package that the command runs, as files of its users import it */
export function compiledModule(path: string): string {
  return join(dirname(dirname(sddfCommand())), 'dist', path.replace(/\.ts$/, '.js'));
}

/** @returns whether the compilation of `folder` is this process's to do */
function claim(folder: string): boolean {
  try {
    mkdirSync(FOLDER, { recursive: true });
    mkdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const since = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - since > GIVEN_UP_MS) rmSync(folder, { recursive: true, force: true });
    return false;
  }
}

function compile(folder: string): void {
  for (const other of readdirSync(FOLDER)) {
    if (isOld(join(FOLDER, other))) rmSync(join(FOLDER, other), { recursive: true, force: true });
  }
  execFileSync(process.execPath, ['scripts/build-package.mjs', '--into', folder], { cwd: ROOT });
  mkdirSync(join(folder, 'done'));
}

/** A run of the suite that still uses it began less than an hour ago. */
function isOld(folder: string): boolean {
  return Date.now() - statSync(folder).mtimeMs > 3_600_000;
}

/** Of the name, size and time of every file that goes into it. */
function digestOfSources(): string {
  const { include } = JSON.parse(
    readFileSync(join(ROOT, 'tsconfig.package.json'), 'utf8').replaceAll(/^ *\/\/.*$/gm, ''),
  ) as { readonly include: readonly string[] };
  const hash = createHash('sha256');
  for (const path of ['package.json', 'scripts', ...include].sort()) addTo(hash, path);
  return hash.digest('hex').slice(0, 16);
}

function addTo(hash: ReturnType<typeof createHash>, path: string): void {
  const status = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (status === undefined || path.endsWith('.test.ts')) return;
  if (status.isDirectory()) {
    for (const name of readdirSync(join(ROOT, path)).sort()) addTo(hash, `${path}/${name}`);
  } else {
    hash.update(`${path} ${status.size} ${status.mtimeMs}\n`);
  }
}
