/** `sddf when`: from which moment on a failure becomes likely. */

import { Command } from 'commander';
import { UserMistake } from '../../host/problem.ts';
import { type Likelihood, whenLikely } from '../../sim/shrink/when.ts';
import { parseCount } from '../quantities.ts';
import { openTerminal } from '../terminal.ts';
import { openEndedFailure } from './failure-source.ts';
import { sayWorldBegins } from '../world-limit.ts';
import { jsonText } from '../../systems/json-text.ts';

interface WhenFlags {
  readonly moments: string;
  readonly worlds: string;
  readonly json?: true;
}

export function whenCommand(): Command {
  return new Command('when')
    .description('Draws chance anew from earlier and earlier moments: where does it still fail?')
    .argument('<file>', 'what sddf sim --out has written')
    .option('--moments <count>', 'moments that are tried', '12')
    .option('--worlds <count>', 'worlds for each moment', '20')
    .option('--json', 'prints the result as JSON')
    .addHelpText('after', '\nExamples:\n  sddf when failures/seed-1234.json')
    .action(runWhen);
}

async function runWhen(path: string, flags: WhenFlags): Promise<void> {
  const terminal = openTerminal(flags.json === true ? 'stderr' : 'stdout');
  const moments = parseCount(flags.moments, '--moments', { min: 2, max: 1_000 });
  const worlds = parseCount(flags.worlds, '--worlds', { min: 1, max: 10_000 });
  const { failure, loaded } = await openEndedFailure(path, terminal);
  const found = whenLikely({
    failure,
    target: loaded.target,
    moments,
    worlds,
    onWorld: sayWorldBegins,
    onMoment: ({ fromNs, failed }) => {
      terminal.live(`from ${(fromNs / 1e6).toFixed(3)} ms: ${failed} of ${worlds} fail`);
    },
  });
  if (found === undefined) {
    throw new UserMistake(`${path}: does not fail in that way here; sddf replay shows what comes`);
  }
  if (flags.json === true) {
    process.stdout.write(`${jsonText(found)}\n`);
    return;
  }
  terminal.print('chance anew from   worlds that fail all the same');
  for (const likelihood of found) terminal.print(lineOf(likelihood));
}

const BAR_WIDTH = 40;

function lineOf({ fromNs, failed, worlds }: Likelihood): string {
  const bar = '█'.repeat(Math.round((BAR_WIDTH * failed) / worlds));
  const time = `${(fromNs / 1e6).toFixed(3).padStart(12)} ms`;
  return `${time}    ${String(failed).padStart(3)} of ${worlds} ${bar}`;
}
