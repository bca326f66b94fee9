/** `--ui`: the page, live, of a run with all that it is plugged into. */

import { UserMistake } from '../../host/problem.ts';
import { flag, type RawOptions, readOptions } from '../option.ts';
import type { RunPart, RunWatch, WatchedRun } from '../run/part.ts';
import { pageFolder, PORT_OPTION } from './page-folder.ts';
import { sameInPage } from './same-in-page.ts';

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
  { loaded, options, terminal }: WatchedRun,
  raw: RawOptions,
): Promise<RunWatch> {
  const { LiveView } = await import('./live-view.ts');
  const { instrument } = await import('../../systems/trace/observed-parts.ts');
  const view = new LiveView(loaded, sameInPage(loaded, options, raw));
  const url = await view.open(pageFolder(), readOptions(PORT_OPTION, raw).port);
  terminal.note(`sddf: the run is shown at ${url}`);
  return {
    instrument: (inner) => instrument(view.watch, inner),
    wires: (wires, parts) => view.wires(wires, parts),
    made: (testbed) => view.begin(testbed),
    log: (pd, line) => {
      view.log(pd, line);
      return 'keep';
    },
    counters: () => ({ ui: view.counters() }),
    close: () => view.close(),
  };
}
