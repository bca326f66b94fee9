/** `sddf run`: boots a system and runs it, live or under the virtual clock. */

import { Command } from 'commander';
import { refuseClashes } from '../../host/file-use.ts';
import { UserMistake } from '../../host/problem.ts';
import type { Rule } from '../../sim/plan/plan.ts';
import { statusOfFailure } from '../exit.ts';
import { addOptions, type RawOptions } from '../option.ts';
import { openTerminal } from '../terminal.ts';
import type { ParsedAttachment } from './attachment.ts';
import { attachmentKinds } from './attachment-kinds.ts';
import { Run } from './one-run.ts';
import { readRunOptions, RUN_OPTIONS, type RunOptions } from './options.ts';
import type { RunPart, RunWatch, StartWatch } from './part.ts';
import { runParts } from './parts.ts';
import { loadSystem, systemFile } from './system-source.ts';

/** Of a command that runs a system as `sddf run` does, behind its own options. */
const COMMON_OPTIONS = '\nOptions of every run: sddf run --help';

export function runCommand(): Command {
  const command = new Command('run')
    .description(
      'Boots a system and runs it: a name from sddf list, ./my-system.ts, or FILE.system.',
    )
    .argument('<system>', 'what to run');
  addOptions(command, RUN_OPTIONS);
  for (const part of runParts) addOptions(command, part.options);
  for (const { options, heading, help } of attachmentKinds) {
    addOptions(command, options, { heading });
    command.addHelpText('after', `\n${help}`);
  }
  const examples = attachmentKinds.flatMap((kind) => kind.examples);
  return command
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`)
    .action((reference: string, raw: RawOptions) => runSystem(reference, raw, runParts));
}

/**
 * Gives a command of its own options those of every run, which the help of `sddf run` tells about.
 */
export function addCommonRunOptions(command: Command): Command {
  const tables = [...COMMON_PARTS, ...attachmentKinds].map(({ options }) => options);
  for (const table of [RUN_OPTIONS, ...tables]) addOptions(command, table, { inHelp: 'no' });
  return command.addHelpText('after', COMMON_OPTIONS);
}

const COMMON_PARTS = runParts.filter(({ commands }) => commands === 'all');

/** Runs a system for a command that watches the run. */
export function watchSystem(reference: string, raw: RawOptions, watch: StartWatch): Promise<void> {
  return runSystem(reference, raw, COMMON_PARTS, watch);
}

/**
 * Runs a system to its end.
 * @param watch is asked once the system is known, as are those of the parts
 */
async function runSystem(
  reference: string,
  raw: RawOptions,
  parts: readonly RunPart[],
  watch?: StartWatch,
): Promise<void> {
  const options = readRunOptions(raw);
  const attachments: ParsedAttachment[] = [];
  for (const kind of attachmentKinds) attachments.push(await kind.parse(raw, options));
  const asked: (StartWatch | undefined)[] = [];
  for (const part of parts) asked.push(await part.parse(raw, options));
  asked.push(watch);
  const isTaken = attachments.some((attachment) => attachment.standardOutput === 'taken');
  const terminal = openTerminal(options.output === 'json' || isTaken ? 'stderr' : 'stdout');
  const meant = Object.assign({}, ...attachments.map((attachment) => attachment.choices));
  if (options.searchPath.length > 0 && !reference.endsWith('.system')) {
    throw new UserMistake(`--search-path: is for .system files, and ${reference} is none`);
  }
  const loaded = await loadSystem(reference, choicesOf(options), options, meant);
  for (const warning of loaded.warnings) terminal.note(`sddf: ${warning}`);
  const injected: Rule[] = [];
  const makeWatches = async (): Promise<readonly RunWatch[]> => {
    const made: RunWatch[] = [];
    for (const start of asked) {
      if (start !== undefined) made.push(await start({ loaded, options, terminal, injected }));
    }
    return made;
  };
  const watches = await makeWatches();
  try {
    refuseClashes([
      ...systemFile(reference),
      ...attachments.flatMap(({ files }) => files),
      ...watches.flatMap(({ files }) => files ?? []),
    ]);
  } catch (error) {
    // Nothing is left behind of their files.
    for (const watch of watches) await watch.close?.(statusOfFailure(error));
    throw error;
  }
  await new Run({ loaded, options, terminal, injected, watches, makeWatches }).run(attachments);
}

/** `--set` comes before `--path`, which is short for one. */
function choicesOf({ path, set }: RunOptions): Readonly<Record<string, string>> {
  return { ...(path === undefined ? {} : { path }), ...Object.fromEntries(set) };
}
