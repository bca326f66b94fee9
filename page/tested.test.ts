// What the page shows of tests, in a browser: oracles, campaigns and failures, its own and those of
// `sddf sim` and `sddf replay`; disks and the trace; and that the keyboard alone is enough.
// `.ci/run` starts it, with SDDF_BROWSER.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sleep } from '../host/event-loop.ts';
import { ROOT } from '../test/imports/source-imports.ts';
import {
  chromiumPath,
  type Look,
  PageBrowser,
  violationsIn,
} from '../test/support/page-browser.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-tested-'));
const HOPELESS = join(folder, 'hope.ts');
const LOOK_MS = 20;
/** Echo, with an oracle that nothing satisfies. */
writeFileSync(
  HOPELESS,
  `import { echo } from ${JSON.stringify(join(ROOT, 'systems/echo.ts'))};
export const { summary, options } = echo;
export const build = (choices) => echo.build(choices);
const check = () => [{ where: 'client0', what: 'hope is lost' }];
export const oracles = [{ name: 'hope', holds: 'there is hope', check }];
`,
);

/** A command that shows a page. */
class Shown {
  stdout = '';
  stderr = '';
  readonly #process: ChildProcess;

  constructor(words: readonly string[], page: string) {
    this.#process = spawn(process.execPath, ['cli/sddf.mjs', ...words, '--ui-port', '0'], {
      cwd: ROOT,
      env: { ...process.env, SDDF_PAGE: page },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process.stdout?.on('data', (data: Buffer) => (this.stdout += data.toString()));
    this.#process.stderr?.on('data', (data: Buffer) => (this.stderr += data.toString()));
  }

  /** @returns the page's address, once it has been said */
  async url(): Promise<string> {
    for (;;) {
      const url = /shown at (http[^\s;]+)/.exec(this.stdout + this.stderr)?.[1];
      if (url !== undefined) return url;
      await sleep(LOOK_MS);
    }
  }

  /** Ctrl-C. @returns the exit status */
  async end(): Promise<number | null> {
    const ended = new Promise<number | null>((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGINT');
    return ended;
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

describe.skipIf(chromiumPath === undefined)('tests in the page (chromium, SDDF_BROWSER)', () => {
  let browser: PageBrowser;
  const shown: Shown[] = [];

  beforeAll(async () => {
    browser = await PageBrowser.start(chromiumPath ?? '');
  });

  afterEach(() => {
    for (const each of shown.splice(0)) each.kill();
  });

  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  function open(fragment?: string, look?: Look): Promise<Page> {
    return browser.open(fragment, look);
  }

  function show(...words: readonly string[]): Shown {
    const run = new Shown(words, browser.built.folder);
    shown.push(run);
    return run;
  }

  it('judges a system by its oracles, breaks it, and tells what happened', async () => {
    const page = await open();
    await page.click('#judge');
    await page.waitForSelector('#verdict:has-text("Everything held")');
    await page.click('#packet-forwards');
    await page.waitForSelector('#count-packet:text-is("1")');
    await page.selectOption('#point', 'net.wire.in');
    await page.click('[data-fault="lose"]');
    await page.waitForSelector('#story:has-text("net.wire.in")');
    await page.click('#story button');

    expect(await page.innerText('#oracles')).toContain('buffer-ledger');
    expect(await page.innerText('#command')).toContain('sddf sim echo --seeds 0 --plan plan.json');
    expect(await page.innerText('#problem')).toBe('');
    await page.context().close();
  });

  it('runs a campaign of its own, while the page is looked at', async () => {
    const page = await open();
    await page.fill('#hunt-count', '12');
    await page.click('#hunt');
    await page.click('#entry-forwards');
    await page.waitForSelector('#campaign-state:has-text("12 of 12 worlds, over")');

    expect(await page.innerText('#campaign-state')).toContain('none failed');
    expect(await page.innerText('#count-entry')).not.toBe('0');
    await page.context().close();
  });

  it('shows the files of a disk, and the blocks beside them', async () => {
    const page = await open();
    await page.selectOption('#system', 'fat');
    await page.waitForSelector('.console textarea', { state: 'attached' });
    await page.selectOption('.timeline select', '1');
    await page.click('#play');
    await page.locator('.console textarea').first().focus();
    await page.keyboard.type('write notes.txt it runs\r');
    await page.waitForSelector('.console:has-text("it runs")');
    await page.waitForSelector('#count-entry');
    await page.click('#list-files');
    while (!(await page.locator('#files').isVisible())) await page.click('#list-files');
    await page.click('#files button:has-text("notes.txt")');
    await page.waitForSelector('#file:has-text("it runs")');
    await page.click('#read-block');
    await page.waitForSelector('#block:has-text("55 aa")');
    await page.context().close();
  });

  it('draws who runs when, and goes where one clicks', async () => {
    const page = await open();
    await page.click('#packet-forwards');
    await page.waitForSelector('#count-packet:text-is("1")');
    await page.click('#packet-forwards');
    await page.waitForSelector('#count-packet:text-is("2")');
    await page.selectOption('#trace-window', '1000000');
    await page.waitForSelector('#trace-lanes:has-text("net_virt_rx")');
    const before = await page.innerText('#time');
    await page.click('#trace-lanes', { position: { x: 500, y: 30 } });
    await page.waitForSelector(`#time:not(:text-is("${before}"))`);

    expect(await page.innerText('.queues')).toContain('virtio_net receive virtqueue');
    await page.context().close();
  });

  it('shows a campaign of sddf sim, and opens a failure with a click, in two pages', async () => {
    const run = show('sim', HOPELESS, '--seeds', '1..2', '--amount', '60', '--ui');
    const at = await run.url();
    const pages = [
      await open('', { at, until: '#campaign-state' }),
      await open('', { at, until: '#campaign-state' }),
    ];
    for (const page of pages) {
      await page.waitForSelector('#campaign-state:has-text("2 of 2 worlds, over")');
      await page.click('#failures button');
      await page.waitForSelector('#story:has-text("hope is lost")');
      expect(await page.innerText('#failed-by')).toMatch(/hope\s+2/);
    }
    // Each looks where it likes.
    await pages[0]?.click('#entry-forwards');
    await pages[0]?.waitForSelector('.middle');
    expect(await pages[1]?.locator('.middle').count()).toBe(0);
    for (const page of pages) await page.context().close();

    expect(await run.end(), run.stderr).toBe(1);
    expect(run.stdout).toContain('2 worlds failed');
  });

  it('opens a failure file of sddf replay: the same as then, and back and forth in it', async () => {
    const made = show('sim', HOPELESS, '--seeds', '4', '--amount', '60', '--out', folder, '--ui');
    await made.url();
    while (!made.stdout.includes('seed-4.json')) await sleep(LOOK_MS);
    await made.end();
    const run = show('replay', join(folder, 'seed-4.json'), '--ui');
    const page = await open('', { at: await run.url(), until: '#story' });
    await page.waitForSelector('g.node');
    await page.click('#entry-forwards');
    await page.waitForSelector('.middle');
    const there = await page.innerText('.clock');
    const count = Number(await page.innerText('#count-entry'));
    await page.click('#entry-forwards');
    await page.waitForSelector(`#count-entry:text-is("${count + 1}")`);
    await page.click('#entry-backwards');
    await page.waitForSelector(`#count-entry:text-is("${count}")`);
    expect(await page.innerText('.clock')).toBe(there);

    expect(await page.innerText('#verdict')).toContain('The same as then, byte for byte.');
    expect(await page.locator('#share').count()).toBe(0);
    await page.context().close();
    expect(await run.end(), run.stderr).toBe(1);
  });

  it('leads from a live run to the same run that goes back, or says why there is none', async () => {
    const line = 'ui echo --clock virtual --net loop --rate 2000 --burst 1';
    const run = show(...line.split(' '));
    const page = await open('', { at: await run.url() });
    await page.waitForSelector('#again');
    const link = (await page.getAttribute('#again', 'href')) ?? '';
    const again = await open(link.slice(link.indexOf('#')));
    await again.click('#entry-backwards');
    await again.waitForSelector('.middle');
    expect(await again.inputValue('#system')).toBe('echo');
    await again.context().close();
    await page.context().close();
    await run.end();
    const other = show('ui', 'echo', '--net', 'user', '--for', '60s');
    const live = await open('', { at: await other.url() });
    await live.waitForSelector('#no-way-back:has-text("its clock is the one on the wall")');
    expect(await live.locator('#again').count()).toBe(0);
    await live.context().close();
  });

  it('leads into the glossary, which is a page of its own', async () => {
    const page = await open();
    const [glossary] = await Promise.all([
      page.context().waitForEvent('page'),
      page.click('.timeline .help a >> nth=0'),
    ]);
    await glossary.waitForSelector('dfn#virtual-time');

    expect(new URL(glossary.url()).hash).toBe('#virtual-time');
    await page.context().close();
  });

  it('can be used with the keyboard alone, and shows where one is', async () => {
    const page = await open();
    const seen = new Map<string, string>();
    for (let presses = 0; presses < 150; presses += 1) {
      await page.keyboard.press('Tab');
      const [name = '', outline = ''] = (await page.evaluate(FOCUSED)) as string[];
      if (name === 'body') break;
      seen.set(name, outline);
    }

    expect([...seen.keys()]).toEqual(
      expect.arrayContaining([
        '#system',
        '#seed',
        '#cable',
        '#play',
        '#entry-forwards',
        '#slider',
        'node ethernet_driver',
        '#ping',
        '#point',
        '#judge',
        '#hunt',
        '#trace-window',
        '#share',
        '#follow',
      ]),
    );
    expect([...seen].filter(([, outline]) => outline === 'none')).toEqual([]);
    await page.focus('#play');
    await page.keyboard.press('Space');
    await page.waitForSelector('#play:has-text("Pause")');
    await page.keyboard.press('Space');
    await page.waitForSelector('#play:has-text("Play")');
    await page.focus('g.node:has(> title:text-is("ethernet_driver"))');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#capabilities-title:focus');
    await page.context().close();
  });

  it.each(['light', 'dark'] as const)(
    'can be used by everybody when something has broken, as far as axe sees, %s',
    async (scheme) => {
      const page = await open('', { scheme, bypassCSP: true });
      await page.click('#judge');
      await page.waitForSelector('#verdict');
      await page.click('#packet-forwards');
      await page.waitForSelector('#count-packet:text-is("1")');
      await page.click('[data-fault="lose"]');
      await page.waitForSelector('#story');
      await page.fill('#hunt-count', '2');
      await page.click('#hunt');
      await page.waitForSelector('#campaign-state:has-text("over")');
      await page.click('.options summary');

      expect(await violationsIn(page)).toEqual([]);
      await page.context().close();
    },
  );

  it('moves nothing where less motion is wanted', async () => {
    const durations = async (motion: 'reduce' | 'no-preference'): Promise<unknown> => {
      const page = await open('', { motion });
      const seen: unknown = await page.evaluate(
        `getComputedStyle(document.querySelector('g.node path, g.node polygon')).transitionDuration`,
      );
      await page.context().close();
      return seen;
    };

    expect(await durations('no-preference')).toContain('0.12s');
    expect(await durations('reduce')).toBe('0s');
  });

  it('has not complained, and has asked for nothing elsewhere', () => {
    expect(browser.complaints).toEqual([]);
  });
});

/** In the page: what has the focus, and how that is seen. */
const FOCUSED = `(() => {
  const { activeElement: focused } = document;
  const title = focused.querySelector(':scope > title')?.textContent;
  const id = focused.id === '' ? focused.tagName.toLowerCase() : '#' + focused.id;
  const name = title === undefined ? id : 'node ' + title;
  return [name, getComputedStyle(focused).outlineStyle];
})()`;
