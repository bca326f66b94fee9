/** Cost tables as files. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseCosts, type RunCosts } from '../../systems/run-costs.ts';

/** The file cannot be used; the message is one line for the user. */
export class CostsError extends Error {
  override readonly name = 'CostsError';
}

/** @throws CostsError */
export function readCosts(path: string): RunCosts {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new CostsError(`cost table ${path} cannot be read: ${code}`);
  }
  const read = parseCosts(text);
  if (!read.ok) throw new CostsError(`cost table ${path}: ${read.problem}`);
  return read.costs;
}

/** The board of sDDF's published figures. */
export function publishedBoardCosts(): RunCosts {
  return readCosts(fileURLToPath(new URL('./imx8mm.json', import.meta.url)));
}
