/** Files of the suite: results of an earlier run, and the report. */

import { closeSync, existsSync, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { explainSystemError } from '../../host/problem.ts';
import { type BenchResults, parseResults } from '../results.ts';

/** @throws UserMistake when there is no such file, or it holds no results that can be read */
export function readResults(path: string): BenchResults {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw explainSystemError(error, path);
  }
  return parseResults(text, path);
}

/**
 * Finds out before an hour of measuring, not after it, whether a file can be written.
 * @throws UserMistake
 */
export function checkWritable(path: string): void {
  const isNew = !existsSync(path);
  try {
    closeSync(openSync(path, 'a'));
    if (isNew) unlinkSync(path); // nothing is left behind if measuring fails
  } catch (error) {
    throw explainSystemError(error, path);
  }
}

/** @throws UserMistake */
export function writeReport(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw explainSystemError(error, path);
  }
}
