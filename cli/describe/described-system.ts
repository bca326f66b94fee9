/**
 * The system that `render`, `graph` and `report` are about: like {@link loadSystem}, but the programs of a `.system`
 * file need not exist.
 */

import type { Command } from 'commander';
import { UserMistake } from '../../host/problem.ts';
import { formatDiagnostic, isError } from '../../microkit/diagnostic.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { RISCV64 } from '../../microkit/target.ts';
import { readDescriptionFile, withConfigFile } from './description-file.ts';

export interface SystemOptions {
  readonly set: readonly string[];
  readonly searchPath: readonly string[];
}

/** Adds the argument and the options that say which system is meant. */
export function addSystemOptions(command: Command): Command {
  return command
    .argument('<system>', 'a name of sddf list, ./file.ts, or FILE.system')
    .option('--set <name=value>', 'chooses an option of the system; may be repeated', collect, [])
    .option('--search-path <dir>', 'where a .system file finds its files, too', collect, []);
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** @throws UserMistake */
export async function describedSystem(
  reference: string,
  options: SystemOptions,
): Promise<SystemDescription> {
  if (!reference.endsWith('.system')) {
    const { loadSystem } = await import('../run/system-source.ts');
    return (await loadSystem(reference, choices(options), options.searchPath)).system;
  }
  const { read, source } = readDescriptionFile(reference, RISCV64, options.searchPath);
  if (read.ok) return withConfigFile(read.system, reference);
  const errors = read.diagnostics.filter(isError);
  const texts = errors.map((each) => formatDiagnostic(each, reference, source));
  const count = errors.length === 1 ? '1 error' : `${errors.length} errors`;
  throw new UserMistake(`${reference}: ${count} in the description\n${texts.join('\n')}`);
}

function choices({ set }: SystemOptions): Readonly<Record<string, string>> {
  const made: Record<string, string> = {};
  for (const text of set) {
    const equals = text.indexOf('=');
    if (equals <= 0) throw new UserMistake(`--set: '${text}' is not NAME=VALUE, as in path=4pd`);
    made[text.slice(0, equals)] = text.slice(equals + 1);
  }
  return made;
}
