// `npm pack` runs this first (prepack): compiles the sources to JavaScript and declarations in
// dist/. Imports of './x.ts' become './x.js' on the way (rewriteRelativeImportExtensions). Then what a
// short command loads is put together in dist/start/.
//
// `node scripts/build-package.mjs --into DIR` makes in DIR what an installed package is, without
// checking types: tests start the command from there, since each process from source costs a second
// more.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundleStart } from './bundle-start.mjs';

const [option, folder] = process.argv.slice(2);
const dist = option === '--into' ? join(folder, 'dist') : 'dist';

rmSync(dist, { recursive: true, force: true });
compile(option === '--into' ? ['--noCheck', '--declaration', 'false', '--outDir', dist] : []);
copyWhatIsNoTypeScript();
await bundleStart(dist);
if (option !== '--into') buildPage();
if (option === '--into') {
  mkdirSync(join(folder, 'cli'), { recursive: true });
  for (const file of ['sddf.mjs', 'ready-made.mjs', 'supervisor.mjs'])
    cpSync(`cli/${file}`, join(folder, 'cli', file));
  cpSync('package.json', join(folder, 'package.json'));
}

function compile(options) {
  const command = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.package.json', ...options];
  const result = spawnSync(process.execPath, command, { stdio: 'inherit' });
  if (result.status !== 0) process.exit(1);
}

/** `sddf ui` serves it. */
function buildPage() {
  const args = ['node_modules/vite/bin/vite.js', 'build', '-c', 'vite.page.config.ts'];
  const result = spawnSync(process.execPath, [...args, '--logLevel', 'warn'], { stdio: 'inherit' });
  if (result.status !== 0) process.exit(1);
  cpSync('page/dist', join(dist, 'page/dist'), { recursive: true });
}

/** Threads, suites of tests, and the C comparison, which is compiled where it is run. */
function copyWhatIsNoTypeScript() {
  cpSync('testing/conformance', join(dist, 'testing/conformance'), { recursive: true });
  for (const room of ['bench', 'host']) {
    for (const file of readdirSync(room, { recursive: true })) {
      if (file.endsWith('.mjs')) cpSync(join(room, file), join(dist, room, file));
    }
  }
  cpSync('systems/costs/imx8mm.json', join(dist, 'systems/costs/imx8mm.json'));
  cpSync('bench/published', join(dist, 'bench/published'), { recursive: true });
  for (const folder of ['bench/native', 'bench/code']) {
    cpSync(folder, join(dist, folder), {
      recursive: true,
      filter: (path) => !path.endsWith('/bin') && !path.endsWith('.ts'),
    });
  }
}
