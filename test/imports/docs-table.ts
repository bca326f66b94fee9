/** The import table as it stands in `docs/architecture.md`. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Extent, outerRoom, type Room, ROOMS } from './rooms.ts';
import { FOLDERS, ROOT } from './source-imports.ts';

const BEGIN = '<!-- begin of the import table: npm run imports writes it -->';
const END = '<!-- end of the import table -->';

/**
 * @returns the document with its table as it should be. Throws when the document has no place for
 * it.
 */
export function withImportTable(document: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin < 0 || end < begin) {
    throw new Error(`docs/architecture.md has no place for the table: ${BEGIN} … ${END}`);
  }
  return `${document.slice(0, begin)}${BEGIN}\n\n${table()}\n\n${document.slice(end)}`;
}

/** Rooms that are declared and not there yet are left out. */
function table(): string {
  const rows = Object.entries(ROOMS)
    .filter(([name]) => existsSync(join(ROOT, name)))
    .map(([name, room]) => [`\`${name}/\``, importsInWords(name, room), doorsInWords(room)]);
  return aligned([['room', 'imports besides itself', 'knows the host'], ...rows]);
}

function importsInWords(name: string, room: Room): string {
  const others = FOLDERS.filter((other) => other !== outerRoom(name));
  const allowed = Object.entries(room.imports).filter(([other]) => FOLDERS.includes(other));
  const missing = others.filter((other) => room.imports[other] === undefined);
  const own = room.programDepth === undefined ? '' : '; of its own room its own program only';
  if (allowed.length === 0) return 'nothing';
  if (missing.length === 0) return 'all';
  const isMostly = missing.length < others.length / 2;
  if (isMostly && allowed.every(([, extent]) => extent === 'all')) {
    return `all but ${missing.join(', ')}`;
  }
  return allowed.map(([other, extent]) => inWords(other, extent)).join(', ') + own;
}

function inWords(room: string, extent: Extent): string {
  if (extent === 'all') return room;
  const [, besidesTypes] = /^types and (.+)$/.exec(extent) ?? [];
  if (besidesTypes !== undefined) return `types of ${room} and \`${room}/${besidesTypes}\``;
  return extent === 'types' ? `types of ${room}` : `\`${room}/${extent}\``;
}

function doorsInWords(room: Room): string {
  if (room.runsInBrowser === true) return 'no, and runs in a browser';
  return room.knowsHost === true ? 'yes' : '';
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |`;
  const rule = line(widths.map((width) => '-'.repeat(width)));
  return [line(rows[0] ?? []), rule, ...rows.slice(1).map(line)].join('\n');
}
