/**
 * Serves a page of this machine to this machine: static files, and a WebSocket for whoever knows
 * the token. What is served is a person's own run, so nobody else may look at it or touch it:
 *
 * - only 127.0.0.1 is listened on, and only requests to that name are answered (a page of another
 *   host that has its name point here is refused);
 * - a WebSocket needs the token, and comes from a page that was served here;
 * - a client that sends what nobody listens to is sent away, and what it does not take is dropped
 *   and counted: a slow page costs the run nothing;
 * - connections are few and end by themselves, and all files are in memory: nobody takes the
 *   descriptors that bridges need, and a page that is built anew meanwhile fails no request.
 */

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, relative } from 'node:path';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { after, breathe } from '../event-loop.ts';
import { explainSystemError, UserMistake } from '../problem.ts';

const HOST = '127.0.0.1';
const NAMES = [HOST, 'localhost'];
const TOKEN_BYTES = 18;
const CLIENTS_MAX = 8;
/** Of pages, and of browsers that fetch their files. */
const CONNECTIONS_MAX = 64;
/** Who takes nothing for so long is not waited for; live pages may be silent for ever. */
const SILENCE_MS_MAX = 30_000;
/** A frame is asked of nobody who has so much still to take. */
const BACKLOG_BYTES_MAX = 1_048_576;
const MESSAGE_BYTES_MAX = 65_536;
/** Who leaves so much of what it has asked for is not waited for. */
const UNREAD_BYTES_MAX = 67_108_864;
/** For a page to say good-bye, too. */
const GOODBYE_MS = 100;
const SHOWS_ITSELF = 'a live run only shows itself, and takes nothing from a page';
const CLOSE_POLICY = 1008;
const CLOSE_NORMAL = 1000;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.wasm': 'application/wasm',
};

export interface PageServerOptions {
  /** What `npm run page` has built. */
  readonly folder: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Somebody has come: what he is told first. */
  readonly greet: () => readonly string[];
  /** Somebody has come, and may ask for something; pages only look unless this is there. */
  readonly converse?: (page: PageMouth) => PageEars;
  /** A page takes frames again: what it is told about those that it was not shown so far. */
  readonly missed: (frames: number) => string;
}

/** How one page is told something. */
export interface PageMouth {
  /** What a page that is slow may miss. */
  show(text: string): void;
  /** What it has asked for; one that takes nothing at all is let go. */
  answer(text: string): void;
}

export interface PageEars {
  /** @returns 'refused' for what no page of ours sends: then it is sent away */
  heard(text: string): 'taken' | 'refused';
  gone(): void;
}

/** What a client has not been shown, and how much of that it knows. */
interface Missed {
  frames: number;
  told: number;
}

export interface PageCounters {
  clients: number;
  /** Frames that a page was too slow for. */
  dropped: number;
  /** Requests and connections that were refused. */
  refused: number;
}

export class PageServer {
  readonly counters: PageCounters = { clients: 0, dropped: 0, refused: 0 };
  readonly #options: PageServerOptions;
  readonly #files: ReadonlyMap<string, Buffer>;
  readonly #token = randomBytes(TOKEN_BYTES).toString('base64url');
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
  });
  readonly #clients = new Map<WebSocket, Missed>();

  private constructor(options: PageServerOptions) {
    this.#options = options;
    this.#files = filesOf(options.folder);
    this.#server = createServer((request, response) => this.#serve(request, response));
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.timeout = SILENCE_MS_MAX;
    this.#server.on('drop', () => (this.counters.refused += 1));
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
  }

  /** @throws UserMistake when there is no page, or the port cannot be had */
  static async listen(options: PageServerOptions): Promise<PageServer> {
    const page = new PageServer(options);
    await new Promise<void>((resolve, reject) => {
      page.#server.once('error', (error) =>
        reject(explainSystemError(error, `${HOST}:${options.port}`)),
      );
      page.#server.listen(options.port, HOST, resolve);
    });
    // A connection that cannot be accepted is none.
    page.#server.on('error', () => (page.counters.refused += 1));
    // The page alone keeps no run going.
    page.#server.unref();
    return page;
  }

  /** With the token, behind `#`: browsers send that nowhere. */
  get url(): string {
    return `http://${HOST}:${this.#port}/#live=${this.#token}`;
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** To all who are there; those who are behind do not get it. */
  show(text: string): void {
    for (const client of this.#clients.keys()) this.#show(client, text);
  }

  #show(client: WebSocket, text: string): void {
    const missed = this.#clients.get(client);
    if (missed === undefined) return;
    if (client.bufferedAmount > BACKLOG_BYTES_MAX) {
      missed.frames += 1;
      this.counters.dropped += 1;
      return;
    }
    client.send(text);
    if (missed.frames === missed.told) return;
    missed.told = missed.frames;
    client.send(this.#options.missed(missed.frames));
  }

  /** @param why what pages are told */
  async close(why: string): Promise<void> {
    for (const client of this.#clients.keys()) client.close(CLOSE_NORMAL, why);
    this.#sockets.close();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    // Who does not say good-bye at once is not waited for.
    await Promise.race([closed, breathe()]);
    for (const client of this.#clients.keys()) client.terminate();
    this.#server.closeAllConnections();
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const [path = '/'] = (request.url ?? '/').split(/[?#]/);
    const name = path === '/' ? '/index.html' : path;
    const file = this.#files.get(name);
    const isAsked = request.method === 'GET' || request.method === 'HEAD';
    if (!this.#isToUs(request) || !isAsked || file === undefined) {
      this.counters.refused += 1;
      response.writeHead(file === undefined && isAsked ? 404 : 403).end();
      return;
    }
    response.writeHead(200, {
      'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-cache',
      // Clicks on the page are its user's own; the page's further policy is in the page.
      'content-security-policy': "frame-ancestors 'none'",
    });
    response.end(request.method === 'HEAD' ? undefined : file);
  }

  /** Whoever reaches this machine by another name is led by somebody else. */
  #isToUs({ headers }: IncomingMessage): boolean {
    return NAMES.some((name) => headers.host === `${name}:${this.#port}`);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined); // who is refused may be gone already
    const [path, query] = (request.url ?? '/').split('?');
    const isOwn = NAMES.some((name) => request.headers.origin === `http://${name}:${this.#port}`);
    const isKnown = this.#isToken(new URLSearchParams(query).get('token') ?? '');
    const isPlace = path === '/live' && this.#isToUs(request);
    if (!isPlace || !isOwn || !isKnown || this.#clients.size >= CLIENTS_MAX) {
      this.counters.refused += 1;
      // Not left to the other end, which may never close.
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n', () => socket.destroy());
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (client) => this.#join(client));
  }

  /** In a time that says nothing about how much of it is right. */
  #isToken(given: string): boolean {
    const [a, b] = [Buffer.from(given), Buffer.from(this.#token)];
    return a.length === b.length && timingSafeEqual(a, b);
  }

  #join(client: WebSocket): void {
    this.#clients.set(client, { frames: 0, told: 0 });
    this.counters.clients += 1;
    client.on('close', () => this.#clients.delete(client));
    client.on('error', () => {
      this.counters.refused += 1;
      client.terminate();
    });
    for (const text of this.#options.greet()) client.send(text);
    const ears = this.#options.converse?.({
      show: (text) => this.#show(client, text),
      answer: (text) => this.#answer(client, text),
    });
    if (ears === undefined) {
      client.once('message', () => this.#sendAway(client, SHOWS_ITSELF));
      return;
    }
    client.on('message', (data, isBinary) => {
      if (!this.#clients.has(client)) return;
      const isTaken = !isBinary && ears.heard((data as Buffer).toString()) === 'taken';
      if (!isTaken) this.#sendAway(client, 'this is not what a page of ours asks for');
    });
    client.on('close', () => ears.gone());
  }

  #answer(client: WebSocket, text: string): void {
    if (!this.#clients.has(client)) return;
    if (client.bufferedAmount < UNREAD_BYTES_MAX) client.send(text);
    else {
      this.counters.refused += 1;
      this.#clients.delete(client);
      client.terminate();
    }
  }

  #sendAway(client: WebSocket, why: string): void {
    this.counters.refused += 1;
    this.#clients.delete(client);
    client.close(CLOSE_POLICY, why);
    // Who goes on sending instead of closing is not read.
    after(GOODBYE_MS, () => client.terminate());
  }
}

/** All files of the page by their path: nothing else is ever shown. @throws UserMistake */
function filesOf(folder: string): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>();
  try {
    const root = realpathSync(folder);
    for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
      const file = join(root, name);
      // No links, and nothing behind them: they may lead to anything.
      const isOwn = realpathSync(file) === file && statSync(file).isFile();
      if (isOwn) files.set(`/${relative(root, file)}`, readFileSync(file));
    }
  } catch {
    throw new UserMistake(`${folder}: the page is not built; npm run page builds it`);
  }
  if (!files.has('/index.html')) {
    throw new UserMistake(`${folder}: has no page; npm run page builds it`);
  }
  return files;
}
