// Every word that a sentence of the page explains is in the glossary, and the page of the glossary
// has a place for it.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../test/imports/source-imports.ts';
import { glossaryPage, readGlossary } from './glossary-page.ts';
import { glossaryPlace } from './glossary-place.ts';

const VIEW = join(ROOT, 'page/view');
const entries = readGlossary(readFileSync(join(ROOT, 'docs/glossary.md'), 'utf8'));

/** Words that sentences lead to, `[shown|word]`. */
function wordsLedTo(): readonly string[] {
  const views = readdirSync(VIEW).filter((name) => name.endsWith('.tsx'));
  return [...views, '../guides/guides.ts'].flatMap((name) => {
    const source = readFileSync(join(VIEW, name), 'utf8');
    return [...source.matchAll(/\[[^|\]\n]+\|([a-zA-Z, ]+)\]/g)].map(([, word = '']) => word);
  });
}

describe('the glossary beside the page', () => {
  it('has every word that the page leads to', () => {
    const known = entries.flatMap(({ words }) => words);
    const led = wordsLedTo();

    expect(led.length).toBeGreaterThan(20);
    expect(led.filter((word) => !known.includes(word))).toEqual([]);
  });

  it('has each word in a place of its own, with its meaning', () => {
    const page = glossaryPage(entries);
    const places = [...page.matchAll(/<dfn id="([^"]+)">/g)].map(([, place]) => place);

    expect(new Set(places).size).toBe(places.length);
    expect(places).toContain(glossaryPlace('protection domain'));
    expect(page).toContain('<code>init</code>');
  });

  it('runs nothing that stands in it', () => {
    const page = glossaryPage([{ words: ['<b>'], meaning: '<script>x</script>', owner: '&' }]);

    expect(page).not.toContain('<script');
    expect(page).toContain("default-src 'none'");
  });
});
