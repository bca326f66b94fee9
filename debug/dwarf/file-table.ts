/**
 * The directories and files that a unit's line program speaks of by number. DWARF 5, 6.2.4, points
 * 14 to 21; DWARF 4, 6.2.4, points 11 and 12.
 */

import { type Cursor, textIn } from './cursor.ts';

/** Sections of texts, empty where the image has none. */
export interface Texts {
  readonly lineStr: Uint8Array;
  readonly str: Uint8Array;
}

export interface UnitFormat {
  readonly version: number;
  /** Bytes of an offset: 4, or 8 in the 64-bit format. */
  readonly offsetBytes: number;
}

/** Content types. */
const LNCT_PATH = 1;
const LNCT_DIRECTORY = 2;

/** Forms (DWARF 5, 7.5.6) that a table may have; those with a length of their own. */
const FORM = {
  block2: 0x03,
  block4: 0x04,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  block: 0x09,
  block1: 0x0a,
  data1: 0x0b,
  sdata: 0x0d,
  strp: 0x0e,
  udata: 0x0f,
  data16: 0x1e,
  lineStrp: 0x1f,
} as const;

/** @returns paths by number, or one line that says what cannot be read */
export function readFiles(
  cursor: Cursor,
  format: UnitFormat,
  texts: Texts,
): readonly string[] | { readonly problem: string } {
  return format.version >= 5 ? readTables(cursor, format, texts) : readOldTables(cursor);
}

/** Files are counted from 1; directory 0 is that of the compilation, which is not told here. */
function readOldTables(cursor: Cursor): readonly string[] {
  const directories = [''];
  for (let name = cursor.text(); name !== ''; name = cursor.text()) directories.push(name);
  const files = ['?'];
  for (let name = cursor.text(); name !== ''; name = cursor.text()) {
    files.push(joined(directories[cursor.uleb()] ?? '', name));
    cursor.uleb(); // time
    cursor.uleb(); // length
  }
  return files;
}

interface Entry {
  readonly path: string;
  readonly directory: number;
}

function readTables(
  cursor: Cursor,
  format: UnitFormat,
  texts: Texts,
): readonly string[] | { readonly problem: string } {
  const directories = readTable(cursor, format, texts);
  if ('problem' in directories) return directories;
  const files = readTable(cursor, format, texts);
  if ('problem' in files) return files;
  const compilation = directories.entries[0]?.path ?? '';
  return files.entries.map(({ path, directory }) => {
    const within = directories.entries[directory]?.path ?? '';
    return joined(compilation, joined(within === compilation ? '' : within, path));
  });
}

function readTable(
  cursor: Cursor,
  format: UnitFormat,
  texts: Texts,
): { readonly entries: readonly Entry[] } | { readonly problem: string } {
  const columns: { readonly content: number; readonly form: number }[] = [];
  for (let left = cursor.u8(); left > 0; left -= 1) {
    columns.push({ content: cursor.uleb(), form: cursor.uleb() });
  }
  const count = cursor.uleb();
  // Each entry takes a byte at least, so that nobody can wish for more than the section has.
  if (count > cursor.left) return { problem: `has ${count} files in ${cursor.left} bytes` };
  const entries: Entry[] = [];
  while (entries.length < count && !cursor.isOverrun) {
    let path = '?';
    let directory = 0;
    for (const { content, form } of columns) {
      const value = readForm(cursor, form, format, texts);
      if (value === undefined) return { problem: `has a file table with form ${form}` };
      if (content === LNCT_PATH) path = String(value);
      if (content === LNCT_DIRECTORY) directory = Number(value);
    }
    entries.push({ path, directory });
  }
  return { entries };
}

/** @returns a text or a number, 0 for what is passed over; undefined for a form that is none */
function readForm(
  cursor: Cursor,
  form: number,
  { offsetBytes }: UnitFormat,
  { lineStr, str }: Texts,
): string | number | undefined {
  const offset = (): number => (offsetBytes === 8 ? cursor.u64() : cursor.u32());
  const pass = (bytes: number): number => {
    cursor.skip(bytes);
    return 0;
  };
  switch (form) {
    case FORM.string:
      return cursor.text();
    case FORM.lineStrp:
      return textIn(lineStr, offset());
    case FORM.strp:
      return textIn(str, offset());
    case FORM.data1:
      return cursor.u8();
    case FORM.data2:
      return cursor.u16();
    case FORM.data4:
      return cursor.u32();
    case FORM.data8:
      return cursor.u64();
    case FORM.udata:
      return cursor.uleb();
    case FORM.sdata:
      return cursor.sleb();
    case FORM.data16:
      return pass(16);
    case FORM.block1:
      return pass(cursor.u8());
    case FORM.block2:
      return pass(cursor.u16());
    case FORM.block4:
      return pass(cursor.u32());
    case FORM.block:
      return pass(cursor.uleb());
    default:
      return undefined;
  }
}

/** `..` and `.` are taken out, so that one file has one path. */
function joined(directory: string, name: string): string {
  const path = name.startsWith('/') || directory === '' ? name : `${directory}/${name}`;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '.' || (part === '' && parts.length > 0)) continue;
    const last = parts.at(-1);
    if (part === '..' && last !== undefined && last !== '' && last !== '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}
