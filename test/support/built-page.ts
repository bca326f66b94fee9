/**
 * Test support: the page as `npm run page` builds it, served as any web server does it: files below
 * a sub-path, no special headers.
 */

import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { ROOT } from '../imports/source-imports.ts';

export const SUB_PATH = '/deep/er/';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

export class BuiltPage {
  readonly folder = mkdtempSync(join(tmpdir(), 'sddf-page-'));
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  #server: Server | undefined;

  constructor() {
    const vite = join(ROOT, 'node_modules/vite/bin/vite.js');
    const config = join(ROOT, 'vite.page.config.ts');
    const built = spawnSync(
      process.execPath,
      [
        vite,
        'build',
        '-c',
        config,
        '--outDir',
        this.folder,
        '--emptyOutDir',
        '--logLevel',
        'error',
      ],
      { cwd: ROOT, encoding: 'utf8' },
    );
    if (built.status !== 0) throw new Error(built.stderr);
  }

  /** @returns the page's address */
  async serve(): Promise<string> {
    const server = createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://page').pathname;
      this.asked.push(path);
      const name = normalize(path.slice(SUB_PATH.length));
      const file = join(this.folder, name === '.' || name === '' ? 'index.html' : name);
      const isThere = path.startsWith(SUB_PATH) && existsSync(file) && statSync(file).isFile();
      if (!isThere) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain' });
      createReadStream(file).pipe(response);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}${SUB_PATH}`;
  }

  async close(): Promise<void> {
    rmSync(this.folder, { recursive: true });
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }
}
