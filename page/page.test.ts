// The page in a browser, from the files that `npm run page` builds. `.ci/run` starts it, with
// SDDF_BROWSER: a browser takes its time.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltPage, SUB_PATH } from '../test/support/built-page.ts';
import {
  chromiumPath,
  type Look,
  PageBrowser,
  picture,
  violationsIn,
} from '../test/support/page-browser.ts';
import { sddfInProcess } from '../test/support/sddf-in-process.ts';
import { ROOT } from '../test/imports/source-imports.ts';
import { FIRST_SCENARIO } from './engine/scenario.ts';
import { toFragment } from './share/link.ts';

const TRANSFER_BYTES_MAX = 1_500_000;

/** @returns the address of the engine's worker, as the page has it */
function workerOf({ folder }: BuiltPage): string {
  const name = readdirSync(join(folder, 'assets')).find((file) => /^worker-.*\.js$/.test(file));
  return `./assets/${name ?? ''}`;
}

/** In the page: asks a worker of its own. */
async function reportOf(asked: {
  readonly url: string;
  readonly request: object;
  readonly scenario: object;
}): Promise<unknown> {
  const { Worker: Thread, location: here } = globalThis as unknown as PageScope;
  const worker = new Thread(new URL(asked.url, here.href), { type: 'module' });
  return new Promise((resolve) => {
    worker.onmessage = ({ data }) => {
      if (data.kind === 'report' || data.kind === 'failed') resolve(data.json ?? data.text);
    };
    worker.postMessage({ kind: 'load', scenario: asked.scenario });
    worker.postMessage(asked.request);
  });
}

function packedBytes(file: string): number {
  return gzipSync(readFileSync(file)).length;
}

/** Of the table of counters: how many packets there were. */
function firstFigure(table: string): string {
  return /[\d,]+/.exec(table)?.[0] ?? '';
}

/** In the page: a slider as somebody's hand has it before it lets go. */
function drawTo(slider: Element, to: { readonly value: string; readonly event: string }): void {
  Object.assign(slider, { value: to.value });
  const { Event: Happening } = globalThis as unknown as PageScope;
  slider.dispatchEvent(new Happening(to.event, { bubbles: true }));
}

interface PageScope {
  readonly Event: typeof Event;
  readonly location: { readonly href: string };
  readonly Worker: new (url: URL, options: object) => PageWorker;
}

interface PageWorker {
  onmessage: (event: { readonly data: { kind: string; json?: string; text?: string } }) => void;
  postMessage(request: object): void;
}

describe.skipIf(chromiumPath === undefined)('the page (chromium, with SDDF_BROWSER)', () => {
  let browser: PageBrowser;
  let built: BuiltPage;

  beforeAll(async () => {
    browser = await PageBrowser.start(chromiumPath ?? '');
    ({ built } = browser);
  });

  afterAll(() => browser.close());

  function open(fragment?: string, look?: Look): Promise<Page> {
    return browser.open(fragment, look);
  }

  it('prints the same bytes as the command line, engine in a worker', async () => {
    const page = await open();
    const request = { kind: 'report', forNs: 5_000_000 };
    const line0 = await page.evaluate(reportOf, {
      url: workerOf(built),
      request,
      scenario: FIRST_SCENARIO,
    });

    const line = 'run echo --clock virtual --json --net loop --rate 2000 --burst 1 --for 5ms';
    const { stdout } = await sddfInProcess(...line.split(' '));
    expect(`${String(line0)}\n`).toBe(stdout);
    await page.context().close();
  });

  it('steps forwards and backwards to the same state', async () => {
    const page = await open();
    const time = (): Promise<string> => page.innerText('#time');
    await page.click('#packet-forwards');
    await page.waitForSelector('#count-packet:text-is("1")');
    const entries = async (): Promise<number> => Number(await page.innerText('#count-entry'));
    const count = (await entries()) + 1;
    await page.click('#entry-forwards');
    await page.waitForSelector(`#count-entry:text-is("${count}")`);
    const there = [await time(), await page.innerText('.middle'), await page.innerText('.queues')];
    await page.waitForSelector('g.node.under-way.busy');
    await page.click('#entry-forwards');
    await page.waitForSelector(`#count-entry:text-is("${count + 1}")`);
    await page.click('#entry-backwards');
    await page.waitForSelector(`#count-entry:text-is("${count}")`);

    expect([
      await time(),
      await page.innerText('.middle'),
      await page.innerText('.queues'),
    ]).toEqual(there);
    expect(await page.innerText('#problem')).toBe('');
    await page.context().close();
  });

  it('plays, and shows a packet hop by hop, capabilities, and what a frame brings back', async () => {
    const page = await open();
    await page.click('#play');
    await page.waitForSelector('#count-packet:not(:text-matches("^[0-2]$"))');
    await page.click('#play');
    await page.click('#follow');
    await page.waitForSelector('#path tbody tr:nth-child(8)');
    await page.click('g.node:has(> title:text-is("ethernet_driver"))');
    await page.waitForSelector('#capabilities');
    await page.click('#ping');
    await page.click('#play');
    await page.waitForSelector('#frames:has-text("ping answer")');

    expect(await page.innerText('#path')).toContain('client0_net_copier');
    expect(await page.innerText('#capabilities')).toContain('IRQHandler');
    await page.context().close();
  });

  it.each([
    [1280, 'light'],
    [1280, 'dark'],
    [820, 'light'],
    [820, 'dark'],
    [390, 'light'],
    [390, 'dark'],
  ] as const)('fits a screen of %i pixels, %s', async (width, scheme) => {
    const page = await open('', { width, scheme });
    await page.click('#packet-forwards');
    await picture(page, `page-${width}-${scheme}.png`);

    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    await page.context().close();
  });

  it('is small: all of it, packed, until the first picture', async () => {
    built.asked.length = 0;
    const page = await open();
    const files = new Set(built.asked.map((path) => path.replace(SUB_PATH, '')));
    const bytes = [...files].map((name) => packedBytes(join(built.folder, name || 'index.html')));

    expect(files.size).toBeGreaterThan(5);
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(TRANSFER_BYTES_MAX);
    await page.context().close();
  });

  it('puts a run into a link, which opens at the same moment, also to look at', async () => {
    const page = await open();
    await page.fill('#seed', '5');
    await page.press('#seed', 'Tab');
    await page.waitForSelector('#command:has-text("--seed 5")');
    await page.click('#packet-forwards');
    await page.waitForSelector('#count-packet:text-is("1")');
    const count = Number(await page.innerText('#count-entry')) + 1;
    await page.click('#entry-forwards');
    await page.waitForSelector(`#count-entry:text-is("${count}")`);
    await page.click('#share-look');
    const there = [await page.innerText('.clock'), await page.innerText('.queues')];
    const link = await page.inputValue('#link');
    const other = await open(link.slice(link.indexOf('#')));
    await other.waitForSelector(`#count-entry:text-is("${count}")`);

    expect([await other.innerText('.clock'), await other.innerText('.queues')]).toEqual(there);
    expect(await other.innerText('#play')).toBe('Play');
    expect(await other.innerText('#led-here')).toContain('leads to this moment');
    expect(await other.innerText('#command')).toContain('--seed 5');
    expect(await other.isDisabled('#ping')).toBe(true);
    expect(await other.locator('#system').count()).toBe(0);
    await page.context().close();
    await other.context().close();
  });

  it('leaves alone what somebody types and draws while time passes', async () => {
    const page = await open();
    const onePacketMore = async (): Promise<void> => {
      const packets = await page.innerText('#count-packet');
      await page.waitForSelector(`#count-packet:not(:text-is("${packets}"))`);
    };
    await page.selectOption('.timeline select', '0.01');
    await page.click('#play');
    await page.fill('#seed', '77');
    await onePacketMore();
    expect(await page.inputValue('#seed')).toBe('77');

    await page.press('#seed', 'Tab');
    await page.waitForSelector('#command:has-text("--seed 77")');
    await page.click('#play');
    await page.focus('#slider');
    await page.$eval('#slider', drawTo, { value: '7', event: 'input' });
    await onePacketMore();
    expect(await page.inputValue('#slider')).toBe('7');
    await page.context().close();
  });

  it('runs a link to no moment in particular by itself, but not where less motion is wanted', async () => {
    const fragment = `#${toFragment({ scenario: FIRST_SCENARIO, mode: 'embed' })}`;
    const page = await open(fragment);
    await page.waitForSelector('#count-packet:not(:text-is("0"))');
    expect(await page.innerText('#play')).toBe('Pause');
    const still = await open(fragment, { motion: 'reduce' });
    await still.waitForSelector('#led-here');
    expect(await still.innerText('#play')).toBe('Play');
    expect(await still.innerText('#count-packet')).toBe('0');
    await page.context().close();
    await still.context().close();
  });

  it('goes on where a link was made while time passed', async () => {
    const page = await open();
    await page.selectOption('.timeline select', '0.01');
    await page.click('#play');
    await page.waitForSelector('#count-packet:not(:text-matches("^[0-2]$"))');
    await page.click('#share');
    const link = await page.inputValue('#link');
    const other = await open(link.slice(link.indexOf('#')));
    await other.waitForSelector('#play:has-text("Pause")');
    const packets = await other.innerText('#count-packet');
    await other.waitForSelector(`#count-packet:not(:text-is("${packets}"))`);

    expect(Number(packets)).toBeGreaterThan(2);
    expect(await other.inputValue('.timeline select')).toBe('0.01');
    await page.context().close();
    await other.context().close();
  });

  it('tells of a link that is none in a line, and runs all the same', async () => {
    const page = await open('#1.nonsense');

    expect(await page.innerText('#problem')).toContain('damaged');
    expect(await page.innerText('#count-entry')).not.toBe('0');
    await page.context().close();
  });

  it('echoes what is typed on a console', async () => {
    const page = await open();
    await page.selectOption('#system', 'serial');
    await page.waitForSelector('.console textarea', { state: 'attached' });
    await page.selectOption('.timeline select', '0.1');
    await page.click('#play');
    await page.locator('.console textarea').first().focus();
    // Nothing that the system's clients print by themselves.
    await page.keyboard.type('quack');
    await page.waitForSelector('.console:has-text("quack")');
    await page.context().close();
  });

  it('injects a fault, which strikes and is told of', async () => {
    const page = await open();
    await page.click('#packet-forwards');
    await page.waitForSelector('#count-packet:text-is("1")');
    await page.selectOption('#point', 'net.irq');
    await page.click('[data-fault="lose"]');
    await page.waitForSelector('#command:has-text("--faults plan.json")');
    await page.click('#play');
    await page.waitForSelector('#strikes:has-text("net.irq: lose")');
    await page.context().close();
  });

  it('hands a trace for Perfetto over', async () => {
    const page = await open();
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#trace')]);
    const trace: unknown = JSON.parse(readFileSync(await download.path(), 'utf8'));

    expect(download.suggestedFilename()).toBe('echo-trace.json');
    expect(trace).toHaveProperty('traceEvents');
    await page.context().close();
  });

  it.each(['light', 'dark'] as const)(
    'can be used by everybody, as far as axe sees, %s',
    async (scheme) => {
      const page = await open('', { scheme, bypassCSP: true });
      await page.click('g.node:has(> title:text-is("ethernet_driver"))');
      await page.waitForSelector('#capabilities');

      expect(await violationsIn(page)).toEqual([]);
      await page.context().close();
    },
  );

  it('shows a live run in two pages, and goes on when they are closed', async () => {
    const line = 'cli/sddf.mjs ui echo --ui-port 0 --net loop --rate 1000 --for 60s --json';
    const run = spawn(process.execPath, line.split(' '), {
      cwd: ROOT,
      env: { ...process.env, SDDF_PAGE: built.folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    run.stdout.on('data', (data: Buffer) => (said.stdout += data.toString()));
    const at = await new Promise<string>((resolve) => {
      run.stderr.on('data', (data: Buffer) => {
        said.stderr += data.toString();
        const url = /shown at (\S+)/.exec(said.stderr)?.[1];
        if (url !== undefined) resolve(url);
      });
    });
    const pages = [await open('', { at }), await open('', { at })];
    for (const page of pages) {
      const before = await page.innerText('table');
      await page.waitForSelector(`table:not(:has-text(${JSON.stringify(firstFigure(before))}))`);
      // Who looks closely asks the run for nothing.
      await page.click('g.node:has(> title:text-is("ethernet_driver"))');
      const after = await page.innerText('table');
      await page.waitForSelector(`table:not(:has-text(${JSON.stringify(firstFigure(after))}))`);
      expect(await page.innerText('#problem')).toBe('');
      await page.context().close();
    }
    run.kill('SIGINT');
    const status = await new Promise((resolve) => run.once('exit', resolve));

    expect(status, said.stderr).toBe(0);
    expect(JSON.parse(said.stdout)).toMatchObject({ ui: { clients: 2, refused: 0 } });
  });

  it('has not complained, and has asked for nothing elsewhere', () => {
    expect(browser.complaints).toEqual([]);
  });
});
