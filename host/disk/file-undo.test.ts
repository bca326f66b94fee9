// Goal: a file is brought back byte for byte, also its last, short block; one that another program
// has is not touched. Method: files of a few blocks, and a lock of another open file.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { UserMistake } from '../problem.ts';
import { lockImage } from './file-lock.ts';
import { FileUndo } from './file-undo.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-undo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BYTES = 2 * 4096 + 512;
const before = new Uint8Array(BYTES).map((_, at) => at % 251);
const after = new Uint8Array(BYTES).fill(0xee);

/** A file that was kept, and written over. */
function overwritten(name: string, mayKeep = (): boolean => true) {
  const path = join(folder, name);
  writeFileSync(path, before);
  const undo = new FileUndo(mayKeep);
  const fd = openSync(path, 'r');
  undo.keep(path, fd, 100, BYTES - 100);
  closeSync(fd);
  writeFileSync(path, after);
  return { path, undo };
}

it('writes back what was written over, as often as it is wanted', () => {
  const { path, undo } = overwritten('back.img');
  undo.restore();
  expect(new Uint8Array(readFileSync(path))).toEqual(before);
  writeFileSync(path, after);
  undo.restore();
  expect(new Uint8Array(readFileSync(path))).toEqual(before);
});

it('touches nothing when not all could be kept', () => {
  let blocks = 0;
  const { path, undo } = overwritten('full.img', () => (blocks += 1) < 3);
  undo.restore();
  expect(new Uint8Array(readFileSync(path))).toEqual(after);
});

it('does not write to a file that another program has', (context) => {
  const { path, undo } = overwritten('taken.img');
  const fd = openSync(path, 'r');
  if (lockImage(fd, path, 'write') === 'unguarded') context.skip();
  expect(() => undo.restore()).toThrow(UserMistake);
  expect(new Uint8Array(readFileSync(path))).toEqual(after);
  closeSync(fd);
  undo.restore();
  expect(new Uint8Array(readFileSync(path))).toEqual(before);
});
