/** How `npm run page` builds `page/dist`: static files for any web server, below any path. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { glossaryPage, readGlossary } from './page/glossary/glossary-page.ts';

/** The words of the page are explained beside it. */
const glossary: Plugin = {
  name: 'glossary',
  apply: 'build',
  generateBundle() {
    const markdown = readFileSync(
      fileURLToPath(new URL('docs/glossary.md', import.meta.url)),
      'utf8',
    );
    const source = glossaryPage(readGlossary(markdown));
    this.emitFile({ type: 'asset', fileName: 'glossary.html', source });
  },
};

export default defineConfig({
  root: 'page',
  base: './',
  publicDir: false,
  plugins: [glossary],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    // Everything is a file of its own: the page's policy allows no data for scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Graphviz is one module of a megabyte, loaded behind the first picture.
    chunkSizeWarningLimit: 2000,
  },
});
