/** `sddf ui`: runs a system as `sddf run` does, and shows it in a page. */

import { Command } from 'commander';
import { addOptions, type RawOptions } from '../option.ts';
import { addCommonRunOptions, watchSystem } from '../run/run.ts';
import { PORT_OPTION } from './page-folder.ts';
import { showRun } from './part.ts';

const HELP = `
The page is served on 127.0.0.1 alone, and its address has a token: who does not know it sees nothing.
Close the page as you like: the run goes on. Several pages may be open; one that is slow is shown less.

Examples:
  sddf ui echo                                           then open the address that it prints
  sddf ui echo --net loop --clock virtual --for 10s
  sddf run echo --ui --ui-port 0 --net user`;

export function uiCommand(): Command {
  const command = new Command('ui')
    .description('Runs a system and shows it, live, in a page of your browser.')
    .argument('<system>', 'what to run');
  addOptions(command, PORT_OPTION);
  return addCommonRunOptions(command)
    .addHelpText('after', HELP)
    .action((reference: string, raw: RawOptions) =>
      watchSystem(reference, raw, (run) => showRun(run, raw)),
    );
}
