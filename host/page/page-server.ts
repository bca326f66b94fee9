/**
 * Serves a page of this machine to this machine: static files, and a WebSocket for whoever knows
 * the token. What is served is a person's own run, so nobody else may look at it or touch it:
 *
 * - only 127.0.0.1 is listened on, and only requests to that name are answered (a page of another
 *   host that has its name point here is refused);
 * - a WebSocket needs the token, and comes from a page that was served here;
 * - a client that sends anything is sent away, and what it does not take is dropped and counted: a
 *   slow page costs the run nothing.
 */

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, relative } from 'node:path';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { breathe } from '../event-loop.ts';
import { explainSystemError, UserMistake } from '../problem.ts';

const HOST = '127.0.0.1';
const NAMES = [HOST, 'localhost'];
const TOKEN_BYTES = 18;
const CLIENTS_MAX = 8;
/** A frame is asked of nobody who has so much still to take. */
const BACKLOG_BYTES_MAX = 1_048_576;
const MESSAGE_BYTES_MAX = 65_536;
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
  readonly #files: ReadonlyMap<string, string>;
  readonly #token = randomBytes(TOKEN_BYTES).toString('base64url');
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
  });
  /** What each client has not been shown. */
  readonly #clients = new Map<WebSocket, number>();

  private constructor(options: PageServerOptions) {
    this.#options = options;
    this.#files = filesOf(options.folder);
    this.#server = createServer((request, response) => this.#serve(request, response));
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
    for (const [client, missed] of this.#clients) {
      if (client.bufferedAmount > BACKLOG_BYTES_MAX) {
        this.#clients.set(client, missed + 1);
        this.counters.dropped += 1;
      } else {
        client.send(text);
      }
    }
  }

  /** Frames that the client which has missed most was not shown. */
  get mostMissed(): number {
    return Math.max(0, ...this.#clients.values());
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
    const file = this.#files.get(path === '/' ? '/index.html' : path);
    const isAsked = request.method === 'GET' || request.method === 'HEAD';
    if (!this.#isToUs(request) || !isAsked || file === undefined) {
      this.counters.refused += 1;
      response.writeHead(file === undefined && isAsked ? 404 : 403).end();
      return;
    }
    response.writeHead(200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-cache',
    });
    response.end(request.method === 'HEAD' ? undefined : readFileSync(file));
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
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
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
    this.#clients.set(client, 0);
    this.counters.clients += 1;
    client.on('close', () => this.#clients.delete(client));
    client.on('error', () => {
      this.counters.refused += 1;
      client.terminate();
    });
    client.on('message', () => {
      this.counters.refused += 1;
      client.close(CLOSE_POLICY, 'a live run only shows itself, and takes nothing from a page');
    });
    for (const text of this.#options.greet()) client.send(text);
  }
}

/** All files of the page by their path: nothing else is ever read. @throws UserMistake */
function filesOf(folder: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  try {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const file = join(folder, name);
      if (statSync(file).isFile()) files.set(`/${relative(folder, file)}`, file);
    }
  } catch {
    throw new UserMistake(`${folder}: the page is not built; npm run page builds it`);
  }
  if (!files.has('/index.html')) {
    throw new UserMistake(`${folder}: has no page; npm run page builds it`);
  }
  return files;
}
