/** What `sddf run SYSTEM --help` says: what `--set` takes for that system. */

import type { Command } from 'commander';
import { openTerminal } from '../terminal.ts';
import { explainedChoiceLines } from './choices.ts';
import { optionsOf } from './system-source.ts';

/**
 * @param command one whose first argument is a system
 * @throws UserMistake when a system is named that is none
 */
export async function tellAboutSystem(
  command: Command,
  args: readonly string[],
): Promise<'told' | 'not asked'> {
  const behind = args.slice(args.indexOf(command.name()) + 1);
  const reference = operandOf(command, behind);
  if (reference === undefined) return 'not asked';
  const lines = explainedChoiceLines(await optionsOf(reference));
  const terminal = openTerminal('stdout');
  const name = command.name();
  terminal.print(`Usage: sddf ${name} ${reference} [options]\n`);
  if (lines.length === 0) terminal.print('The system lets nothing be chosen: --set takes nothing.');
  else terminal.print('What --set takes:');
  for (const line of lines) terminal.print(`  ${line}`);
  terminal.print(`\nAll options and examples: sddf ${name} --help`);
  return 'told';
}

/** The first word that is neither an option nor the value of one. */
function operandOf(command: Command, words: readonly string[]): string | undefined {
  const takingValue = command.options
    .filter((option) => option.required)
    .flatMap(({ long, short }) => [long, short]);
  return words.find(
    (word, index) =>
      !word.startsWith('-') && !(index > 0 && takingValue.includes(words[index - 1])),
  );
}
