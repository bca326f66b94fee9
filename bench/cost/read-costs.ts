/** Cost tables as files. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { explainSystemError, UserMistake } from '../../host/problem.ts';
import { parseCosts, type RunCosts } from '../../systems/run-costs.ts';

/** @throws UserMistake when the file cannot be read, or is no cost table */
export function readCosts(path: string): RunCosts {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw explainSystemError(error, `cost table ${path}`);
  }
  const read = parseCosts(text);
  if (!read.ok) throw new UserMistake(`cost table ${path}: ${read.problem}`);
  return read.costs;
}

/** The board of sDDF's published figures. */
export function publishedBoardCosts(): RunCosts {
  return readCosts(fileURLToPath(new URL('./imx8mm.json', import.meta.url)));
}
