/** `sddf list`: the ready-made systems, and what `--set` takes for each. */

import { Command } from 'commander';
import { systems } from '../../systems/index.ts';
import { addOptions, flag, type RawOptions, readOptions } from '../option.ts';
import { choiceLines, type SystemOptions } from '../run/choices.ts';
import { openTerminal } from '../terminal.ts';
import { jsonText } from '../../systems/json-text.ts';

const OPTIONS = {
  output: flag({ flags: '--json', help: 'as JSON', words: ['text', 'json'] }),
};

export function listCommand(): Command {
  const command = new Command('list').description(
    'Lists the ready-made systems, and what --set takes for each.',
  );
  addOptions(command, OPTIONS);
  return command
    .addHelpText('after', '\nExamples:\n  sddf list\n  sddf list --json')
    .action((raw: RawOptions) => list(readOptions(OPTIONS, raw).output));
}

interface Listed {
  readonly name: string;
  readonly summary: string;
  readonly options: SystemOptions;
}

async function list(output: 'text' | 'json'): Promise<void> {
  const terminal = openTerminal('stdout');
  const listed: Listed[] = [];
  for (const system of systems) {
    const { name, summary } = system;
    listed.push({ name, summary, options: (await system.load()).options ?? {} });
  }
  if (output === 'json') {
    terminal.print(jsonText(listed.map(asJson)));
    return;
  }
  const width = Math.max(...listed.map(({ name }) => name.length));
  for (const { name, summary, options } of listed) {
    terminal.print(`${name.padEnd(width)}  ${summary}`);
    for (const line of choiceLines(options)) terminal.print(`    --set ${line}`);
  }
}

function asJson({ name, summary, options }: Listed): object {
  const rows = Object.entries(options).map(([option, { help, choices, standard }]) => ({
    name: option,
    help,
    choices,
    standard,
  }));
  return { name, summary, options: rows };
}
