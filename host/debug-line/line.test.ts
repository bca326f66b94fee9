// Goal: a debugger hears at once that its packets have come, whatever the engine does: else it
// sends them again, and has two answers to one. It hears that of what the engine takes for a
// packet, and of nothing else. Method: a client in another process, for which this thread stands
// still; one in this process that sends random bytes.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, expect, it, vi } from 'vitest';
import { Random } from '../../board/random.ts';
import { PACKET_BYTES_MAX, PacketReader } from '../../debug/gdb/packets.ts';
import { DebugLine, type DebugLineOptions, type LineNews } from './line.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-line-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Sends, and prints what comes in half a second. */
const CLIENT = `
  const [path, text] = process.argv.slice(1);
  const socket = require('node:net').connect(path, () => socket.write(text, 'latin1'));
  socket.on('data', (bytes) => process.stdout.write(bytes));
  setTimeout(() => socket.destroy(), 500);
`;

const path = join(folder, 'line.sock');
const OPTIONS: DebugLineOptions = {
  address: { kind: 'unix', path },
  where: '--gdb',
  packetBytesMax: PACKET_BYTES_MAX,
  onNews: () => undefined,
};
/** Two, of which the second is too long by a byte. */
const TOO_LONG = [PACKET_BYTES_MAX, PACKET_BYTES_MAX + 1].map((n) => {
  const sum = (n * 'a'.charCodeAt(0)) % 256;
  return `$${'a'.repeat(n)}#${sum.toString(16).padStart(2, '0')}`;
});

it.each([
  ['a packet', '$?#3f', '+'],
  ['two, and what is none', '$?#3f\u0003$g#00$qC#b4$x#zz', '++'],
  ['one that begins anew, and digits of either case', '$q$qC#B4', '+'],
  ['none that begins where the sum of another one should be', '$?#$?#3f', ''],
  ['one that is as long as may be, and not the longer one', TOO_LONG.join(''), '+'],
])('acknowledges %s while nobody listens', async (_, text, expected) => {
  const line = await DebugLine.open(OPTIONS);
  const { stdout } = spawnSync(process.execPath, ['-e', CLIENT, path, text], {
    encoding: 'latin1',
  });
  const news: LineNews[] = [];
  for (let each = line.take(); each !== undefined; each = line.take()) news.push(each);
  await line.close();

  expect(stdout).toBe(expected);
  const bytes = news.flatMap((each) => (each.kind === 'bytes' ? [...each.bytes] : []));
  expect(bytes.map((byte) => String.fromCharCode(byte)).join('')).toBe(text);
  expect(news[0]?.kind).toBe('connected');
});

/** Packets, and what they are made of: in any order, some of it is packets. */
const PIECES = ['$?#3f', '$A#41', '$#00', '$x#zz', '$', '#', '?', '3', 'f', '}', '+', '\u0003'];

it('acknowledges what its reader takes for packets', async () => {
  const random = new Random(7);
  const piece = (): string => PIECES[random.below(PIECES.length)] as string;
  const text = Array.from({ length: 5000 }, piece).join('');
  const read = new PacketReader().read(Uint8Array.from(Buffer.from(text, 'latin1')));
  const packets = read.filter(({ kind }) => kind === 'packet');

  const line = await DebugLine.open(OPTIONS);
  const client = connect(path, () => client.end(text, 'latin1'));
  let said = '';
  client.on('data', (bytes) => (said += String(bytes)));
  await new Promise((resolve) => client.once('close', resolve));
  await line.close();

  expect(packets.length).toBeGreaterThan(500);
  expect(said).toBe('+'.repeat(packets.length));
});

it('is closed, and leaves nothing behind, also when its thread has died', async () => {
  const unref = vi.spyOn(Worker.prototype, 'unref');
  const line = await DebugLine.open(OPTIONS);
  const worker = unref.mock.contexts.at(-1) as Worker;
  unref.mockRestore();
  await worker.terminate();

  await line.close();
  expect(existsSync(path)).toBe(false);
});
