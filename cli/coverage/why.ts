/** `sddf coverage why FILE:LINE`: which tests or worlds reach a line, and how each is run again. */

import { join } from 'node:path';
import { Command } from 'commander';
import { readLcov } from '../../debug/coverage/read-lcov.ts';
import { readBounded } from '../../host/bounded-file.ts';
import { UserMistake } from '../../host/problem.ts';
import { didYouMean } from '../closest.ts';
import { jsonText } from '../../systems/json-text.ts';
import { openTerminal, type Terminal } from '../terminal.ts';
import { type CoveredRun, readIndex } from './per-test.ts';

const EXIT_NOT_REACHED = 1;
const FOLDER = 'coverage';
const TRACEFILE_BYTES_MAX = 0x400_0000;
/** Runs and lines that are shown; `--json` has all. */
const SHOWN = 20;

interface WhyFlags {
  readonly in: string;
  readonly json?: true;
}

export function whyCommand(): Command {
  return new Command('why')
    .description('Tells which tests or worlds reach a line, and how each is run again.')
    .argument('<file:line>', "a source file, or the end of its path: 'virt-rx.ts:120'")
    .option('--in <dir>', 'what --coverage-per-test has written', FOLDER)
    .option('--json', 'prints the answer as JSON')
    .addHelpText(
      'after',
      '\nEnds with 0 when somebody reaches it, 1 when nobody does, 2 when there is no such line.\n' +
        '\nExamples:\n  sddf test tests/*.yaml --coverage-per-test coverage\n' +
        '  sddf coverage why eth_driver.c:120',
    )
    .action(runWhy);
}

function runWhy(place: string, flags: WhyFlags): void {
  const terminal = openTerminal(flags.json === true ? 'stderr' : 'stdout');
  const asked = readPlace(place);
  const runs = readRuns(flags.in);
  const path = findPath(asked.file, runs);
  const known = linesOf(path, runs);
  if (!known.includes(asked.line)) throw noCode(path, asked.line, known);
  // Loading the programs is nobody's test.
  const count = runs.filter(({ run }) => run.command !== undefined).length;
  const reaching = runs.filter(({ sources }) => sources.get(path)?.get(asked.line) === true);
  const shown = reaching.map(({ run: { name, command } }) => ({ name, command }));
  if (flags.json === true) {
    const answer = { file: path, line: asked.line, runs: count, reachedBy: shown };
    process.stdout.write(`${jsonText(answer)}\n`);
  } else {
    print(`${path}:${asked.line}`, { shown, runs: count }, terminal);
  }
  process.exitCode = shown.length > 0 ? 0 : EXIT_NOT_REACHED;
}

function print(
  place: string,
  answer: { readonly shown: readonly Omit<CoveredRun, 'file'>[]; readonly runs: number },
  terminal: Terminal,
): void {
  const { shown, runs } = answer;
  const by = shown.filter(({ command }) => command !== undefined).length;
  terminal.print(`${place}: reached by ${by === 0 ? 'none' : by} of ${runs} tests`);
  for (const { name, command } of shown.slice(0, SHOWN)) {
    terminal.print(`  ${name}`);
    if (command !== undefined) terminal.print(`    ${command}`);
  }
  if (shown.length > SHOWN) terminal.print(`  and ${shown.length - SHOWN} more; --json has all`);
}

interface ReadRun {
  readonly run: CoveredRun;
  readonly sources: ReadonlyMap<string, ReadonlyMap<number, boolean>>;
}

/** @throws UserMistake */
function readRuns(folder: string): readonly ReadRun[] {
  return readIndex(folder).map((run) => {
    const path = join(folder, run.file);
    const read = readBounded(path, TRACEFILE_BYTES_MAX);
    if (read.kind === 'too long') throw new UserMistake(`${path}: is larger than any tracefile`);
    const sources = readLcov(new TextDecoder().decode(read.bytes));
    if (typeof sources === 'string') throw new UserMistake(`${path}: ${sources}`);
    return { run, sources };
  });
}

/** @throws UserMistake */
function readPlace(place: string): { readonly file: string; readonly line: number } {
  const [, file, line] = /^(.+):([1-9]\d*)$/.exec(place) ?? [];
  if (file !== undefined && line !== undefined) return { file, line: Number(line) };
  throw new UserMistake(`'${place}' is no place such as virt-rx.ts:120`);
}

/** @throws UserMistake when no source ends like that, or several do */
function findPath(file: string, runs: readonly ReadRun[]): string {
  const paths = [...new Set(runs.flatMap(({ sources }) => [...sources.keys()]))].toSorted();
  const ends = file.replace(/^(?:\.\/)+/, '');
  const found = paths.filter((path) => path === ends || path.endsWith(`/${ends}`));
  const [path, another] = found;
  if (path !== undefined && another === undefined) return path;
  if (path !== undefined) {
    throw new UserMistake(`${file}: could be ${found.join(' or ')}; give more of the path`);
  }
  const names = paths.map((each) => each.slice(each.lastIndexOf('/') + 1));
  const guess = didYouMean(file.slice(file.lastIndexOf('/') + 1), names);
  throw new UserMistake(`${file}: no test or world knows this source${guess}`);
}

function linesOf(path: string, runs: readonly ReadRun[]): readonly number[] {
  const lines = runs.flatMap(({ sources }) => [...(sources.get(path)?.keys() ?? [])]);
  return [...new Set(lines)].toSorted((a, b) => a - b);
}

function noCode(path: string, line: number, known: readonly number[]): UserMistake {
  const before = known.findLast((each) => each < line);
  const after = known.find((each) => each > line);
  const near = [before, after].filter((each) => each !== undefined);
  const have = near.length === 1 ? `line ${near[0]} has` : `lines ${near.join(' and ')} have`;
  const others = near.length === 0 ? 'nor has any other line' : have;
  return new UserMistake(`${path}:${line}: has no code; ${others}`);
}
