/**
 * The system that `render`, `graph` and `report` are about: like {@link loadSystem}, but the
 * programs of a `.system` file need not exist.
 */

import type { Command } from 'commander';
import { UserMistake } from '../../host/problem.ts';
import { formatDiagnostic, isError } from '../../microkit/diagnostic.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { RISCV64 } from '../../microkit/target.ts';
import { addOptions, type RawOptions, readOptions } from '../option.ts';
import { SYSTEM_OPTIONS } from '../run/options.ts';
import { readDescriptionFile, withConfigFile } from './description-file.ts';

/** Adds the argument and the options that say which system is meant. */
export function addSystemOptions(command: Command): Command {
  command.argument('<system>', 'a name of sddf list, ./file.ts, or FILE.system');
  addOptions(command, SYSTEM_OPTIONS);
  return command;
}

/** @throws UserMistake */
export async function describedSystem(
  reference: string,
  raw: RawOptions,
): Promise<SystemDescription> {
  const { set, searchPath } = readOptions(SYSTEM_OPTIONS, raw);
  if (!reference.endsWith('.system')) {
    const { loadSystem } = await import('../run/system-source.ts');
    return (await loadSystem(reference, Object.fromEntries(set), { searchPath })).system;
  }
  const { read, source } = readDescriptionFile(reference, RISCV64, searchPath);
  if (read.ok) return withConfigFile(read.system, reference);
  const errors = read.diagnostics.filter(isError);
  const texts = errors.map((each) => formatDiagnostic(each, reference, source));
  const count = errors.length === 1 ? '1 error' : `${errors.length} errors`;
  throw new UserMistake(`${reference}: ${count} in the description\n${texts.join('\n')}`);
}
