/** How `npm run page` builds `page/dist`: static files for any web server, below any path. */

import { defineConfig } from 'vite';

export default defineConfig({
  root: 'page',
  base: './',
  publicDir: false,
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
