/** Where the `sddf` command starts. */

import { runProgram } from './program.ts';
import { endWhenOutputCloses } from './terminal.ts';

endWhenOutputCloses();
process.exitCode = await runProgram(process.argv.slice(2));
