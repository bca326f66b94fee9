/** `sddf test --watch`: runs again whenever something beside the tests has changed. */

import { watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import { explainSystemError, UserMistake } from '../../host/problem.ts';
import type { Terminal } from '../terminal.ts';

/** What counts: tests, plans, programs and images. */
const COUNTS = /\.(?:ya?ml|json|[cm]?[jt]s|elf|system)$/;
/** A program that writes a file does so in several steps. */
const SETTLED_MS = 100;

/** Runs once, and then again after each change, until Ctrl-C. */
export async function watchFiles(
  files: readonly string[],
  run: () => Promise<void>,
  terminal: Terminal,
): Promise<void> {
  const folders = [...new Set(files.map((file) => dirname(file)))];
  for (;;) {
    await runOnce(run, terminal);
    terminal.note(`sddf: waits for a change in ${folders.join(', ')}; Ctrl-C ends`);
    const changed = await changeIn(folders);
    terminal.note(`sddf: ${changed} has changed`);
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

function changeIn(folders: readonly string[]): Promise<string> {
  const watchers: FSWatcher[] = [];
  return new Promise<string>((resolve, reject) => {
    for (const folder of folders) {
      const watcher = watch(folder, (_, name) => {
        if (name === null || !COUNTS.test(name)) return;
        setTimeout(() => resolve(name), SETTLED_MS);
      });
      watcher.on('error', (error) => reject(explainSystemError(error, folder)));
      watchers.push(watcher);
    }
  }).finally(() => {
    for (const each of watchers) each.close();
  });
}
