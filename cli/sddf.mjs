#!/usr/bin/env node
// The `sddf` command. In the repository it runs from source through tsx; in the installed package,
// where the sources have been compiled to dist/, it runs those.
//
// This file must parse on any Node, to say clearly which one is needed.

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`sddf: this is Node ${process.versions.node}; install Node 20.19 or newer`);
  process.exit(2);
}

if (typeof WebAssembly === 'undefined') {
  console.error(
    "sddf: this Node runs without WebAssembly, in which the board's RAM lies; leave --jitless out",
  );
  process.exit(2);
}

const args = process.argv.slice(2);

// Node 22 and newer keep what V8 has compiled for the next start; coverage is less exact then.
const { enableCompileCache } = await import('node:module');
if (!args.some((arg) => arg.includes('coverage'))) enableCompileCache?.();

const { limitWorlds, supervise, wantsSupervisor, wantsWorldLimit } =
  await import('./supervisor.mjs');
if (wantsSupervisor(args)) process.exit(await supervise(process.argv[1], args));
if (wantsWorldLimit(args)) process.exit(await limitWorlds(process.argv[1], args));

const { existsSync } = await import('node:fs');
const source = new URL('./main.ts', import.meta.url);
if (existsSync(source)) {
  const { register } = await import('tsx/esm/api');
  register();
  await import(source.href);
} else {
  const { runsReadyMade } = await import('./ready-made.mjs');
  const modules = runsReadyMade(args) ? '../dist/start/' : '../dist/';
  await import(new URL(`${modules}cli/main.js`, import.meta.url).href);
}
