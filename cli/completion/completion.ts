/** `sddf completion`: prints the script that completes `sddf` in a shell. */

import { Command } from 'commander';
import { DeclaredArgument } from '../option.ts';
import { parseChoice } from '../quantities.ts';
import { completions, type Completions, type NamedCommand } from './words.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

const HELP = `
Commands, options, their values, systems, and what --set takes for each are in the script, so that nothing
is started when Tab is pressed. Print it again after an update.

Examples:
  source <(sddf completion bash)             in ~/.bashrc
  source <(sddf completion zsh)              in ~/.zshrc, below compinit
  sddf completion fish | source              in ~/.config/fish/config.fish`;

/** @param commands all of `sddf`'s, this one among them */
export function completionCommand(commands: readonly NamedCommand[]): Command {
  return new Command('completion')
    .description('Prints a script that completes the word sddf in a shell.')
    .addArgument(new DeclaredArgument('<shell>', SHELLS.join(', '), { words: SHELLS }))
    .addHelpText('after', HELP)
    .action(async (given: string) => {
      const shell = parseChoice(given, 'completion', SHELLS);
      process.stdout.write(await scriptFor(shell, await completions(commands)));
    });
}

async function scriptFor(shell: (typeof SHELLS)[number], words: Completions): Promise<string> {
  switch (shell) {
    case 'bash':
      return (await import('./bash.ts')).bashScript(words);
    case 'zsh':
      return `#compdef sddf\n${(await import('./zsh.ts')).zshScript(words)}`;
    case 'fish':
      return (await import('./fish.ts')).fishScript(words);
    default:
      return shell satisfies never;
  }
}
