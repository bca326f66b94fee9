// The report, from invented rows: every question is answered, nothing is invented for rows that are
// missing, and a browser shows it without complaint on a wide and on a narrow screen, light and
// dark.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Chromium, findChromium } from '../../test/support/chromium.ts';
import type { BenchResults } from '../results.ts';
import { SECTIONS } from './questions.ts';
import { renderReport } from './report.ts';
import { sampleResults } from '../../test/support/sample-results.ts';

const ARTEFACTS = fileURLToPath(new URL('../../.artefacts/', import.meta.url));

function only(pattern: RegExp): BenchResults {
  const all = sampleResults();
  return { ...all, results: all.results.filter((row) => pattern.test(row.name)) };
}

describe('the report', () => {
  it('answers every question in a sentence without holes', () => {
    const { results } = sampleResults();

    for (const section of SECTIONS) {
      const content = section.make(results);
      expect(content, section.id).toBeDefined();
      expect(content?.answer, section.id).toMatch(/^[A-Z0-9].*\.$/);
      expect(content?.answer, section.id).not.toMatch(/NaN|undefined|Infinity/);
      expect(content?.table.lines.length, section.id).toBeGreaterThan(0);
    }
  });

  it('computes its answers from the rows', () => {
    const page = renderReport(sampleResults(), { targets: 'shown' });

    expect(page).toContain(
      'Loss begins at 1 million packets/s, of frames of 64 bytes, offered; at 1.2 million it is 33 %.',
    );
    expect(page).toContain(
      'answers 97 % beside a neighbour that is slow and 61 % beside a neighbour that is hostile',
    );
    expect(page).toContain('strict 0.33, round-robin 0.54 and drr 1.00; fairest is drr.');
  });

  it('says under which load it was measured, as far as results say', () => {
    const all = sampleResults();
    const loads = { 'net/echo': [0.5, 3] } as const;
    const page = renderReport({ ...all, loadBefore: 0.2, loads });

    expect(renderReport(all)).toContain('· load 0.5. ');
    expect(page).toContain('· load 0.2 before and 0.5 after. ');
    expect(page).toContain('Machine: load 0.5 before and 3.0 after: busy');
  });

  it('says beside each throughput whose time it is', () => {
    const page = renderReport(sampleResults());

    expect(page.match(/What limits it/g)).toHaveLength(8);
    expect(page).toMatch(/% of the time<.*?>board<.*?>kernel<.*?>driver<.*?>client</s);
    expect(page).not.toContain('>nobody<'); // less than half a per cent on all lines
    expect(renderReport(only(/^net\/echo$/))).not.toContain('What limits it');
  });

  it('needs nothing from elsewhere', () => {
    const page = renderReport(sampleResults(), { targets: 'shown' });

    expect(page).not.toMatch(/<script|<link rel="stylesheet"|url\(|https?:/);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(page.match(/<svg/g)?.length).toBeGreaterThan(40);
  });

  it('says what was not measured, and leaves out benchmarks that did not run', () => {
    const page = renderReport(only(/^net\/echo$/), { targets: 'shown' });

    expect(page).toContain('Not measured in this run.');
    expect(page).toContain(
      'Not measured in this run: blk, serial, kernel, code, bridge, sim, ipc, description.',
    );
    expect(page).not.toContain('id="blk-depth"');
    expect(page).toContain('not measured');
  });

  it('makes a page of no rows at all, and of single ones', () => {
    const all = sampleResults();

    expect(renderReport({ ...all, results: [] }, { targets: 'shown' })).toContain('>Targets<');
    expect(renderReport({ ...all, results: [] })).not.toContain('>Targets<');
    for (const row of all.results) {
      const page = renderReport({ ...all, results: [row] });
      expect(page, row.name).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  it('shows names as text, whatever they contain', () => {
    const { results } = sampleResults();
    const hostile = results.map((row) =>
      row.name === 'blk/flush' ? { ...row, backend: '<script>alert(1)</script>' } : row,
    );
    const page = renderReport({ ...sampleResults(), cpu: '<b>&"', results: hostile });

    expect(page).not.toContain('<script>');
    expect(page).toContain('&lt;b&gt;&amp;&quot;');
  });
});

/** A browser takes a quarter of a minute: `.ci/run` starts it, once. */
const chromium = process.env['SDDF_BROWSER'] === undefined ? undefined : findChromium();

describe('the report in a browser', () => {
  it.skipIf(chromium === undefined)(
    'fits wide and narrow screens, light and dark, without a console error (chromium, with SDDF_BROWSER)',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'sddf-report-'));
      const page = join(folder, 'report.html');
      writeFileSync(page, renderReport(sampleResults()));
      mkdirSync(ARTEFACTS, { recursive: true });
      const browser = await Chromium.start(chromium as string);
      try {
        for (const scheme of ['light', 'dark'] as const) {
          for (const width of [1280, 1100, 390]) {
            await browser.open(`file://${page}`, { width, height: 900, scheme });
            const ground = await browser.evaluate(
              'getComputedStyle(document.body).backgroundColor',
            );
            const widest = await browser.evaluate('document.documentElement.scrollWidth');
            const shown = await browser.evaluate(SHOWN);
            writeFileSync(
              join(ARTEFACTS, `report-${width}-${scheme}.png`),
              await browser.screenshot(),
            );

            expect(ground).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(15, 19, 24)');
            expect(widest).toBe(width);
            // A telephone scrolls a table aside.
            if (width > 600) expect(await browser.evaluate(HIDDEN_COLUMNS)).toBe(0);
            expect(shown).toEqual({ plots: plotsDue(), outside: 0, small: 0 });
          }
        }
        await browser.open(`file://${page}`, { width: PAPER_WIDTH, height: 900, scheme: 'light' });
        await browser.evaluate(AS_PRINTED);
        expect(await browser.evaluate('document.documentElement.scrollWidth')).toBe(PAPER_WIDTH);
        expect(await browser.evaluate(HIDDEN_COLUMNS)).toBe(0);
        expect(await browser.evaluate(HIDDEN_ROWS)).toBe(0);
        expect(browser.errors).toEqual([]);
      } finally {
        await browser.close();
        rmSync(folder, { recursive: true });
      }
    },
  );
});

/** A4 without its margins of 12 mm, at 96 dots an inch. */
const PAPER_WIDTH = 703;
/** Tables wider than their place, folded ones unfolded. */
const HIDDEN_COLUMNS = `(() => {
  for (const box of document.querySelectorAll('.folded input')) box.checked = true;
  return [...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth).length;
})()`;
const HIDDEN_ROWS = `(() => {
  for (const box of document.querySelectorAll('.folded input')) box.checked = false;
  return [...document.querySelectorAll('tr')].filter((e) => e.clientHeight === 0).length;
})()`;
const AS_PRINTED = `(() => {
  const style = document.querySelector('style');
  style.textContent = style.textContent
    .replaceAll('@media print', '@media all')
    .replaceAll('@media screen', '@media not all');
})()`;

/**
 * Every plot is shown once; how many letters are outside of their picture, or smaller than 11
 * pixels.
 */
const SHOWN = `(() => {
  const pictures = [...document.querySelectorAll('figure svg')].filter((svg) => svg.clientWidth > 0);
  let outside = 0, small = 0;
  for (const svg of pictures) {
    const frame = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll('text')) {
      const box = text.getBoundingClientRect();
      if (box.left < frame.left - 1 || box.right > frame.right + 1) outside += 1;
      if (box.top < frame.top - 1 || box.bottom > frame.bottom + 1) outside += 1;
      if (box.height < 11) small += 1;
    }
  }
  return { plots: pictures.length, outside, small };
})()`;

function plotsDue(): number {
  const { results } = sampleResults();
  return SECTIONS.reduce((sum, { make }) => sum + (make(results)?.plots.length ?? 0), 0);
}
