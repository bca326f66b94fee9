// `npm pack` runs this first (prepack): compiles the sources to JavaScript and declarations in dist/.
// Imports of './x.ts' become './x.js' on the way (rewriteRelativeImportExtensions).

import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
const result = spawnSync(
  process.execPath,
  ['node_modules/.bin/tsc', '-p', 'tsconfig.package.json'],
  {
    stdio: 'inherit',
  },
);
if (result.status !== 0) process.exit(1);
// What is not TypeScript: threads, and the C comparison, which is compiled where it is run.
cpSync('host/disk/file-worker.mjs', 'dist/host/disk/file-worker.mjs');
cpSync('bench/ipc/host-worker.mjs', 'dist/bench/ipc/host-worker.mjs');
cpSync('bench/cost/imx8mm.json', 'dist/bench/cost/imx8mm.json');
cpSync('bench/native', 'dist/bench/native', {
  recursive: true,
  filter: (path) => !path.endsWith('/bin') && !path.endsWith('.ts'),
});
