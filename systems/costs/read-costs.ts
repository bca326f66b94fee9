/** Cost tables: files, or those of this folder by their names. */

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UserMistake } from '../../host/problem.ts';
import { readText } from '../../host/regular-file.ts';
import { parseCosts, type RunCosts } from '../run-costs.ts';

/** The board of sDDF's published figures. */
const PUBLISHED_BOARD = 'imx8mm';
const SUFFIX = '.json';

/**
 * @param table a path, or the name of one of this folder
 * @throws UserMistake when there is none, or the file is no cost table
 */
export function readCosts(table: string): RunCosts {
  const read = parseCosts(tableText(table));
  if (!read.ok) throw new UserMistake(`cost table ${table}: ${read.problem}`);
  return read.costs;
}

export function publishedBoardCosts(): RunCosts {
  return readCosts(PUBLISHED_BOARD);
}

function tableText(table: string): string {
  const folder = new URL('./', import.meta.url);
  const names = readdirSync(folder)
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length));
  const isName = /^[\w-]+$/.test(table);
  if (isName && !names.includes(table)) {
    throw new UserMistake(
      `cost table ${table}: there is ${names.join(', ')}; or give a file such as ./${table}.json`,
    );
  }
  const path = isName ? fileURLToPath(new URL(`./${table}${SUFFIX}`, folder)) : table;
  return readText(path, `cost table ${table}`);
}
