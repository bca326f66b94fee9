// The page's server: who may see a run, and what it costs the run. Loopback only, any free port.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { breathe, sleep } from '../event-loop.ts';
import { PageServer } from './page-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-page-server-'));
mkdirSync(join(folder, 'site/assets'), { recursive: true });
writeFileSync(join(folder, 'site/index.html'), '<p>the page</p>');
writeFileSync(join(folder, 'site/assets/a.js'), 'export {};');
writeFileSync(join(folder, 'secret'), 'secret');
symlinkSync(join(folder, 'secret'), join(folder, 'site/link'));
mkdirSync(join(folder, 'elsewhere'));
writeFileSync(join(folder, 'elsewhere/secret'), 'secret');
symlinkSync(join(folder, 'elsewhere'), join(folder, 'site/elsewhere'));
afterAll(() => rmSync(folder, { recursive: true }));

let server: PageServer;
let address: URL;
let token = '';
const opened: WebSocket[] = [];
const plain: Socket[] = [];

beforeEach(async () => {
  server = await PageServer.listen({
    folder: join(folder, 'site'),
    port: 0,
    greet: () => ['welcome'],
    missed: (frames) => `missed ${frames}`,
  });
  address = new URL(server.url);
  token = address.hash.replace('#live=', '');
});

afterEach(async () => {
  for (const socket of opened.splice(0)) socket.terminate();
  for (const socket of plain.splice(0)) socket.destroy();
  await server.close('over');
});

async function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const { hostname, port } = address;
    const asked = request({ hostname, port, path, method, headers }, (response) => {
      let body = '';
      response.on('data', (data: Buffer) => (body += data.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on('error', reject).end();
  });
}

/** Bytes of no browser. @returns what came back until the server closed; it is not closed here */
function raw(text: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({
      host: address.hostname,
      port: Number(address.port),
      allowHalfOpen: true,
    });
    plain.push(socket);
    let said = '';
    socket.on('data', (data: Buffer) => (said += data.toString()));
    socket.on('error', () => undefined);
    socket.on('end', () => resolve(said));
    socket.write(text);
  });
}

function upgrade(headers: readonly string[]): string {
  const fixed = ['upgrade: websocket', 'connection: upgrade', 'sec-websocket-version: 13'];
  const key = `sec-websocket-key: ${Buffer.alloc(16).toString('base64')}`;
  const lines = [`GET /live?token=${token} HTTP/1.1`, ...fixed, key, ...headers];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** A page: what it has been told, and how it ended. */
class Client {
  readonly told: string[] = [];
  readonly socket: WebSocket;
  readonly #changes = new Set<() => void>();
  ended: { readonly code: number; readonly reason: string } | undefined;

  constructor(query = `token=${token}`, headers: Record<string, string> = {}, path = '/live') {
    const url = `ws://${address.host}${path}?${query}`;
    this.socket = new WebSocket(url, { headers: { origin: address.origin, ...headers } });
    opened.push(this.socket);
    this.socket.on('message', (data) => {
      this.told.push(String(data as Buffer));
      this.#changed();
    });
    this.socket.on('close', (code, reason) => {
      this.ended = { code, reason: reason.toString() };
      this.#changed();
    });
    this.socket.on('error', () => undefined);
  }

  async until(isSo: (client: Client) => boolean): Promise<this> {
    while (!isSo(this)) {
      await new Promise<void>((resolve) => {
        this.#changes.add(resolve);
      });
    }
    return this;
  }

  greeted(): Promise<this> {
    return this.until(({ told }) => told.length > 0);
  }

  over(): Promise<this> {
    return this.until(({ ended }) => ended !== undefined);
  }

  #changed(): void {
    for (const change of this.#changes) change();
    this.#changes.clear();
  }
}

describe('files', () => {
  it('is framed by no other', async () => {
    const said = await raw(`GET / HTTP/1.1\r\nhost: ${address.host}\r\nconnection: close\r\n\r\n`);
    expect(said).toMatch(/^content-security-policy: frame-ancestors 'none'\r$/m);
  });

  it('are those of the page', async () => {
    expect(await get('/')).toEqual({ status: 200, body: '<p>the page</p>' });
    expect(await get('/assets/a.js?x')).toEqual({ status: 200, body: 'export {};' });
    expect(await get('/', {}, 'HEAD')).toEqual({ status: 200, body: '' });
  });

  it.each([
    '/../secret',
    '/assets/../../secret',
    '/%2e%2e/secret',
    '//secret',
    '/assets',
    '/nothing',
    '/link',
    '/elsewhere/secret',
  ])('are no others: %s', async (path) => {
    const { status, body } = await get(path);

    expect(status).toBe(404);
    expect(body).toBe('');
  });

  it('are given to this machine by its own name alone, and to be read only', async () => {
    expect((await get('/', { host: `evil.example:${address.port}` })).status).toBe(403);
    expect((await get('/', {}, 'POST')).status).toBe(403);
    expect(server.counters.refused).toBe(2);
  });

  it('are still there when the page is built anew meanwhile', async () => {
    const file = join(folder, 'site/assets/a.js');
    rmSync(file);
    const { body } = await get('/assets/a.js');
    writeFileSync(file, 'export {};');

    expect(body).toBe('export {};');
  });
});

describe('a live page', () => {
  it('is told what is shown, and so is a second one', async () => {
    const [one, two] = [await new Client().greeted(), await new Client().greeted()];
    server.show('frame');
    await one.until(({ told }) => told.includes('frame'));
    await two.until(({ told }) => told.includes('frame'));

    expect(one.told).toEqual(['welcome', 'frame']);
    expect(two.told).toEqual(['welcome', 'frame']);
    expect(server.clients).toBe(2);
  });

  it('may go, and the others stay', async () => {
    const [one, two] = [await new Client().greeted(), await new Client().greeted()];
    one.socket.close();
    await one.over();
    server.show('frame');
    await two.until(({ told }) => told.includes('frame'));

    expect(two.ended).toBeUndefined();
  });

  it('is told that the run is over', async () => {
    const page = await new Client().greeted();
    await server.close('the run is over');
    await page.over();

    expect(page.ended).toEqual({ code: 1000, reason: 'the run is over' });
  });

  it('that takes nothing is dropped frames, counted, and holds up nobody', async () => {
    const [slow, quick] = [await new Client().greeted(), await new Client().greeted()];
    slow.socket.pause();
    const frame = 'x'.repeat(500_000);
    for (let count = 1; count <= 60; count += 1) {
      server.show(frame);
      await quick.until(({ told }) => told.length > count || server.counters.dropped > 200);
    }

    expect(quick.told).toHaveLength(61);
    expect(server.counters.dropped).toBeGreaterThan(0);
    // The slow one learns of it, and nobody else.
    slow.socket.resume();
    const told = (): boolean => slow.told.includes(`missed ${server.counters.dropped}`);
    while (!told()) {
      const { length } = slow.told;
      server.show('frame');
      await slow.until((client) => client.told.length > length);
    }
    await quick.until(({ told: heard }) => heard.includes('frame'));
    expect(quick.told.filter((text) => text.startsWith('missed'))).toEqual([]);
  });
});

describe('a page that may ask', () => {
  let asking: PageServer;
  /** Of this test's pages alone: those of others may still be on their way out. */
  let ears = { heard: [] as string[], gone: 0 };

  beforeEach(async () => {
    const own = { heard: [] as string[], gone: 0 };
    ears = own;
    asking = await PageServer.listen({
      folder: join(folder, 'site'),
      port: 0,
      greet: () => ['welcome'],
      missed: (frames) => `missed ${frames}`,
      converse: (page) => ({
        heard: (text) => {
          own.heard.push(text);
          if (text === 'nonsense') return 'refused';
          if (text === 'flood') {
            for (let count = 0; count < 100; count += 1) page.answer('x'.repeat(1_000_000));
          } else page.answer(`you: ${text}`);
          return 'taken';
        },
        gone: () => (own.gone += 1),
      }),
    });
    address = new URL(asking.url);
    token = address.hash.replace('#live=', '');
  });

  afterEach(() => asking.close('over'));

  it('is answered, and nobody else is', async () => {
    const [one, two] = [await new Client().greeted(), await new Client().greeted()];
    one.socket.send('hello');
    await one.until(({ told }) => told.length > 1);
    asking.show('frame');
    await two.until(({ told }) => told.includes('frame'));

    expect(one.told.slice(0, 2)).toEqual(['welcome', 'you: hello']);
    expect(two.told).toEqual(['welcome', 'frame']);
  });

  it.each([
    ['nonsense', 'nonsense'],
    ['bytes', Buffer.from('hello')],
  ])('that sends %s is sent away, and heard no more', async (_what, message) => {
    const hostile = await new Client().greeted();
    hostile.socket.send(message);
    hostile.socket.send('and more');
    await hostile.over();
    while (ears.gone === 0) await sleep(1);

    expect(hostile.ended?.code).toBe(1008);
    expect(ears.heard).not.toContain('and more');
    expect(asking.counters.refused).toBe(1);
    expect(ears.gone).toBe(1);
  });

  it('that does not take what it asks for is let go, before it fills the memory', async () => {
    const greedy = await new Client().greeted();
    greedy.socket.send('flood');
    greedy.socket.pause();
    while (ears.gone === 0) await sleep(1);

    expect(asking.clients).toBe(0);
    expect(asking.counters.refused).toBe(1);
  });

  it('and goes, which is told', async () => {
    const page = await new Client().greeted();
    page.socket.close();
    while (ears.gone === 0) await sleep(1);

    expect(asking.clients).toBe(0);
  });
});

describe('who is refused', () => {
  it.each([
    ['no token', '', {}, '/live'],
    ['a wrong token', `token=${'a'.repeat(24)}`, {}, '/live'],
    ['a token that is too long', `token=${'a'.repeat(5000)}`, {}, '/live'],
    ['a page of another host', undefined, { origin: 'http://evil.example' }, '/live'],
    ['a page from a file', undefined, { origin: 'null' }, '/live'],
    ['another name of this machine', undefined, { host: 'evil.example' }, '/live'],
    ['another place', undefined, {}, '/other'],
  ] as const)('%s', async (_who, query, headers, path) => {
    const refused = await new Client(query ?? `token=${token}`, headers, path).over();

    expect(refused.told).toEqual([]);
    expect(server.counters).toMatchObject({ clients: 0, refused: 1 });
  });

  it.each([
    ['words', 'hello', [1008]],
    ['bytes', Buffer.alloc(100), [1008]],
    // The connection may be reset before it says why.
    ['more than anybody may send', 'x'.repeat(100_000), [1009, 1006]],
  ] as const)('who sends %s is sent away, and the run goes on', async (_what, message, codes) => {
    const [hostile, other] = [await new Client().greeted(), await new Client().greeted()];
    hostile.socket.send(message);
    await hostile.over();
    server.show('frame');
    await other.until(({ told }) => told.includes('frame'));

    expect(codes).toContain(hostile.ended?.code);
    expect(server.counters.refused).toBe(1);
    expect(server.clients).toBe(1);
  });

  it.each([
    ['who names no origin', () => upgrade([`host: ${address.host}`]), 403],
    ['who names no host', () => upgrade([`origin: ${address.origin}`]), 403],
    ['what is no HTTP', () => Buffer.from([255, 254, 0, 13, 10, 13, 10]), 400],
  ] as const)('%s, and the connection is closed', async (_who, text, status) => {
    expect(await raw(text())).toContain(`HTTP/1.1 ${status} `);
  });

  it('and is not waited for, though it keeps its end open', async () => {
    await Promise.all(Array.from({ length: 200 }, () => raw(upgrade([`host: ${address.host}`]))));

    expect((await get('/')).status).toBe(200);
  });

  it('connections too many, for the run needs descriptors, too; who was there stays', async () => {
    const page = await new Client().greeted();
    const open = { host: address.hostname, port: Number(address.port) };
    for (let count = 0; count < 1000; count += 1) {
      const socket = connect(open);
      socket.on('error', () => undefined);
      plain.push(socket);
    }
    // The page is one of 64.
    while (server.counters.refused < 1000 - 63) await breathe();
    server.show('frame');
    await page.until(({ told }) => told.includes('frame'));
    for (const socket of plain) socket.destroy();

    expect(server.counters.refused).toBe(1000 - 63);
    expect(page.ended).toBeUndefined();
  });

  it('who goes on sending after that is not read for long', async () => {
    const hostile = await new Client().greeted();
    hostile.socket.send('hello');
    // It does not hear that it is sent away.
    hostile.socket.pause();
    while (server.clients > 0) await sleep(1);

    expect(server.counters.refused).toBe(1);
  });

  it('a ninth page, until one of eight is gone', async () => {
    const pages: Client[] = [];
    for (let count = 0; count < 8; count += 1) pages.push(await new Client().greeted());
    const ninth = await new Client().over();
    pages[0]?.socket.close();
    await pages[0]?.over();

    expect(ninth.told).toEqual([]);
    expect((await new Client().greeted()).told).toEqual(['welcome']);
  });

  it('a folder without a page is told of in a line', async () => {
    const empty = PageServer.listen({
      folder: '/nowhere',
      port: 0,
      greet: () => [],
      missed: String,
    });

    await expect(empty).rejects.toThrow(
      /^\/nowhere: the page is not built; npm run page builds it$/,
    );
  });
});
