/**
 * Test support: the built page in Debian's chromium, and what it complains about: errors on its
 * console, and requests for anything that is not its own.
 */

import { type Browser, chromium, type Page } from 'playwright-core';
import { BuiltPage } from './built-page.ts';

/** For hangs alone. */
const PATIENCE_MS = 120_000;

export interface PageLook {
  readonly width?: number;
  readonly scheme?: 'light' | 'dark';
  readonly bypassCSP?: boolean;
}

export class BrowsedPage {
  readonly built = new BuiltPage();
  readonly complaints: string[] = [];
  #browser: Browser | undefined;
  #address = '';

  async start(executablePath: string): Promise<void> {
    this.#address = await this.built.serve();
    this.#browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    await this.built.close();
  }

  /** @param fragment behind the address, with `#` */
  async open(fragment = '', look: PageLook = {}): Promise<Page> {
    const { width = 1280, scheme = 'light', bypassCSP = false } = look;
    if (this.#browser === undefined) throw new Error('the browser has been started');
    const context = await this.#browser.newContext({
      viewport: { width, height: 900 },
      colorScheme: scheme,
      bypassCSP,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('request', (request) => {
      const url = request.url();
      const isOwn = url.startsWith(new URL(this.#address).origin) || /^(?:data|blob):/.test(url);
      if (!isOwn) this.complaints.push(`asks for ${url}`);
    });
    await page.goto(`${this.#address}${fragment}`);
    await page.waitForSelector('g.node');
    return page;
  }
}
