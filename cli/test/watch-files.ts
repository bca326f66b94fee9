/**
 * `sddf test --watch`: runs again whenever something has changed beside the tests, or in a folder
 * where something lies that they name.
 */

import { existsSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { explainSystemError, UserMistake } from '../../host/problem.ts';
import type { Terminal } from '../terminal.ts';
import type { OnFolder } from './scene-loader.ts';

/** What counts: tests, plans, programs and images. */
const COUNTS = /\.(?:ya?ml|json|[cm]?[jt]s|elf|system)$/;
/** A program that writes a file does so in several steps. */
const SETTLED_MS = 100;

/** Runs once, and then again after each change, until Ctrl-C. */
export async function watchFiles(
  files: readonly string[],
  run: (onFolder: OnFolder) => Promise<void>,
  terminal: Terminal,
): Promise<void> {
  const changes = new Changes();
  for (const file of files) changes.watch(dirname(file));
  for (;;) {
    await runOnce(() => run((folder) => changes.watch(folder)), terminal);
    // What the run itself has written is no reason for another one.
    changes.forget();
    terminal.note(`sddf: waits for a change in ${changes.folders.join(', ')}; Ctrl-C ends`);
    terminal.note(`sddf: ${await changes.next()} has changed`);
  }
}

/** A mistake in a file is for the next change to mend. */
async function runOnce(run: () => Promise<void>, terminal: Terminal): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof UserMistake)) throw error;
    terminal.note(`sddf: ${error.message}`);
  }
}

class Changes {
  #changed: string | undefined;
  #failure: unknown;
  #wake: () => void = () => undefined;

  readonly #watched = new Map<string, string>();

  /** As they were named first. */
  get folders(): readonly string[] {
    return [...this.#watched.values()];
  }

  /** A folder that is not there has been a mistake already. @throws UserMistake */
  watch(folder: string): void {
    const path = resolve(folder);
    if (this.#watched.has(path) || !existsSync(path)) return;
    this.#watched.set(path, folder);
    try {
      const watcher = watch(path, (_, name) => {
        if (name === null || !COUNTS.test(name)) return;
        this.#changed = name;
        this.#wake();
      });
      watcher.on('error', (error) => {
        this.#failure = explainSystemError(error, folder);
        this.#wake();
      });
    } catch (error) {
      throw explainSystemError(error, folder);
    }
  }

  forget(): void {
    this.#changed = undefined;
  }

  /** @returns the name of a file that has changed since the last one was told of */
  async next(): Promise<string> {
    while (this.#changed === undefined && this.#failure === undefined) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#failure !== undefined) throw this.#failure;
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    const changed = this.#changed ?? '';
    this.#changed = undefined;
    return changed;
  }
}
