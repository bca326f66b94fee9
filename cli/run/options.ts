/** The options of `sddf run` that are not about one class of devices, checked before anything starts. */

import type { Command } from 'commander';
import { readCosts } from '../../bench/cost/read-costs.ts';
import { UserMistake } from '../../host/problem.ts';
import type { RunCosts } from '../../systems/run-costs.ts';
import { collect, type RawOptions, textOption, textsOption } from './attachment.ts';
import { parseChoice, parseCount, parseDuration, parseSize, type Range } from '../quantities.ts';

export interface RunOptions {
  readonly clock: 'virtual' | 'host';
  /** Ends the run after this much of its own time. */
  readonly forNs?: number;
  readonly output: 'text' | 'json';
  readonly seed: number;
  /** Choices for the options that the system itself offers. */
  readonly choices: Readonly<Record<string, string>>;
  readonly ramBytes?: number;
  /** What work costs under the virtual clock. */
  readonly costs?: RunCosts;
  /** Folders in which the programs of a `.system` file are looked for. */
  readonly searchPath: readonly string[];
  readonly demo: 'no' | 'yes';
  /** Only shows what the kernel holds once the system is built. */
  readonly dump?: DumpRequest;
}

export interface DumpRequest {
  /** Where a picture goes. */
  readonly svg?: string;
}

const SEED: Range = { min: 0, max: 0xffff_ffff };
const RAM_PAGE_BYTES = 65_536;
const RAM_BYTES_MIN = 16 * 1024 ** 2;
const RAM_BYTES_MAX = 1024 ** 3;

/** Adds the options to the command; what is read from them is {@link readRunOptions}' business. */
export function addRunOptions(command: Command): void {
  command
    .option('--clock <clock>', 'host: real time; virtual: simulated, repeatable', 'host')
    .option('--for <duration>', 'ends after this much of its own time, such as 3s or 500ms')
    .option('--json', 'prints the counters at the end as JSON')
    .option('--seed <number>', 'seed of everything that is random', '0')
    .option('--path <path>', 'what a packet passes in echo: 5pd, 4pd, 2pd or dummy')
    .option('--set <name=value>', 'chooses an option of the system; may be repeated', collect, [])
    .option('--cost <table>', 'with --clock virtual: what work costs; imx8mm, or a file')
    .option('--ram <size>', 'RAM of the board, such as 64M')
    .option('--search-path <dir>', 'where a .system file finds its programs', collect, [])
    .option('--demo', 'sends two seconds of its own traffic first, and explains');
}

/** What `sddf run` alone offers. */
export function addDumpOptions(command: Command): void {
  command
    .option('--dump-capabilities', 'boots, prints every object and capability, and ends')
    .option('--svg <file>', 'with --dump-capabilities: draws them, too');
}

/** @throws UserMistake */
export function readRunOptions(raw: RawOptions): RunOptions {
  const forText = textOption(raw, 'for');
  const ram = textOption(raw, 'ram');
  const cost = textOption(raw, 'cost');
  const clock = parseChoice(textOption(raw, 'clock') ?? 'host', '--clock', ['host', 'virtual']);
  if (cost !== undefined && clock === 'host') {
    throw new UserMistake('--cost: time passes by itself here; give --clock virtual too');
  }
  return {
    clock,
    ...(cost === undefined ? {} : { costs: readCosts(cost) }),
    ...(forText === undefined ? {} : { forNs: parseDuration(forText, '--for') }),
    output: raw['json'] === true ? 'json' : 'text',
    seed: parseCount(textOption(raw, 'seed') ?? '0', '--seed', SEED),
    choices: readChoices(raw),
    ...(ram === undefined ? {} : { ramBytes: readRam(ram) }),
    searchPath: textsOption(raw, 'searchPath'),
    demo: raw['demo'] === true ? 'yes' : 'no',
    ...readDump(raw),
  };
}

function readDump(raw: RawOptions): Pick<RunOptions, 'dump'> {
  const svg = textOption(raw, 'svg');
  if (raw['dumpCapabilities'] === true) return { dump: svg === undefined ? {} : { svg } };
  if (svg === undefined) return {};
  throw new UserMistake('--svg draws what --dump-capabilities prints: give both');
}

function readRam(text: string): number {
  const bytes = parseSize(text, '--ram');
  if (bytes % RAM_PAGE_BYTES !== 0 || bytes < RAM_BYTES_MIN || bytes > RAM_BYTES_MAX) {
    throw new UserMistake(`--ram: '${text}' is not a multiple of 64K from 16M to 1G`);
  }
  return bytes;
}

function readChoices(raw: RawOptions): Readonly<Record<string, string>> {
  const choices: Record<string, string> = {};
  const path = textOption(raw, 'path');
  if (path !== undefined) choices['path'] = path;
  for (const text of textsOption(raw, 'set')) {
    const equals = text.indexOf('=');
    if (equals <= 0) throw new UserMistake(`--set: '${text}' is not NAME=VALUE, as in path=4pd`);
    choices[text.slice(0, equals)] = text.slice(equals + 1);
  }
  return choices;
}
