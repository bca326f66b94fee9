/** How `npm run page` builds `page/dist`: static files for any web server, below any path. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { glossaryPage, readGlossary } from './page/glossary/glossary-page.ts';

const ROOT = dirname(fileURLToPath(import.meta.url));

/** The words of the page are explained beside it. */
const glossary: Plugin = {
  name: 'glossary',
  apply: 'build',
  generateBundle() {
    const markdown = readFileSync(join(ROOT, 'docs/glossary.md'), 'utf8');
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
  worker: { format: 'es', plugins: () => [packageTypes()] },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    // Everything is a file of its own: the page's policy allows no data for scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Graphviz is one module of a megabyte, loaded behind the first picture; TypeScript is one of
    // five, loaded with the editor.
    chunkSizeWarningLimit: 6000,
  },
});

/** What the editor's programs import: where the types begin that it needs. */
const ENTRIES =
  /^(?:(?:kernel|board)\/public|(?:memory|queues|microkit|drivers|virtualisers|clients|systems)\/.*)\.d\.ts$/;
/** These read files, or are of the host. */
const HOSTED = /^systems\/(?:load-testbed|own-programs|user-modules|user-module-hooks)\.d\.ts$/;

/**
 * `virtual:package-types`: the declarations of the package by path, as it is published, for the
 * TypeScript of the editor.
 */
function packageTypes(): Plugin {
  const name = 'virtual:package-types';
  return {
    name: 'package-types',
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    load: (id) => {
      if (id !== `\0${name}`) return undefined;
      return `export const declarations = ${JSON.stringify(declarationsOfPackage())};`;
    },
  };
}

function declarationsOfPackage(): Readonly<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'sddf-page-types-'));
  try {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const options = ['-p', 'tsconfig.package.json', '--emitDeclarationOnly', '--noCheck'];
    const made = spawnSync(process.execPath, [tsc, ...options, '--outDir', folder], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    if (made.status !== 0) throw new Error(made.stdout);
    const all = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const found = new Map<string, string>();
    const waiting = all.filter((path) => ENTRIES.test(path) && !HOSTED.test(path));
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (found.has(path)) continue;
      const text = readFileSync(join(folder, path), 'utf8');
      found.set(path, text);
      waiting.push(...importedBy(path, text).filter((each) => all.includes(each)));
    }
    return Object.fromEntries([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function importedBy(path: string, text: string): readonly string[] {
  return [...text.matchAll(/['"](\.\.?\/[^'"]+)\.(?:ts|js)['"]/g)].map(([, target = '']) =>
    posix.join(posix.dirname(path), `${target}.d.ts`),
  );
}
