/** `sddf list`: the ready-made systems, a line each. */

import { Command } from 'commander';
import { systems } from '../../systems/index.ts';
import { openTerminal } from '../terminal.ts';

export function listCommand(): Command {
  return new Command('list')
    .description('Lists the ready-made systems, a line each.')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  sddf list\n  sddf list --json')
    .action((options: { json?: true }) => {
      const terminal = openTerminal('stdout');
      if (options.json === true) {
        const rows = systems.map(({ name, summary }) => ({ name, summary }));
        terminal.print(JSON.stringify(rows));
        return;
      }
      const width = Math.max(...systems.map((system) => system.name.length));
      for (const system of systems) {
        terminal.print(`${system.name.padEnd(width)}  ${system.summary}`);
      }
    });
}
