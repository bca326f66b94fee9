// Goal: a debugger hears at once that its packets have come, whatever the engine does: else it
// sends them again, and has two answers to one. Method: a client in another process, for which this
// thread stands still.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { DebugLine, type LineNews } from './line.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-line-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Sends, and prints what comes in half a second. */
const CLIENT = `
  const [path, text] = process.argv.slice(1);
  const socket = require('node:net').connect(path, () => socket.write(text, 'latin1'));
  socket.on('data', (bytes) => process.stdout.write(bytes));
  setTimeout(() => socket.destroy(), 500);
`;

it.each([
  ['a packet', '$?#3f', '+'],
  ['two, and what is none', '$?#3f\u0003$g#00$qC#b4$x#zz', '++'],
  ['one that begins anew, and digits of either case', '$q$qC#B4', '+'],
])('acknowledges %s while nobody listens', async (_, text, expected) => {
  const path = join(folder, 'line.sock');
  const line = await DebugLine.open({ kind: 'unix', path }, '--gdb', () => undefined);
  const { stdout } = spawnSync(process.execPath, ['-e', CLIENT, path, text], {
    encoding: 'latin1',
  });
  const news: LineNews[] = [];
  for (let each = line.take(); each !== undefined; each = line.take()) news.push(each);
  await line.close();

  expect(stdout).toBe(expected);
  const bytes = news.flatMap((each) => (each.kind === 'bytes' ? [...each.bytes] : []));
  expect(String.fromCharCode(...bytes)).toBe(text);
  expect(news[0]?.kind).toBe('connected');
});
