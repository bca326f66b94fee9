/** Files of the suite: results of an earlier run, and the report. */

import { closeSync, constants, existsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { explainSystemError, UserMistake } from '../../host/problem.ts';
import { openOutput, readText, writeOutput } from '../../host/regular-file.ts';
import { type BenchResults, parseResults } from '../results.ts';
import { type OwnFigures, readOwnFigures } from './own-figures.ts';

/** @throws UserMistake when there is no such file, or it holds no results that can be read */
export function readResults(path: string): BenchResults {
  return parseResults(readText(path), path);
}

/** What others have published, and comes with the package. */
const PUBLISHED = fileURLToPath(new URL('../published/', import.meta.url));
export const PUBLISHED_NAMES = ['sddf', 'linux'] as const;

/** @throws UserMistake for a file that cannot be read, or has figures of no known format */
export function readAllOwnFigures(paths: readonly string[]): readonly OwnFigures[] {
  return paths.map((path) => readOwnFigures(readText(publishedPath(path) ?? path), path));
}

/** sDDF's own curves, over which a cost table's are drawn. */
export function publishedFigures(): readonly OwnFigures[] {
  return readAllOwnFigures(['sddf']);
}

function publishedPath(name: string): string | undefined {
  const known = PUBLISHED_NAMES.find((each) => each === name);
  return known === undefined ? undefined : join(PUBLISHED, `${known}.json`);
}

/**
 * Finds out before an hour of measuring, not after it, whether a file can be written.
 * @throws UserMistake
 */
export function checkWritable(path: string): void {
  const isNew = !existsSync(path);
  try {
    closeSync(openOutput(path, constants.O_CREAT));
    if (isNew) unlinkSync(path); // nothing is left behind if measuring fails
  } catch (error) {
    throw error instanceof UserMistake ? error : explainSystemError(error, path);
  }
}

/**
 * Keeps results of a run that was interrupted, in a new file of the current folder.
 *
 * @returns its name
 * @throws UserMistake
 */
export function writeUnfinished(text: string): string {
  for (let number = 1; ; number += 1) {
    const path = `sddf-bench-${number}.json`;
    if (existsSync(path)) continue;
    writeOutput(path, `${text}\n`);
    return path;
  }
}

/** @throws UserMistake */
export function writeReport(path: string, text: string): void {
  writeOutput(path, text);
}
