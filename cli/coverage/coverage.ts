/** `sddf coverage`: what tests and worlds have executed, as they have written it down. */

import { Command } from 'commander';
import { whyCommand } from './why.ts';

export function coverageCommand(): Command {
  return new Command('coverage')
    .description('Looks at what sddf test and sddf sim have written with --coverage-per-test.')
    .addCommand(whyCommand())
    .addHelpText(
      'after',
      '\nExamples:\n  sddf test tests/*.yaml --coverage-per-test coverage\n' +
        '  sddf coverage why eth_driver.c:120',
    );
}
