// Writing in the page, in a browser: programs are edited and run, errors stand at their lines,
// files are dropped, guided examples lead to their ends, and what never returns is named. `.ci/run`
// starts it, with SDDF_BROWSER.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYS_DEBUG_PUT_CHAR } from '../kernel/abi.ts';
import { addi, assemble, ecall, j, li, R } from '../test/support/assembler.ts';
import { microkitElf } from '../test/support/microkit-elf.ts';
import {
  chromiumPath,
  type Look,
  PageBrowser,
  picture,
  violationsIn,
} from '../test/support/page-browser.ts';
import { ROOT } from '../test/imports/source-imports.ts';
import { FIRST_SCENARIO } from './engine/scenario.ts';
import { tutorialFiles } from './guides/tutorial-files.ts';
import { toFragment } from './share/link.ts';

const TUTORIAL = tutorialFiles(readFileSync(join(ROOT, 'docs/writing-a-driver.md'), 'utf8'));
const STEPS_MAX = 100;

const GREETER = `<?xml version="1.0" encoding="UTF-8"?>
<system>
    <protection_domain name="greeter" priority="5"><program_image path="build/greeter.elf" /></protection_domain>
</system>
`;

/** An image that prints a line, and waits for ever. */
function greeter(): Buffer {
  const print = [...Buffer.from('hi from elf\n')].flatMap((byte) => [
    li(R.a0, byte),
    li(R.a7, SYS_DEBUG_PUT_CHAR),
    ecall,
  ]);
  const wait = [li(R.a0, 1), li(R.a6, 4), li(R.a7, -7), ecall, addi(R.s1, R.s1, 1), j('wait')];
  const text = assemble([...print, 'wait', ...wait]);
  const elf = microkitElf({
    change: (made) => {
      const [code, ...others] = made.segments;
      return { ...made, segments: code === undefined ? [] : [{ ...code, bytes: text }, ...others] };
    },
  });
  return Buffer.from(elf);
}

/** Bytes that no packer makes less of: by xorshift. */
function noise(bytes: number): Buffer {
  let state = 1;
  return Buffer.from(
    Array.from({ length: bytes }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 255;
    }),
  );
}

/** The file is open in the editor. */
async function openFile(page: Page, file: string): Promise<void> {
  await page.selectOption('#file', file);
  await page.waitForSelector(`.cm-content[aria-label="Text of ${file}"]`);
}

async function write(page: Page, file: string, text: string): Promise<void> {
  await openFile(page, file);
  await page.click('.cm-content');
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(text);
}

/** A file of the tutorial with a part replaced. */
function changed(file: string, from: string, to: string): string {
  const text = TUTORIAL[file] ?? '';
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  return text.replace(from, to);
}

async function play(page: Page, speed: string): Promise<void> {
  await page.selectOption('.timeline select', speed);
  if ((await page.innerText('#play')) === 'Play') await page.click('#play');
}

async function pause(page: Page): Promise<void> {
  if ((await page.innerText('#play')) === 'Pause') await page.click('#play');
  // The engine is in another thread: what is read from now on is of a time that stands still.
  await page.waitForSelector('#play:text-is("Play")');
}

async function breakAt(page: Page, point: string, fault: string): Promise<void> {
  await page.selectOption('#point', point);
  const rules = Number(await page.innerText('#planned'));
  await page.click(`[data-fault="${fault}"]`);
  // The run comes to the same moment again.
  await page.waitForSelector(`#planned:text-is("${rules + 1}")`);
}

async function type(page: Page, text: string): Promise<void> {
  await page.locator('.console textarea').first().focus();
  await page.keyboard.type(text);
}

async function done(page: Page, step: number): Promise<void> {
  await page.waitForSelector(`.steps-list li.done:nth-child(${step})`);
}

/** Presses until the step is done. */
async function press(page: Page, button: string, step: number): Promise<void> {
  for (let pressed = 0; pressed < STEPS_MAX; pressed += 1) {
    if ((await page.locator(`.steps-list li.done:nth-child(${step})`).count()) > 0) return;
    const entries = await page.innerText('#count-entry');
    await page.click(button);
    await page.waitForSelector(`#count-entry:not(:text-is("${entries}"))`);
  }
}

async function ping(page: Page, client: string): Promise<void> {
  await page.selectOption('section[aria-labelledby=network-title] select', client);
  await page.click('#ping');
}

const domain = (name: string): string => `g.node:has(> title:text-is("${name}"))`;

/** What somebody does who follows a guided example: as its steps say. */
const FOLLOWED: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  echo: async (page) => {
    await page.click('#packet-forwards');
    await done(page, 1);
    await press(page, '#entry-forwards', 2);
    await page.click('#follow');
    await done(page, 3);
    await play(page, '0.01');
    await done(page, 4);
    await ping(page, '1');
  },
  driver: async (page) => {
    await play(page, '0.01');
    await done(page, 1);
    await pause(page);
    await write(page, 'driver.ts', changed('driver.ts', 'PERIOD, 1000', 'PERIOD, 250'));
    await page.click('#run-own');
    await play(page, '0.01');
    await done(page, 2);
    await page.click('.write-for-me');
    await done(page, 3);
    await page.click('.write-for-me');
    await play(page, '0.01');
  },
  'power-cut': async (page) => {
    await play(page, '0.1');
    await done(page, 1);
    await type(page, 'write a.txt hello\n');
    await play(page, '0.1');
    await done(page, 2);
    await breakAt(page, 'blk0.medium', 'power-cut');
    await done(page, 3);
    await page.click('#list-files');
    await done(page, 4);
    await breakAt(page, 'blk0.flush', 'lie');
    await breakAt(page, 'blk0.flush', 'lie');
    await type(page, 'write b.txt hello\n');
    await play(page, '0.1');
    await done(page, 5);
    await breakAt(page, 'blk0.medium', 'power-cut');
    await page.click('#list-files');
  },
  'slow-line': async (page) => {
    await play(page, '0.1');
    await done(page, 1);
    await page.click('.chooser summary');
    await page.locator('label:has-text("baud") select').selectOption('9600');
    await page.waitForSelector('#play:text-is("Play")');
    await play(page, '0.1');
    await done(page, 2);
    await type(page, '');
    await page.keyboard.press('Control+\\');
    await page.keyboard.type('0\n');
    await play(page, '0.1');
    await type(page, 'abcdefghij');
    await play(page, '0.1');
    await done(page, 3);
    await breakAt(page, 'uart.line.in', 'lose');
    await type(page, 'x');
    await play(page, '0.1');
  },
  'lost-wake-up': async (page) => {
    await play(page, '0.01');
    await done(page, 1);
    await page.click('.write-for-me');
    await play(page, '0.001');
    await done(page, 2);
    await press(page, '#entry-backwards', 3);
    await page.click('.write-for-me');
    await play(page, '0.001');
  },
  'hostile-client': async (page) => {
    await play(page, '0.01');
    await done(page, 1);
    await ping(page, '1');
    await done(page, 2);
    await page.click(domain('client0'));
    await done(page, 3);
    await page.click('.write-for-me');
    await done(page, 4);
    await play(page, '0.01');
  },
  revoke: async (page) => {
    await page.click(domain('owner'));
    await done(page, 2);
    await page.click('.write-for-me');
    await done(page, 3);
    await page.click(domain('owner'));
  },
};

describe.skipIf(chromiumPath === undefined)('writing (chromium, with SDDF_BROWSER)', () => {
  let browsed: PageBrowser;
  const open = (fragment = '', look?: Look): Promise<Page> => browsed.open(fragment, look);

  beforeAll(async () => {
    browsed = await PageBrowser.start(chromiumPath ?? '');
  });

  afterAll(() => browsed.close());

  async function weather(look?: Look): Promise<Page> {
    const page = await open('#guide=driver', look);
    await page.waitForSelector('.cm-content');
    return page;
  }

  it('takes a copy of a program of the package, finds no wrong types, and runs it', async () => {
    const page = await open();
    await page.click('#edit');
    await page.waitForSelector('#file');
    await openFile(page, 'clients/echo/echo.ts');
    await page.waitForSelector('#no-problems:has-text("No errors")');
    await page.click('#run-own');
    await page.waitForSelector('#system option:checked:text-is("echo.ts")', { state: 'attached' });
    await play(page, '0.01');
    await page.waitForSelector('#count-packet:not(:text-matches("^[0-2]$"))');

    expect(await page.innerText('#problem')).toBe('');
    await page.context().close();
  });

  it('runs what has been written, at once, by the keyboard alone', async () => {
    const page = await weather();
    await openFile(page, 'reader.ts');
    await page.focus('.cm-content');
    await page.keyboard.press('Control+a');
    await page.keyboard.insertText(changed('reader.ts', 'degrees`', 'degrees, says I`'));
    await page.keyboard.press('Control+Enter');
    await page.focus('#play');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#log:has-text("21.0 degrees, says I")');
    // One leaves the text with the Tab key: no trap.
    await page.focus('.cm-content');
    await page.keyboard.press('Tab');

    expect(await page.evaluate('document.activeElement.closest(".cm-editor")')).toBeNull();
    await page.context().close();
  });

  it('shows an error of types at its line', async () => {
    const page = await weather();
    await write(
      page,
      'driver.ts',
      changed('driver.ts', 'let count = 0;', "let count: number = 'x';"),
    );
    await page.waitForSelector('#problems:has-text("driver.ts:18")');
    await page.waitForSelector('.cm-lintRange-error');

    expect(await page.innerText('#problems')).toContain("Type 'string' is not assignable");
    // Files that are not open are looked at, too.
    await openFile(page, 'reader.ts');
    await write(page, 'reader.ts', `${TUTORIAL['reader.ts'] ?? ''}\nconst no: number = 'x';\n`);
    await page.waitForSelector('#problems:has-text("reader.ts:")');
    expect(await page.innerText('#problems')).toContain('driver.ts:18');
    await page.context().close();
  });

  it.each([
    ['what cannot be read', 'let count = 0;', 'let count = ;', 'driver.ts:18', 'Unexpected token'],
    [
      'what is not there',
      "'sddf-testbed/microkit'",
      "'./nothing.ts'; import './no.ts'",
      'driver.ts:1',
      'cannot be imported',
    ],
    [
      'a fault',
      'count += 1;',
      "if (count === 0) throw new Error('no more');",
      'driver.ts:29',
      'no more',
    ],
  ])('shows an error of the run at its line: %s', async (_, from, to, place, words) => {
    const page = await weather();
    await write(page, 'driver.ts', changed('driver.ts', from, to));
    await page.click('#run-own');
    if (words === 'no more') await play(page, '0.01');
    const line = page.locator(`#problems li:has-text("${place}"):has-text("${words}")`);
    await line.first().waitFor();
    await line.first().locator('button').click();

    expect(await page.getAttribute('.cm-content', 'aria-label')).toBe('Text of driver.ts');
    await page.context().close();
  });

  it('puts what has been written into a link, which says so and runs it with a click', async () => {
    const page = await weather();
    await write(page, 'reader.ts', changed('reader.ts', 'degrees`', 'degrees, from a link`'));
    await page.click('#run-own');
    await play(page, '0.01');
    await page.waitForSelector('#log:has-text("from a link")');
    await pause(page);
    const there = await page.innerText('#log');
    await page.click('#share');
    const link = await page.inputValue('#link');
    const other = await open(link.slice(link.indexOf('#')), { until: '#brought' });
    await other.click('#brought summary:has-text("reader.ts")');
    expect(await other.innerText('#brought')).toContain('degrees, from a link');
    expect(await other.locator('g.node').count()).toBe(0);
    await other.click('#run-brought');
    await other.waitForSelector('#log:has-text("from a link")');
    await other.waitForSelector('.cm-content');

    expect(link).toMatch(/#2\./);
    expect(await other.innerText('#log')).toBe(there);
    expect(await other.innerText('#command')).toContain('npx sddf run ./my-system.ts');
    await page.context().close();
    await other.context().close();
  });

  it.each(['look', 'embed'] as const)(
    'asks before it runs what a link brings, by the keyboard too: %s',
    async (mode) => {
      const own = { main: 'my-system.ts', files: TUTORIAL };
      const scenario = { ...FIRST_SCENARIO, system: 'weather', own };
      const look = { until: '#brought', bypassCSP: true } as const;
      const page = await open(`#${toFragment({ scenario, mode })}`, look);
      await page.waitForSelector('#brought-title:focus');
      const problems = await violationsIn(page);
      // Behind the last of the files.
      for (let presses = 0; presses < 20; presses += 1) {
        await page.keyboard.press('Tab');
        if (await page.locator('#run-brought:focus').count()) break;
      }
      await page.keyboard.press('Enter');
      await page.waitForSelector('h1:focus');
      await page.waitForSelector('#play:has-text("Pause")');

      expect(problems).toEqual([]);
      expect(await page.locator('#brought').count()).toBe(0);
      expect(await page.innerText('#problem')).toBe('');
      await page.context().close();
    },
  );

  it('runs a dropped .system file with its ELF image, which a link brings along', async () => {
    const page = await open();
    const files = [
      { name: 'pair.system', text: GREETER },
      { name: 'greeter.elf', base64: greeter().toString('base64') },
    ];
    await page.evaluate(`(${DROP})(${JSON.stringify(files)})`);
    await page.waitForSelector('#log:has-text("hi from elf")');
    expect(await page.innerText('#problem')).toBe('');
    expect(await page.innerText('.picture')).toContain('greeter');
    await page.click('#share');
    const link = await page.inputValue('#link');
    const other = await open(link.slice(link.indexOf('#')), { until: '#brought' });
    expect(await other.innerText('#brought')).toMatch(/greeter\.elf [\d,]+ bytes/);
    await other.click('#run-brought');
    await other.waitForSelector('#log:has-text("hi from elf")');

    expect(link).toMatch(/#3\./);
    await page.context().close();
    await other.context().close();
  });

  it('says which image a link has no room for', async () => {
    const page = await open();
    await page.setInputFiles('#files-input', [
      { name: 'pair.system', mimeType: 'text/xml', buffer: Buffer.from(GREETER) },
      { name: 'greeter.elf', mimeType: '', buffer: Buffer.concat([greeter(), noise(120_000)]) },
    ]);
    await page.waitForSelector('#log:has-text("hi from elf")');
    await page.click('#share');
    await page.waitForSelector('#problem:has-text("no room for greeter.elf (73 KiB when packed)")');

    expect(await page.inputValue('#link')).toMatch(/#2\./);
    await page.context().close();
  });

  it('leaves out what a program has made the engine say, and stays as it is', async () => {
    const page = await weather();
    const forging = 'Float64Array.prototype.slice = (() => "forged") as never;\n';
    await write(page, 'reader.ts', `${forging}${TUTORIAL['reader.ts'] ?? ''}`);
    await page.click('#run-own');
    await play(page, '0.001');
    await page.waitForSelector('#problem:has-text("has changed what the engine says")');
    const entries = await page.innerText('#count-entry');
    await page.waitForSelector(`#count-entry:not(:text-is("${entries}"))`);
    await page.context().close();
  });

  it('says in a line each what a dropped file lacks, and takes it later', async () => {
    const page = await open();
    await page.setInputFiles('#files-input', [
      { name: 'pair.system', mimeType: 'text/xml', buffer: Buffer.from(GREETER) },
    ]);
    await page.waitForSelector('#problem:has-text("no build/greeter.elf; drop it onto the page")');
    await page.setInputFiles('#files-input', [
      { name: 'greeter.elf', mimeType: '', buffer: greeter().subarray(0, 100) },
    ]);
    await page.waitForSelector('#problem:has-text("greeter.elf: ")');
    const problem = await page.innerText('#problem');
    await page.setInputFiles('#files-input', [
      { name: 'greeter.elf', mimeType: '', buffer: greeter() },
    ]);
    await page.waitForSelector('#log:has-text("hi from elf")');

    expect(problem.split('\n')).toHaveLength(1);
    await page.context().close();
  });

  it.each(Object.entries(FOLLOWED))('leads through the guided example %s', async (name, follow) => {
    const page = await open(`#guide=${name}`);
    await page.waitForSelector('.steps-list');
    await follow(page);
    await page.waitForSelector('#guide-done');

    expect(await page.innerText('#problem')).toBe('');
    await picture(page, `page-guide-${name}.png`);
    await page.context().close();
  });

  it.each([
    [
      'a loop in notified',
      'driver.ts',
      'count += 1;',
      'while (count > -1) {}',
      'driver, in notified(0)',
    ],
    [
      'a loop in main',
      'driver.ts',
      'let count = 0;',
      'let count = 0;\n  for (;;) {}',
      'driver, in main()',
    ],
    [
      'a loop at its head',
      'driver.ts',
      'const ID = 0x00;',
      'const ID = 0x00;\nfor (;;) {}',
      'loading my-system.ts for board',
    ],
    [
      '2 GB',
      'reader.ts',
      '    notified() {',
      '    notified() {\n      for (;;) pd.log(`${new Array(2 ** 28).fill(0.5).length}`);',
      'reader, in notified(0)',
    ],
  ])('stays alive, and names who does not return: %s', async (_, file, from, to, who) => {
    const page = await weather();
    await write(page, file, changed(file, from, to));
    await page.click('#run-own');
    await play(page, '0.1').catch(() => undefined);
    await page.waitForSelector(`#problem:has-text(${JSON.stringify(`${who}, does not return`)})`);
    await write(page, file, TUTORIAL[file] ?? '');
    await page.click('#run-own');
    await page.waitForSelector('#problem:empty', { state: 'attached' });
    await play(page, '0.01');
    await page.waitForSelector('#log:has-text("sample 3")');
    await page.context().close();
  });

  it('gives programs nothing beyond the page: neither its own host, nor text as code', async () => {
    const page = await weather();
    const attempt = [
      'const said: string[] = [];',
      "try { new Function('return 1')(); said.push('evaluated'); } catch { said.push('no eval'); }",
      "const reaching = 'fetch XMLHttpRequest WebSocket postMessage indexedDB caches Worker navigator'.split(' ');",
      "said.push(`reaches ${reaching.filter((name) => name in globalThis).join() || 'nothing'}`);",
    ].join('\n');
    const reader = changed('reader.ts', 'export function main', `${attempt}\nexport function main`);
    const telling = reader.replace('  return {', "  pd.log(said.join(', '));\n  return {");
    await write(page, 'reader.ts', telling);
    await page.click('#run-own');
    await page.waitForSelector('#log:has-text("no eval, reaches")');

    expect(await page.innerText('#log')).toContain('no eval, reaches nothing');
    // The browser tells of the one.
    const told = browsed.complaints.splice(0);
    browsed.complaints.push(...told.filter((text) => !text.includes('Content Security Policy')));
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
    const page = await weather({ width, scheme });
    await openFile(page, 'driver.ts');
    await write(page, 'driver.ts', changed('driver.ts', 'let count = 0;', 'let count = "x";'));
    await page.waitForSelector('#problems');
    await picture(page, `page-write-${width}-${scheme}.png`);

    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    await page.context().close();
  });

  it.each(['light', 'dark'] as const)(
    'can be used by everybody, as axe sees, %s',
    async (scheme) => {
      const page = await weather({ scheme, bypassCSP: true });
      await play(page, '0.01');
      await done(page, 1);
      await pause(page);
      await write(page, 'driver.ts', changed('driver.ts', 'let count = 0;', 'let count = "x";'));
      await page.waitForSelector('#problems');

      expect(await violationsIn(page)).toEqual([]);
      await page.context().close();
    },
  );

  it('has not complained, and has asked for nothing elsewhere', () => {
    expect(browsed.complaints).toEqual([]);
  });
});

/** In the page: drops files onto it. */
const DROP = `(files) => {
  const data = new DataTransfer();
  for (const { name, text, base64 } of files) {
    const bytes = base64 === undefined ? text : Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    data.items.add(new File([bytes], name));
  }
  const event = (type) => new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event('dragover'));
  document.body.dispatchEvent(event('drop'));
}`;
