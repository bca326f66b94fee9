/** The glossary as a page of its own: made of `docs/glossary.md` when the page is built. */

import { glossaryPlace } from './glossary-place.ts';

export interface GlossaryEntry {
  /** All that mean the same, such as 'protection domain' and 'PD'. */
  readonly words: readonly string[];
  readonly meaning: string;
  readonly owner: string;
}

/** @param markdown a document whose only table has word, meaning and owner */
export function readGlossary(markdown: string): readonly GlossaryEntry[] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => {
      const [, words = '', meaning = '', owner = ''] = line.split('|').map((cell) => cell.trim());
      return { words: words.replaceAll('`', '').split(', '), meaning, owner };
    });
}

export function glossaryPage(entries: readonly GlossaryEntry[]): string {
  const rows = entries.map(({ words, meaning, owner }) => {
    const terms = words.map((word) => `<dfn id="${glossaryPlace(word)}">${escaped(word)}</dfn>`);
    return `<tr><th scope="row">${terms.join(', ')}</th><td>${marked(meaning)}</td><td>${escaped(owner)}</td></tr>`;
  });
  return PAGE.replace('ROWS', () => rows.join('\n'));
}

function marked(text: string): string {
  return escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>sDDF testbed: glossary</title>
<link rel="icon" href="data:,">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.8rem 0.35rem 0; }
th { min-width: 9rem; }
tr + tr { border-top: 1px solid #80808060; }
dfn { font-style: normal; }
tr:has(:target) { outline: 2px solid #0b57d0; outline-offset: 2px; }
@media (prefers-color-scheme: dark) { tr:has(:target) { outline-color: #8ab4f8; } }
</style>
</head>
<body>
<main>
<h1>Glossary</h1>
<p>The field's words, as the testbed uses them.</p>
<table>
<thead><tr><th scope="col">Word</th><th scope="col">Meaning</th><th scope="col">Whose word it is</th></tr></thead>
<tbody>
ROWS
</tbody>
</table>
</main>
</body>
</html>
`;
