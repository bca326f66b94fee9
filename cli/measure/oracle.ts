/**
 * `sddf oracle`: replays recorded answers of the real seL4 kernel on ours, and prints where they
 * differ.
 */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Command } from 'commander';
import { UserMistake } from '../../host/problem.ts';
import { readRegular } from '../../host/regular-file.ts';
import type { OracleResult } from '../../kernel/oracle/replay-traces.ts';
import { replayTraces } from '../../kernel/oracle/replay-traces.ts';
import type { Divergence } from '../../kernel/oracle/replay.ts';
import type { Trace } from '../../kernel/oracle/trace.ts';
import { parseTraces, TraceFormatError } from '../../kernel/oracle/trace.ts';
import { openTerminal } from '../terminal.ts';
import { jsonText } from '../../systems/json-text.ts';
import { thrownText } from '../../memory/thrown-text.ts';

const EXIT_FAILURE = 1;
const FIRST_DEFAULT = '20';
const SUFFIXES = ['.jsonl', '.jsonl.gz'];

interface OracleOptions {
  readonly json?: true;
  readonly first: string;
  readonly fastpath: boolean;
}

export function oracleCommand(): Command {
  return new Command('oracle')
    .description('Replays recorded system calls of the real seL4 kernel, and prints divergences.')
    .argument('<file-or-dir...>', 'recordings: .jsonl or .jsonl.gz, or folders of them')
    .option('--first <count>', 'prints at most this many divergences', FIRST_DEFAULT)
    .option('--no-fastpath', 'takes the general path of every system call')
    .option('--json', 'prints the result as JSON')
    .addHelpText(
      'after',
      '\nExit status: 0 when every answer is the same, 1 when not, 2 for a mistake.\n\nExamples:\n' +
        '  sddf oracle traces/\n  sddf oracle --json --first 5 f1-000-018.jsonl.gz',
    )
    .action((paths: string[], options: OracleOptions) => {
      const first = readCount(options.first);
      const traces = paths.flatMap(recordingsAt).flatMap(readRecording);
      const fastPath = options.fastpath ? 'on' : 'off';
      const result = replayTraces(traces, { fastPath });
      const terminal = openTerminal('stdout');
      if (options.json === true) terminal.print(jsonText(asJson(result, first, fastPath)));
      else for (const line of asText(result, first, fastPath)) terminal.print(line);
      if (result.divergences.length > 0) process.exitCode = EXIT_FAILURE;
    });
}

function readCount(text: string): number {
  const count = Number(text);
  if (text === '' || !Number.isInteger(count) || count < 0) {
    throw new UserMistake(`--first: '${text}' is no number of divergences`);
  }
  return count;
}

/** @returns the files that a path stands for */
function recordingsAt(path: string): string[] {
  if (!existsSync(path)) throw new UserMistake(`${path}: there is no such file or folder`);
  if (!statSync(path).isDirectory()) {
    if (!isRecording(path)) {
      throw new UserMistake(`${path}: a recording is called ${SUFFIXES.join(' or ')}`);
    }
    return [path];
  }
  const files = readdirSync(path).filter(isRecording).toSorted();
  if (files.length === 0) {
    throw new UserMistake(`${path}: no recordings (${SUFFIXES.join(', ')}) in this folder`);
  }
  return files.map((file) => join(path, file));
}

function isRecording(path: string): boolean {
  return SUFFIXES.some((suffix) => path.endsWith(suffix));
}

function readRecording(path: string): Trace[] {
  try {
    const bytes = Buffer.from(readRegular(path));
    return parseTraces((path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8'));
  } catch (error) {
    if (error instanceof TraceFormatError) throw new UserMistake(`${path}: ${error.message}`);
    const reason = thrownText(error);
    throw new UserMistake(`${path}: ${basename(path)} cannot be read: ${reason}`);
  }
}

function asText(result: OracleResult, first: number, fastPath: 'on' | 'off'): string[] {
  const lines = result.divergences.slice(0, first).flatMap(describe);
  const hidden = result.divergences.length - first;
  if (hidden > 0) lines.push(`… and ${hidden} more (--first ${result.divergences.length})`);
  const names = Object.keys(result.operations);
  const width = Math.max(0, ...names.map((name) => name.length));
  for (const [name, { compared, diverged }] of Object.entries(result.operations)) {
    const verdict = diverged === 0 ? '' : `  ${diverged} diverged`;
    lines.push(`${name.padEnd(width)}  ${String(compared).padStart(7)}${verdict}`);
  }
  lines.push(
    `${result.traces} traces, ${result.compared} answers compared, ` +
      `${result.divergences.length} diverged` +
      (fastPath === 'on' ? '' : ' (general path alone)'),
  );
  return lines;
}

function describe(divergence: Divergence): string[] {
  const { family, trace, step, operation, request, due, given } = divergence;
  return [
    `family ${family}, trace ${trace}, step ${step}: ${operation}`,
    `  request  ${JSON.stringify(request)}`,
    `  due      ${JSON.stringify(due)}`,
    `  given    ${JSON.stringify(given)}`,
  ];
}

function asJson(result: OracleResult, first: number, fastPath: 'on' | 'off'): object {
  return {
    fastPath,
    traces: result.traces,
    compared: result.compared,
    diverged: result.divergences.length,
    divergences: result.divergences.slice(0, first),
    operations: result.operations,
  };
}
