/**
 * The comparison in C: compiles a program of `bench/native/` when a compiler is there, and has it
 * work slice by slice as a child process. It starts and warms up once, and between slices it waits.
 */

import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Slice, Worker } from './slices.ts';

const FLAGS = ['-O3', '-march=native', '-std=c11'];

/** @returns the program's path, or why there is none */
export function compileNative(name: string): { path: string } | { reason: string } {
  const sources = fileURLToPath(new URL('./native', import.meta.url));
  const source = join(sources, `${name}.c`);
  if (!existsSync(source)) return { reason: `${source} is not there` };
  const folder = join(tmpdir(), `sddf-native-${String(userInfo().uid)}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${name}-${contentsOf(sources)}`);
  if (existsSync(path)) return { path };
  // Under a name of its own until it is whole: another process may look for it at the same time.
  const unfinished = `${path}.${String(process.pid)}`;
  const built = spawnSync('cc', [...FLAGS, '-o', unfinished, source], { encoding: 'utf8' });
  if (built.error !== undefined) return { reason: 'no C compiler (cc) is installed' };
  if (built.status !== 0) {
    const line = built.stderr.split('\n').find((text) => text.includes('error')) ?? '';
    return { reason: `cc refused ${name}.c: ${line}` };
  }
  renameSync(unfinished, path);
  return { path };
}

/**
 * A short name for what all files of the folder say: programs share a header, and several checkouts
 * the compiled programs.
 */
function contentsOf(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).toSorted()) hash.update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 12);
}

/**
 * A program of `bench/native/` that waits for its next slice; its protocol is in `native/slices.h`.
 */
export class NativeProgram implements Worker {
  readonly #command: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #answers: AsyncIterator<string>;
  readonly #ended: Promise<void>;
  #lastWords = '';

  constructor(path: string, args: readonly string[]) {
    this.#command = [path, ...args].join(' ');
    this.#child = spawn(path, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    const note = (text: string): void => {
      this.#lastWords += text.trim();
    };
    this.#child.stderr.setEncoding('utf8').on('data', note);
    // A child that has died is told by the end of its answers; what it was told last is of no use
    // to anybody.
    this.#child.stdin.on('error', () => undefined);
    this.#ended = once(this.#child, 'close').then(
      () => undefined,
      (error: unknown) => note(String(error)),
    );
  }

  /** @throws Error when the program ends instead, with what it said */
  async slice(sliceNs: number): Promise<Slice> {
    this.#child.stdin.write(`${sliceNs / 1e6}\n`);
    const answer = await this.#answers.next();
    if (answer.done === true) {
      await this.#ended;
      throw new Error(`${this.#command} has ended: ${this.#lastWords}`);
    }
    const [done = 0, wallNs = 0, cpuNs = 0] = answer.value.split(' ').map(Number);
    if (done > 0 && wallNs > 0) return { done, wallNs, cpuNs };
    throw new Error(`${this.#command} did nothing in ${sliceNs} ns: ${answer.value}`);
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }
}
