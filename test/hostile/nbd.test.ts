/**
 * Goal: a client of the NBD server that asks for far more than it will ever read costs little
 * memory and nobody else's time: the whole stack, from socket to disk. What is counted are bytes
 * held and requests served, not milliseconds.
 */

import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { breathe } from '../../host/event-loop.ts';
import { type LiveBlk, startLiveBlk } from '../support/live-blk.ts';
import { NbdClient } from '../support/nbd-client.ts';

const MIB = 1 << 20;
const READ = 0;
const WRITE = 1;

let folder = '';
let path = '';
let live: LiveBlk;
const clients: NbdClient[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sddf-hostile-'));
  path = join(folder, 's.sock');
  live = await startLiveBlk(['mem=64M'], `unix:${path}`);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await live.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function open(): Promise<NbdClient> {
  const client = await NbdClient.open(path);
  clients.push(client);
  return client;
}

interface Counters {
  readonly requests: number;
  readonly bytesRead: number;
  readonly heldBytesMax: number;
}

function counters(): Counters {
  return live.attachment.counters()['nbd'] as Counters;
}

async function settle(): Promise<void> {
  for (let i = 0; i < 300; i += 1) await breathe();
}

describe('a client that asks for 2300 reads of 32 MiB and reads nothing', () => {
  it('has 2 MiB held for it, and another client is served at once', async () => {
    const greedy = await open();
    for (let i = 0; i < 2300; i += 1) greedy.send({ type: READ, offset: 0, length: 32 * MIB });
    await settle();
    const before = process.memoryUsage();

    const modest = await open();
    modest.send({ type: READ, offset: 4096, length: 4096, cookie: 7 });
    expect(await modest.reply(4096)).toMatchObject({ error: 0, cookie: 7 });

    await settle();
    expect(counters().requests).toBeLessThanOrEqual(257);
    expect(counters().heldBytesMax).toBeLessThan(3 * MIB);
    const grown = process.memoryUsage().external - before.external;
    expect(grown).toBeLessThan(8 * MIB);
  });

  it('may be followed by others like it, up to 64 MiB in all', async () => {
    for (let i = 0; i < 40; i += 1) {
      const greedy = await NbdClient.connect(path);
      clients.push(greedy);
      await Promise.race([greedy.take(18), settle()]);
      greedy.socket.write(
        Buffer.from(`00000003${'49484156454f5054'}0000000700000006${'00'.repeat(6)}`, 'hex'),
      );
      for (let n = 0; n < 20; n += 1) {
        greedy.send({ type: READ, offset: 0, length: 32 * MIB });
        greedy.send({ type: WRITE, offset: 0, length: 32 * MIB });
      }
    }
    await settle();
    expect(counters().heldBytesMax).toBeLessThan(64 * MIB);
  });

  it('is forgotten when it goes', async () => {
    const greedy = await open();
    for (let i = 0; i < 200; i += 1) greedy.send({ type: READ, offset: 0, length: 32 * MIB });
    await settle();
    greedy.close();
    await settle();
    const { bytesRead } = counters();

    const modest = await open();
    modest.send({ type: READ, offset: 0, length: 4096 });
    expect(await modest.reply(4096)).toMatchObject({ error: 0 });
    expect(counters().bytesRead).toBe(bytesRead + 4096);
  });
});

describe('long requests', () => {
  it('bring back what was written', async () => {
    const client = await open();
    const bytes = randomBytes(9 * MIB + 777);
    client.send({ type: WRITE, offset: 12_345, length: bytes.length }, bytes);
    expect(await client.reply()).toMatchObject({ error: 0 });

    client.send({ type: READ, offset: 12_345, length: bytes.length });

    const { data } = await client.reply(bytes.length);
    expect(Buffer.compare(data, bytes)).toBe(0);
  });

  const missing = spawnSync('sh', ['-c', 'command -v qemu-io']).status !== 0;
  it.skipIf(missing)(
    `pass qemu-io, which wants structured replies${missing ? ' (not installed)' : ''}`,
    async () => {
      const commands = [
        'write -P 0x5c 100k 20M',
        'read -P 0x5c 100k 20M',
        'write -z 1000 20M',
        'read -P 0 1000 20M',
      ];
      const { stdout } = await promisify(execFile)('qemu-io', [
        '-f',
        'raw',
        `nbd+unix:///disk?socket=${path}`,
        ...commands.flatMap((one) => ['-c', one]),
      ]);
      expect(stdout).not.toMatch(/fail|error|verification/i);
      expect(stdout.match(/ops;/g)?.length).toBe(4);
    },
  );
});
