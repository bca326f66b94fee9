/**
 * Goal: docs/fidelity.md names tests that there are. Method: each of its rows names a file and
 * words of a test's title in it.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const PAGE = readFileSync(join(ROOT, 'docs/fidelity.md'), 'utf8');
const rows = [...PAGE.matchAll(/^\|.*\| `([\w./-]+\.test\.ts)`: (.*?) *\|$/gm)].map(
  ([, path = '', title = '']) => ({ path, title }),
);

describe('the page of corners that are cut', () => {
  it('has a test for each of them', () => {
    const all = PAGE.split('\n').filter(
      (line) => line.startsWith('| ') && !/^\| (corner|-+) /.test(line),
    );
    expect(rows.length).toBe(all.length);
    expect(rows.length).toBeGreaterThan(20);
  });

  it.each(rows)('$path: $title', ({ path, title }) => {
    expect(existsSync(join(ROOT, path))).toBe(true);
    // Titles stand in quotes of either kind, with and without typographic apostrophes; what a
    // comment says is no title.
    const text = readFileSync(join(ROOT, path), 'utf8')
      .replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '')
      .replaceAll(/\\?[’']/g, "'");
    expect(text).toContain(title.replaceAll(/[’']/g, "'"));
  });
});
