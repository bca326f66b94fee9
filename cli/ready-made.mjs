// Which command lines run a ready-made system and no code of a user's. In the installed package they
// start from `dist/start/`, where all of it is in a few files (scripts/bundle-start.mjs).
//
// Plain JavaScript, and no more than this: it is loaded before anything else.

const NAME = /^[a-z][a-z0-9-]*$/;
/** None of these loads a module by its path, or tells of files and lines of this package. */
const OPTIONS = new Set([
  ...['--clock', '--seed', '--for', '--json', '--ram', '--strict', '--log-limit', '--cost'],
  ...['--set', '--path', '--demo', '--expect-quiet', '--net', '--capture', '--rate', '--frame'],
  ...['--burst', '--serial', '--uart', '--line-rate', '--policy'],
]);

/** @param args what stands behind `sddf` on the command line */
export function runsReadyMade([command, system, ...rest]) {
  if (command !== 'run' || system === undefined || !NAME.test(system)) return false;
  const options = rest.filter((word) => word.startsWith('-')).map((word) => word.split('=')[0]);
  return options.every((option) => OPTIONS.has(option));
}
