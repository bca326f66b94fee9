/** `sddf shrink`: a failure file made smaller, and what happened in ten lines. */

import { Command } from 'commander';
import { refuseClashes } from '../../host/file-use.ts';
import { UserMistake } from '../../host/problem.ts';
import { failureText } from '../../sim/failure/failure-file.ts';
import { pointsOf } from '../../sim/points/system-points.ts';
import { shrink } from '../../sim/shrink/shrink.ts';
import { noteWorld, storyOf } from '../../sim/shrink/story.ts';
import { groupDigits } from '../../systems/figures.ts';
import { OutputFile } from '../output-file.ts';
import { parseCount } from '../quantities.ts';
import { openTerminal } from '../terminal.ts';
import { openEndedFailure } from './failure-source.ts';
import { sayWorldBegins } from '../world-limit.ts';
import { jsonText } from '../../systems/json-text.ts';

const LIMIT = 2_000;

interface ShrinkFlags {
  readonly out?: string;
  readonly limit: string;
  readonly json?: true;
}

export function shrinkCommand(): Command {
  return new Command('shrink')
    .description('Makes a failure smaller: fewer faults, fewer decisions, less traffic.')
    .argument('<file>', 'what sddf sim --out has written')
    .option('--out <file>', 'where the smaller one goes (default: FILE with -small)')
    .option('--limit <worlds>', 'gives up after so many worlds', String(LIMIT))
    .option('--json', 'prints the result as JSON')
    .addHelpText(
      'after',
      '\nThe smaller file is written as it becomes smaller: Ctrl-C keeps it as it is.\n' +
        '\nExamples:\n  sddf shrink failures/seed-1234.json',
    )
    .action(runShrink);
}

async function runShrink(path: string, flags: ShrinkFlags): Promise<void> {
  const terminal = openTerminal(flags.json === true ? 'stderr' : 'stdout');
  const limit = parseCount(flags.limit, '--limit', { min: 1, max: 1_000_000 });
  const { failure, loaded } = await openEndedFailure(path, terminal);
  const outPath = flags.out ?? path.replace(/(?:\.json)?$/, '-small.json');
  refuseClashes([
    { path, use: 'read', by: 'the failure file' },
    { path: outPath, use: 'written', by: '--out' },
  ]);
  const out = new OutputFile(outPath, 'replace');
  const shrunk = shrink({
    failure,
    target: loaded.target,
    limit,
    mayGoOn: () => true,
    onWorld: sayWorldBegins,
    onProgress: (worlds, smaller) => {
      // Whoever loses patience has what there is so far.
      out.rewrite(failureText(smaller));
      const { plan, amount, decisions } = smaller.world;
      terminal.live(
        `${groupDigits(worlds)} worlds: ${plan.rules.length} faults, ` +
          `${decisions?.length ?? 0} decisions, ${amount ?? 'all'} questions`,
      );
    },
  });
  if (shrunk === undefined) {
    out.close();
    throw new UserMistake(`${path}: does not fail in that way here; sddf replay shows what comes`);
  }
  out.close();
  const notes = noteWorld(shrunk.failure.world, loaded.target);
  const story = storyOf(shrunk.outcome, pointsOf(loaded.target.system), notes);
  const { plan, amount, decisions } = shrunk.failure.world;
  const before = Object.values(failure.strikes).reduce((sum, count) => sum + count, 0);
  if (flags.json === true) {
    const { worlds, end } = shrunk;
    const result = { file: out.path, worlds, end, rules: plan.rules.length, amount, story };
    process.stdout.write(`${jsonText({ ...result, decisions: decisions?.length ?? 0 })}\n`);
    return;
  }
  for (const line of story) terminal.print(line);
  const why = shrunk.end === 'minimum' ? 'nothing more can go' : `stopped at --limit ${limit}`;
  terminal.print(
    `${out.path}: ${plan.rules.length} of ${groupDigits(before)} faults, ` +
      `${decisions?.length ?? 0} decisions, ${amount ?? 'all'} questions; ` +
      `${groupDigits(shrunk.worlds)} worlds, ${why}`,
  );
}
