/** Where the `sddf` command starts. */

import { heedBranchHints, inlineDeeply } from '../host/engine.ts';
import { exitWhenWritten } from './exit.ts';
import { sayLastWord, sayLastWordOfUncaught } from './last-word.ts';
import { endWithParent } from '../host/watch/end-with-parent.ts';
import { forbidEndingToPrograms } from './own-process.ts';
import { runProgram } from './program.ts';
import { endWhenOutputCloses } from './terminal.ts';

inlineDeeply();
heedBranchHints();
endWhenOutputCloses();
sayLastWordOfUncaught();
forbidEndingToPrograms();
// The line to whoever limits the worlds that run here: see supervisor.mjs.
const { SDDF_WORLDS: line } = process.env;
if (line !== undefined) endWithParent(Number(line));
try {
  const status = await runProgram(process.argv.slice(2));
  // A program of the user's may have left a timer behind, which would keep the process for ever.
  exitWhenWritten(status);
} catch (error) {
  sayLastWord(error);
}
