/** Where the `sddf` command starts. */

import { heedBranchHints, inlineDeeply } from '../host/engine.ts';
import { runProgram } from './program.ts';
import { endWhenOutputCloses } from './terminal.ts';

inlineDeeply();
heedBranchHints();
endWhenOutputCloses();
process.exitCode = await runProgram(process.argv.slice(2));
