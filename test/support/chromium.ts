/**
 * A headless Chromium, driven over its debugging pipe (Chrome DevTools Protocol: messages of JSON,
 * each ended by a zero byte, on descriptors 3 and 4), so that a test sees console errors and
 * chooses width and colour scheme.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--hide-scrollbars',
  '--remote-debugging-pipe',
];
const CLOSE_MS = 10_000;
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** @returns nothing where none is installed */
export function findChromium(): string | undefined {
  return NAMES.find((name) => spawnSync(name, ['--version']).status === 0);
}

/** @returns the same as an absolute path, for those who look in no PATH */
export function findChromiumPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

export interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme: 'light' | 'dark';
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

export class Chromium {
  /** What the page has complained about: exceptions, and errors on the console. */
  readonly errors: string[] = [];
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #events = new Map<string, () => void>();
  #rest = '';
  #nextId = 1;
  #session = '';

  private constructor(name: string) {
    this.#profile = mkdtempSync(join(tmpdir(), 'sddf-chromium-'));
    this.#child = spawn(name, [...FLAGS, `--user-data-dir=${this.#profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    const output = this.#child.stdio[4] as Readable;
    output.setEncoding('utf8').on('data', (text: string) => this.#receive(text));
  }

  /** Starts one, with an empty page. */
  static async start(name: string): Promise<Chromium> {
    const browser = new Chromium(name);
    const { targetId } = await browser.#call('Target.createTarget', { url: 'about:blank' });
    const attached = await browser.#call('Target.attachToTarget', { targetId, flatten: true });
    browser.#session = String(attached['sessionId']);
    for (const domain of ['Page', 'Runtime', 'Log']) await browser.#call(`${domain}.enable`, {});
    return browser;
  }

  /** Opens a page and waits until it is there. */
  async open(url: string, view: View): Promise<void> {
    const { width, height, scheme } = view;
    const metrics = { width, height, deviceScaleFactor: 1, mobile: width < 600 };
    await this.#call('Emulation.setDeviceMetricsOverride', metrics);
    const features = [{ name: 'prefers-color-scheme', value: scheme }];
    await this.#call('Emulation.setEmulatedMedia', { features });
    const loaded = new Promise<void>((resolve) => {
      this.#events.set('Page.loadEventFired', resolve);
    });
    await this.#call('Page.navigate', { url });
    await loaded;
  }

  /** @returns what the expression is in the page */
  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.#call('Runtime.evaluate', { expression, returnByValue: true });
    const { result } = answer as { result?: { value?: unknown } };
    return result?.value;
  }

  /** @returns the whole page as PNG */
  async screenshot(): Promise<Buffer> {
    const options = { format: 'png', captureBeyondViewport: true };
    const { contentSize } = (await this.#call('Page.getLayoutMetrics', {})) as {
      contentSize?: { width: number; height: number };
    };
    const clip = { x: 0, y: 0, scale: 1, ...contentSize };
    const answer = await this.#call('Page.captureScreenshot', { ...options, clip });
    return Buffer.from(String(answer['data']), 'base64');
  }

  /**
   * Lets it end by itself, so that all of its processes are gone before the profile is removed; not
   * for ever.
   */
  async close(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#child.once('close', () => resolve());
    });
    const late = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_MS);
    this.#session = '';
    // The answer may be lost with the pipe.
    void this.#call('Browser.close', {});
    await ended;
    clearTimeout(late);
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  #call(
    method: string,
    params: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>>> {
    const id = this.#nextId;
    this.#nextId += 1;
    const session = this.#session === '' ? {} : { sessionId: this.#session };
    const input = this.#child.stdio[3] as Writable;
    input.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error === undefined) resolve(result ?? {});
        else reject(new Error(`${method}: ${error.message}`));
      });
    });
  }

  #receive(text: string): void {
    const messages = (this.#rest + text).split('\0');
    this.#rest = messages.pop() ?? '';
    for (const message of messages) this.#handle(JSON.parse(message) as Message);
  }

  #handle(message: Message): void {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
      return;
    }
    const { method = '', params } = message;
    const isError =
      method === 'Runtime.exceptionThrown' ||
      (method === 'Runtime.consoleAPICalled' && params?.['type'] === 'error') ||
      (method === 'Log.entryAdded' &&
        (params?.['entry'] as { level?: string } | undefined)?.level === 'error');
    if (isError) this.errors.push(JSON.stringify(params));
    this.#events.get(method)?.();
  }
}
