/**
 * Test support: the built page in a Chromium, and what it complains of: errors on its console, and
 * requests to anybody else.
 */

import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ROOT } from '../imports/source-imports.ts';
import { BuiltPage } from './built-page.ts';
import { findChromiumPath } from './chromium.ts';

/** For hangs alone. */
const PATIENCE_MS = 60_000;
const HEIGHT = 900;

/** A browser takes its time: it is started where somebody asks for it. */
export const chromiumPath: string | undefined =
  process.env['SDDF_BROWSER'] === undefined ? undefined : findChromiumPath();

export interface Look {
  readonly width?: number;
  readonly scheme?: 'light' | 'dark';
  readonly motion?: 'reduce' | 'no-preference';
  /** The page's address; where it is served unless told. */
  readonly at?: string;
  readonly bypassCSP?: boolean;
  /** What is there once the page has come up. */
  readonly until?: string;
}

export class PageBrowser {
  readonly built: BuiltPage;
  readonly address: string;
  readonly complaints: string[] = [];
  readonly #browser: Browser;

  private constructor(built: BuiltPage, address: string, browser: Browser) {
    this.built = built;
    this.address = address;
    this.#browser = browser;
  }

  /** Builds the page, serves it, and starts the browser. */
  static async start(executablePath: string): Promise<PageBrowser> {
    const built = new BuiltPage();
    const address = await built.serve();
    const args = ['--no-sandbox', '--disable-dev-shm-usage'];
    return new PageBrowser(built, address, await chromium.launch({ executablePath, args }));
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.built.close();
  }

  async open(fragment = '', look: Look = {}): Promise<Page> {
    const { width = 1280, scheme = 'light', at = this.address, until = 'g.node' } = look;
    const context = await this.#browser.newContext({
      viewport: { width, height: HEIGHT },
      colorScheme: scheme,
      reducedMotion: look.motion ?? 'no-preference',
      acceptDownloads: true,
      bypassCSP: look.bypassCSP ?? false,
    });
    const page = await context.newPage();
    this.#listen(page, new URL(at).origin);
    await page.goto(`${at}${fragment}`);
    await page.waitForSelector(until);
    return page;
  }

  #listen(page: Page, own: string): void {
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('request', (request) => {
      const isOwn = request.url().startsWith(own) || /^(?:data|blob):/.test(request.url());
      if (!isOwn) this.complaints.push(`asks for ${request.url()}`);
    });
  }
}

/** All of the page, from its top: the bar that stays in sight is where it belongs. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.evaluate('scrollTo(0, 0)');
  await page.screenshot({ path: join(ROOT, '.artefacts', name), fullPage: true });
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** @returns what axe has against a page that was opened with `bypassCSP`; a line each */
export async function violationsIn(page: Page): Promise<readonly string[]> {
  await page.addScriptTag({ path: join(ROOT, 'node_modules/axe-core/axe.min.js') });
  const { violations } = (await page.evaluate('axe.run()')) as AxeResult;
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
