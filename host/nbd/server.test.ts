/**
 * Goal: whatever clients ask for, and however little they read, the server holds no more than it
 * says; clients have turns; a client that is gone costs nothing; long requests are cut, and their
 * errors told. Over real sockets, with the test in place of the block class. Numbers are repeated
 * from the protocol's description.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NbdClient, requestBytes } from '../../test/support/nbd-client.ts';
import { breathe } from '../event-loop.ts';
import type { Job } from './block-client.ts';
import { CLIENTS_MAX, NbdServer } from './server.ts';

const MIB = 1 << 20;
/**
 * Two parts, with what stands in front of them, and as many simple replies as there are requests at
 * one time.
 */
const REPLIES_MAX = 2 * (MIB + 28) + 256 * 16;
const READ = 0;
const WRITE = 1;
const DISC = 2;
const FLUSH = 3;
const TRIM = 4;
const WRITE_ZEROES = 6;
const FUA = 1;
const EPERM = 1;
const EIO = 5;
const EINVAL = 22;
const ENOSPC = 28;

let folder = '';
let path = '';
let server: NbdServer;
const clients: NbdClient[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sddf-nbd-'));
  path = join(folder, 's.sock');
  await restart(false);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function restart(readOnly: boolean): Promise<void> {
  server = new NbdServer({ kind: 'unix', path });
  await server.listen();
  server.publish({ name: 'disk', sizeBytes: 64 * MIB, readOnly, preferredBytes: 4096 });
}

async function open(replies?: 'simple' | 'structured'): Promise<NbdClient> {
  const client = await NbdClient.open(path, replies);
  clients.push(client);
  return client;
}

/**
 * Lets sockets work until the condition holds; a test that waits in vain ends by its time limit.
 */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await breathe();
}

/** The next job, as soon as there is one. */
async function job(): Promise<Job> {
  let found: Job | undefined;
  await until(() => (found = server.nextJob()) !== undefined);
  return found as Job;
}

function finish(done: Job, error = 0): void {
  if (done.part.type === READ) done.reply.fill(fillOf(done.part.offset), done.replyAt);
  done.finish(error);
  server.flush();
}

const fillOf = (offset: number): number => 1 + ((offset / MIB) % 200);

/**
 * Does what is asked, until nothing is left that can be begun.
 * @returns how many parts that were
 */
async function serveAll(): Promise<number> {
  let parts = 0;
  for (let quiet = 0; quiet < 50; quiet += 1) {
    for (let next = server.nextJob(); next !== undefined; next = server.nextJob()) {
      finish(next);
      parts += 1;
      quiet = 0;
    }
    server.flush();
    await breathe();
  }
  return parts;
}

describe('a client that reads nothing', () => {
  it('has the buffers of two parts, however much it asks for', async () => {
    const greedy = await open();
    for (let i = 0; i < 2300; i += 1) greedy.send({ type: READ, offset: 0, length: 32 * MIB });

    const parts = await serveAll();

    expect(server.counters.heldBytesMax).toBeLessThanOrEqual(REPLIES_MAX);
    // What the kernel's socket buffers take is all that goes on.
    expect(parts).toBeLessThan(10);
    expect(server.counters.requests).toBe(256);
  });

  it('does not keep another from its turn', async () => {
    const greedy = await open();
    for (let i = 0; i < 300; i += 1) greedy.send({ type: READ, offset: 0, length: 32 * MIB });
    await serveAll();
    const modest = await open();

    modest.send({ type: READ, offset: 4096, length: 512, cookie: 7 });
    const next = await job();

    expect([next.part.offset, next.part.length]).toEqual([4096, 512]);
    finish(next);
    expect(await modest.reply(512)).toMatchObject({ error: 0, cookie: 7 });
  });

  it('is served on once it reads, all of it and in order', async () => {
    const client = await open();
    client.send({ type: READ, offset: 0, length: 8 * MIB, cookie: 1 });
    client.send({ type: READ, offset: 9 * MIB, length: 100, cookie: 2 });
    await serveAll();

    const first = await Promise.all([client.reply(8 * MIB), keepServing(client)]);

    expect(first[0]).toMatchObject({ error: 0, cookie: 1 });
    for (let mib = 0; mib < 8; mib += 1) expect(first[0].data[mib * MIB + 5]).toBe(1 + mib);
    expect(await client.reply(100)).toMatchObject({ error: 0, cookie: 2 });
  });

  it('is not read on while it leaves the replies to small requests', async () => {
    const client = await open();
    const flushes = Buffer.concat(Array.from({ length: 5000 }, () => requestBytes(flush)));
    for (let i = 0; i < 100; i += 1) client.socket.write(flushes);
    let parts = 0;
    for (let now = await serveAll(); now > 0; now = await serveAll()) parts += now;

    expect(parts).toBeLessThan(500_000);
    expect(server.counters.heldBytesMax).toBeLessThanOrEqual(REPLIES_MAX);
  });
});

const flush = { type: FLUSH, offset: 0, length: 0 };

/** Serves until both replies of the test above can be had. */
async function keepServing(client: NbdClient): Promise<void> {
  while (server.counters.bytesRead < 8 * MIB + 100 && !client.socket.destroyed) {
    for (let next = server.nextJob(); next !== undefined; next = server.nextJob()) finish(next);
    await breathe();
  }
}

describe('payloads', () => {
  it('take two parts at most, and none before they come', async () => {
    const client = await open();
    client.send({ type: WRITE, offset: 0, length: 32 * MIB });
    await until(() => server.counters.requests === 1);
    expect(server.heldBytes).toBe(0);

    client.socket.write(Buffer.alloc(32 * MIB, 0x5a));
    await serveNothingFor(200);

    expect(server.counters.heldBytesMax).toBeLessThanOrEqual(REPLIES_MAX);
    expect(server.heldBytes).toBeGreaterThan(0);
    const reply = client.reply();
    while (server.counters.bytesWritten === 0) {
      const next = await job();
      expect(next.part.payload.equals(Buffer.alloc(next.part.length, 0x5a))).toBe(true);
      finish(next);
    }
    expect(await reply).toMatchObject({ error: 0 });
    expect(server.counters.heldBytesMax).toBeLessThanOrEqual(REPLIES_MAX);
  });

  it('are cut where blocks end', async () => {
    const client = await open();
    client.send({ type: WRITE, offset: 1000, length: 2 * MIB, flags: FUA }, Buffer.alloc(2 * MIB));

    const parts = [await job(), await job()];
    for (const part of parts) finish(part);
    parts.push(await job());

    expect(parts.map(({ part }) => [part.offset, part.length])).toEqual([
      [1000, MIB - 1000],
      [MIB, MIB],
      [2 * MIB, 1000],
    ]);
    expect(parts.every(({ part }) => part.durability === 'sync')).toBe(true);
  });

  it('of a request that is refused, or has failed, are read and thrown away', async () => {
    const client = await open();
    const payload = Buffer.alloc(3 * MIB);
    client.send({ type: WRITE, offset: 63 * MIB, length: 3 * MIB, cookie: 1 }, payload);
    client.send({ type: WRITE, offset: 0, length: 3 * MIB, cookie: 2 }, payload);
    client.send({ type: READ, offset: 0, length: 10, cookie: 3 });

    finish(await job(), EIO);
    const replies = client.reply().then(async (first) => [first, await client.reply()]);
    await serveAll();

    expect(await replies).toMatchObject([
      { error: ENOSPC, cookie: 1 },
      { error: EIO, cookie: 2 },
    ]);
    expect(await client.reply(10)).toMatchObject({ error: 0, cookie: 3 });
    await until(() => server.heldBytes === 0);
  });
});

async function serveNothingFor(turns: number): Promise<void> {
  for (let i = 0; i < turns; i += 1) await breathe();
}

describe('turns', () => {
  it('go round, part by part', async () => {
    const a = await open('structured');
    const b = await open('structured');
    a.send({ type: READ, offset: 0, length: 4 * MIB });
    b.send({ type: READ, offset: 32 * MIB, length: 4 * MIB });
    a.socket.resume();
    b.socket.resume();
    await until(() => server.counters.requests === 2);

    const owners: string[] = [];
    for (let i = 0; i < 8; i += 1) {
      const next = await job();
      owners.push(next.part.offset < 32 * MIB ? 'a' : 'b');
      finish(next);
    }

    expect(owners.filter((who) => who === 'a').length).toBe(4);
    // Each reads as fast as it can; neither has two turns more than the other.
    const leads = owners.map((_, i) => {
      const upTo = owners.slice(0, i + 1);
      return Math.abs(2 * upTo.filter((who) => who === 'a').length - upTo.length);
    });
    expect(Math.max(...leads)).toBeLessThanOrEqual(2);
  });

  it('are short for ranges, too', async () => {
    const a = await open();
    a.send({ type: WRITE_ZEROES, offset: 100, length: 40 * MIB });
    a.send({ type: TRIM, offset: 0, length: 20 * MIB });
    const b = await open();
    b.send({ type: FLUSH, offset: 0, length: 0 });
    await until(() => server.counters.requests === 3);

    const parts: (readonly number[])[] = [];
    for (let next = server.nextJob(); next !== undefined; next = server.nextJob()) {
      parts.push([next.part.type, next.part.offset, next.part.length]);
    }

    expect(parts).toEqual([
      [WRITE, 100, 3996],
      [FLUSH, 0, 0],
      [WRITE_ZEROES, 4096, 16 * MIB],
    ]);
  });
});

describe('clients that go', () => {
  it('have nothing begun for them any more, and hold nothing', async () => {
    const client = await open();
    for (let i = 0; i < 100; i += 1) client.send({ type: READ, offset: 0, length: MIB });
    client.send({ type: WRITE, offset: 0, length: MIB });
    const begun = await job();
    expect(begun.isWanted()).toBe(true);

    client.close();
    // That nobody reads any more shows at the first reply.
    finish(begun, EIO);
    await until(() => !begun.isWanted());

    expect(server.nextJob()).toBeUndefined();
    await until(() => server.heldBytes === 0);
  });

  it('in the middle of a payload leave nothing behind', async () => {
    const client = await open();
    client.send({ type: WRITE, offset: 0, length: MIB }, Buffer.alloc(1000));
    await until(() => server.heldBytes === MIB);
    client.socket.end();
    const ended = client.ended();
    await serveAll();
    await ended;
    await until(() => server.heldBytes === 0);
  });

  it('are answered what they have asked for before DISC', async () => {
    const client = await open();
    client.send({ type: FLUSH, offset: 0, length: 0, cookie: 1 });
    client.send({ type: DISC, offset: 0, length: 0 });
    const reply = client.reply();
    await serveAll();
    expect(await reply).toMatchObject({ error: 0, cookie: 1 });
    await client.ended();
  });

  it('make room, before they have shaken hands, for those that come', async () => {
    for (let i = 0; i < CLIENTS_MAX; i += 1) clients.push(await NbdClient.connect(path));
    const client = await open();
    client.send({ type: FLUSH, offset: 0, length: 0, cookie: 9 });
    finish(await job());
    expect(await client.reply()).toMatchObject({ cookie: 9 });
    expect(server.counters.tooManyClients).toBe(1);
  });

  it('are refused when all places are taken', async () => {
    for (let i = 0; i < CLIENTS_MAX; i += 1) await open();
    const further = await NbdClient.connect(path);
    await further.ended();
    expect(server.counters.tooManyClients).toBe(1);
  });
});

describe('errors', () => {
  it('have the numbers of the protocol', async () => {
    const client = await open();
    const beyond = { offset: 64 * MIB, length: 4096 };
    client.send({ type: READ, ...beyond, cookie: 1 });
    client.send({ type: WRITE, ...beyond, cookie: 2 }, Buffer.alloc(4096));
    client.send({ type: WRITE_ZEROES, ...beyond, cookie: 3 });
    client.send({ type: TRIM, ...beyond, cookie: 4 });
    client.send({ type: 99, offset: 0, length: 0, cookie: 5 });
    const errors: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      const reply = client.reply();
      await serveAll();
      errors.push((await reply).error);
    }
    expect(errors).toEqual([EINVAL, ENOSPC, ENOSPC, EINVAL, EINVAL]);
  });

  it('of changes to what is read-only are EPERM', async () => {
    await server.close();
    await restart(true);
    const client = await open();
    client.send({ type: WRITE, offset: 0, length: 4096 }, Buffer.alloc(4096));
    const reply = client.reply();
    await serveAll();
    expect(await reply).toMatchObject({ error: EPERM });
  });

  it('in the first part of a long READ are told', async () => {
    const client = await open();
    client.send({ type: READ, offset: 0, length: 4 * MIB, cookie: 4 });
    finish(await job(), EIO);
    expect(await client.reply()).toMatchObject({ error: EIO, cookie: 4 });
  });

  it('in a later part end the connection, where replies are simple', async () => {
    const client = await open();
    client.send({ type: READ, offset: 0, length: 4 * MIB });
    finish(await job());
    finish(await job(), EIO);
    const got = await client.take(16 + 4 * MIB);
    expect(got.length).toBeLessThanOrEqual(16 + MIB);
  });

  it('in a later part are told, where replies are structured', async () => {
    const client = await open('structured');
    client.send({ type: READ, offset: 0, length: 4 * MIB, cookie: 5 });
    finish(await job());
    finish(await job(), EIO);

    const chunk = await client.take(28 + MIB);
    const last = await client.take(26);

    const cookie = '0000000000000005';
    expect(chunk.toString('hex', 0, 28)).toBe(
      `668e33ef${'0000'}0001${cookie}${'00100008'}${'0000000000000000'}`,
    );
    expect(last.toString('hex')).toBe(
      `668e33ef${'0001'}8001${cookie}${'00000006'}${'00000005'}${'0000'}`,
    );
  });

  it('of READs of no bytes are none', async () => {
    const client = await open('structured');
    client.send({ type: READ, offset: 0, length: 0, cookie: 6 });
    const reply = client.take(20);
    await serveAll();
    expect((await reply).toString('hex')).toBe(
      `668e33ef${'0001'}0000${'0000000000000006'}${'00000000'}`,
    );
  });
});
