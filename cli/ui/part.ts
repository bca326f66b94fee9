/** `--ui`: the page, live, of a run with all that it is plugged into. */

import { fileURLToPath } from 'node:url';
import { UserMistake } from '../../host/problem.ts';
import { flag, type RawOptions, readOptions, text } from '../option.ts';
import { parseCount, type Range } from '../quantities.ts';
import type { RunPart, RunWatch, WatchedRun } from '../run/part.ts';

const PORT: Range = { min: 0, max: 65_535 };
/** Beside the sources, and beside what is compiled of them. */
const PAGE = fileURLToPath(new URL('../../page/dist/', import.meta.url));

export const PORT_OPTION = {
  port: text({
    flags: '--ui-port <port>',
    help: 'with --ui: the port of 127.0.0.1 that the page is served on; 0 for any',
    standard: '8080',
    parse: (given, option) => parseCount(given, option, PORT),
  }),
};

const OPTIONS = {
  ui: flag({
    flags: '--ui',
    help: 'shows the run in a page that is served to this machine; npm run page builds it',
    words: ['no', 'yes'],
  }),
  ...PORT_OPTION,
};

export const uiPart: RunPart = {
  options: OPTIONS,
  commands: 'run',
  parse: (raw) => {
    if (readOptions(OPTIONS, raw).ui === 'yes') return (run) => showRun(run, raw);
    if (raw['uiPort'] !== undefined) throw new UserMistake('--ui-port: goes with --ui');
    return undefined;
  },
};

/** The page of a run that is about to begin. @throws UserMistake */
export async function showRun(
  { loaded, terminal }: WatchedRun,
  raw: RawOptions,
): Promise<RunWatch> {
  const { LiveView } = await import('./live-view.ts');
  const { instrument } = await import('../../systems/trace/observed-parts.ts');
  const view = new LiveView(loaded);
  // A page that was built elsewhere, for tests.
  const folder = process.env['SDDF_PAGE'] ?? PAGE;
  const url = await view.open(folder, readOptions(PORT_OPTION, raw).port);
  terminal.note(`sddf: the run is shown at ${url}`);
  return {
    instrument: (inner) => instrument(view.watch, inner),
    wires: (wires) => (wires.net === undefined ? wires : { ...wires, net: view.wire(wires.net) }),
    made: (testbed) => view.begin(testbed),
    log: (pd, line) => {
      view.log(pd, line);
      return 'keep';
    },
    counters: () => ({ ui: view.counters() }),
    close: () => view.close(),
  };
}
