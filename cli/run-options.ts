/** The options of `sddf run`, read from the command line and checked before anything starts. */

import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { GENERATOR_FRAME_BYTES_MIN } from '../board/links/generator.ts';
import { UserMistake } from '../host/problem.ts';
import { type NetOptions, parseNetOptions } from './net-options.ts';
import {
  type Range,
  parseChoice,
  parseCount,
  parseDuration,
  parseRate,
  parseSize,
} from './quantities.ts';

/** Where a capture goes. */
export type CaptureTarget =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'wireshark' };

export interface GeneratorOptions {
  /** Packets per second; as fast as they come back without one. */
  readonly rate?: number;
  /** Bytes of a frame without its check sequence. */
  readonly frame: number;
  /** Frames sent back to back. */
  readonly burst: number;
}

export interface RunOptions {
  /** `undefined`: the standard one of the system. */
  readonly net?: NetOptions;
  readonly captures: readonly CaptureTarget[];
  readonly clock: 'virtual' | 'host';
  /** Ends the run after this much of its own time. */
  readonly forNs?: number;
  readonly output: 'text' | 'json';
  readonly seed: number;
  /** Choices for the options that the system itself offers. */
  readonly choices: Readonly<Record<string, string>>;
  readonly generator: GeneratorOptions;
  readonly ramBytes?: number;
  /** Folders in which the programs of a `.system` file are looked for. */
  readonly searchPath: readonly string[];
  readonly demo: 'no' | 'yes';
}

const FRAME_BYTES: Range = { min: GENERATOR_FRAME_BYTES_MIN, max: 1514 };
const BURST: Range = { min: 1, max: 256 };
const SEED: Range = { min: 0, max: 0xffff_ffff };
const RAM_PAGE_BYTES = 65_536;
const RAM_BYTES_MIN = 16 * 1024 ** 2;
const RAM_BYTES_MAX = 1024 ** 3;

/** Adds the options to the command; what is read from them is {@link readRunOptions}' business. */
export function addRunOptions(command: Command): void {
  command
    .option('--net <link>', 'where the NIC is plugged in, see below', once('--net'))
    .option('--capture <file>', 'writes what passes the NIC to a pcapng file; - is standard output')
    .option('--wireshark', 'shows what passes the NIC in Wireshark')
    .option('--clock <clock>', 'host: real time; virtual: simulated, repeatable', 'host')
    .option('--for <duration>', 'ends after this much of its own time, such as 3s or 500ms')
    .option('--json', 'prints the counters at the end as JSON')
    .option('--seed <number>', 'seed of everything that is random', '0')
    .option('--path <path>', 'what a packet passes in echo: 5pd, 4pd, 2pd or dummy')
    .option('--set <name=value>', 'chooses an option of the system; may be repeated', collect, [])
    .option('--rate <packets/s>', 'generator: offered load, such as 100k; else closed loop')
    .option('--frame <bytes>', 'generator: bytes of a frame, 50 to 1514', '60')
    .option('--burst <count>', 'generator: frames sent back to back, 1 to 256', '32')
    .option('--ram <size>', 'RAM of the board, such as 64M')
    .option('--search-path <dir>', 'where a .system file finds its programs', collect, [])
    .option('--demo', 'sends two seconds of its own traffic first, and explains');
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** The board has one NIC: a second `--net` would replace the first unseen. */
function once(option: string): (value: string, before: string | undefined) => string {
  return (value, before) => {
    if (before !== undefined) throw new InvalidArgumentError(`${option} is given twice`);
    return value;
  };
}

interface RawOptions {
  readonly net?: string;
  readonly capture?: string;
  readonly wireshark?: true;
  readonly clock: string;
  readonly for?: string;
  readonly json?: true;
  readonly seed: string;
  readonly path?: string;
  readonly set: readonly string[];
  readonly rate?: string;
  readonly frame: string;
  readonly burst: string;
  readonly ram?: string;
  readonly searchPath: readonly string[];
  readonly demo?: true;
}

/** @throws UserMistake */
export function readRunOptions(raw: RawOptions): RunOptions {
  const net = raw.net === undefined ? undefined : parseNetOptions(raw.net);
  const captures = readCaptures(raw);
  checkCaptures(captures, net, raw);
  const rate = raw.rate === undefined ? undefined : parseRate(raw.rate, '--rate');
  return {
    ...(net === undefined ? {} : { net }),
    captures,
    clock: parseChoice(raw.clock, '--clock', ['host', 'virtual']),
    ...(raw.for === undefined ? {} : { forNs: parseDuration(raw.for, '--for') }),
    output: raw.json === true ? 'json' : 'text',
    seed: parseCount(raw.seed, '--seed', SEED),
    choices: readChoices(raw),
    generator: {
      ...(rate === undefined ? {} : { rate }),
      frame: parseCount(raw.frame, '--frame', FRAME_BYTES),
      burst: parseCount(raw.burst, '--burst', BURST),
    },
    ...(raw.ram === undefined ? {} : { ramBytes: readRam(raw.ram) }),
    searchPath: raw.searchPath,
    demo: raw.demo === true ? 'yes' : 'no',
  };
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
  if (raw.path !== undefined) choices['path'] = raw.path;
  for (const text of raw.set) {
    const equals = text.indexOf('=');
    if (equals <= 0) throw new UserMistake(`--set: '${text}' is not NAME=VALUE, as in path=4pd`);
    choices[text.slice(0, equals)] = text.slice(equals + 1);
  }
  return choices;
}

function readCaptures(raw: RawOptions): readonly CaptureTarget[] {
  const captures: CaptureTarget[] = [];
  if (raw.capture === '-') captures.push({ kind: 'stdout' });
  else if (raw.capture === '') throw new UserMistake('--capture: needs a file name, or -');
  else if (raw.capture !== undefined) captures.push({ kind: 'file', path: raw.capture });
  if (raw.wireshark === true) captures.push({ kind: 'wireshark' });
  return captures;
}

function checkCaptures(
  captures: readonly CaptureTarget[],
  net: NetOptions | undefined,
  raw: RawOptions,
): void {
  for (const target of captures) {
    if (target.kind === 'stdout' && raw.json === true) {
      throw new UserMistake('--capture -: standard output cannot carry --json too; name a file');
    }
    if (target.kind === 'stdout' && process.stdout.isTTY) {
      throw new UserMistake('--capture -: a capture is no text; send it on, as in | tshark -r -');
    }
    if (target.kind !== 'file' || net?.kind !== 'pcap') continue;
    if (resolve(target.path) === resolve(net.path)) {
      throw new UserMistake(`--capture: ${target.path} is what --net pcap reads; name another`);
    }
  }
}
