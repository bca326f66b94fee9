/** `sddf report`: a system as tables: capabilities, mappings, interrupts, memory. */

import { Command } from 'commander';
import { report } from '../../microkit/report.ts';
import type { RawOptions } from '../option.ts';
import { addSystemOptions, describedSystem } from './described-system.ts';
import { withoutControls } from '../terminal.ts';

export function reportCommand(): Command {
  return addSystemOptions(new Command('report'))
    .description('Prints who holds which capabilities, maps what, and gets which interrupts.')
    .addHelpText('after', '\nExamples:\n  sddf report echo\n  sddf report web.system')
    .action(async (reference: string, options: RawOptions) => {
      process.stdout.write(withoutControls(report(await describedSystem(reference, options))));
    });
}
