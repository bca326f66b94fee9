/** `sddf replay`: the world of a failure file once more, byte for byte. */

import { Command } from 'commander';
import { signatureOf } from '../../sim/failure/failure-file.ts';
import { replay } from '../../sim/failure/replay.ts';
import { openTerminal } from '../terminal.ts';
import { openFailure } from './failure-source.ts';

export function replayCommand(): Command {
  return new Command('replay')
    .description('Runs the world of a failure file once more, byte for byte.')
    .argument('<file>', 'what sddf sim --out has written')
    .option('--json', 'prints the outcome as JSON')
    .addHelpText(
      'after',
      '\nEnds with 1 when it fails as it did then, 0 when it does not fail any more.\n' +
        '\nExamples:\n  sddf replay failures/seed-1234.json',
    )
    .action(runReplay);
}

async function runReplay(path: string, flags: { readonly json?: true }): Promise<void> {
  const terminal = openTerminal(flags.json === true ? 'stderr' : 'stdout');
  const { failure, loaded } = await openFailure(path, terminal);
  const { outcome, isSame } = replay(failure, loaded.target);
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify({ isSame, ...outcome })}\n`);
  } else {
    for (const { timeNs, at, fault } of outcome.strikes) {
      terminal.print(`${milliseconds(timeNs)}  ${at}: ${fault}`);
    }
    for (const { timeNs, oracle, what } of outcome.violations) {
      terminal.print(`${milliseconds(timeNs)}  ${oracle}: ${what}`);
    }
    terminal.print(isSame ? 'the same as then, byte for byte' : comparison(failure, outcome));
  }
  process.exitCode = outcome.verdict === 'failed' ? 1 : 0;
}

function comparison(
  then: Parameters<typeof signatureOf>[0],
  now: Parameters<typeof signatureOf>[0],
): string {
  if (now.violations.length === 0) return 'it does not fail any more';
  if (signatureOf(then) === signatureOf(now)) return 'it fails in the same way, at another moment';
  return `it fails in another way; then it was: ${signatureOf(then)}`;
}

function milliseconds(ns: number): string {
  return `${(ns / 1e6).toFixed(6).padStart(12)} ms`;
}
