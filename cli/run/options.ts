/**
 * The options of a run that are not about one class of devices. To add one, declare it here, in the
 * table that says where its value goes, and use it there; one that watches or changes a run by code
 * of its own is a part (`part.ts`).
 */

import { readCosts } from '../../systems/costs/read-costs.ts';
import { UserMistake } from '../../host/problem.ts';
import type { TestbedOptions } from '../../systems/testbed.ts';
import {
  asWritten,
  choice,
  type Declared,
  flag,
  type OptionValues,
  type RawOptions,
  readOptions,
  text,
  texts,
} from '../option.ts';
import { parseCount, parseDuration, parseSize, type Range } from '../quantities.ts';
import { readChoice } from './choices.ts';
import { parseLogLimit } from './log-limit.ts';

const SEED: Range = { min: 0, max: 0xffff_ffff };
const RAM_PAGE_BYTES = 65_536;
const RAM_BYTES_MIN = 16 * 1024 ** 2;
const RAM_BYTES_MAX = 1792 * 1024 ** 2;

/** They go to `createTestbed` as they are, under its names. */
export const TESTBED_OPTIONS = {
  clock: choice({
    flags: '--clock <clock>',
    help: 'host: real time; virtual: simulated, repeatable',
    words: ['host', 'virtual'],
    standard: 'host',
  }),
  seed: text({
    flags: '--seed <number>',
    help: 'seed of everything that is random',
    standard: '0',
    parse: (given, option) => parseCount(given, option, SEED),
  }),
  costs: text({
    flags: '--cost <table>',
    help: 'with --clock virtual: what work costs; imx8mm, or a file',
    parse: readCosts,
    completes: { words: ['imx8mm'], others: 'files' },
  }),
  ramBytes: text({
    flags: '--ram <size>',
    help: 'RAM of the board, such as 64M',
    parse: readRam,
  }),
  engine: choice({
    flags: '--engine <engine>',
    help: 'what executes machine code: interpreter, translator, or auto',
    words: ['auto', 'interpreter', 'translator'],
    standard: 'auto',
  }),
  bulk: flag({
    flags: '--strict-code',
    help: 'executes memcpy, memmove, memset and memcmp of images, which are done at once else',
    words: ['at once', 'executed'],
  }),
  rules: flag({
    flags: '--strict',
    help: 'devices refuse what their specifications forbid; else they go on as QEMU does, and note it',
    words: ['lenient', 'strict'],
  }),
} satisfies {
  readonly [Name in keyof TestbedOptions]?: Declared<TestbedOptions[Name] | undefined>;
};

/** They say which system is meant: `describe/` takes them too. */
export const SYSTEM_OPTIONS = {
  set: texts({
    flags: '--set <name=value>',
    help: 'chooses an option of the system, see sddf list; may be repeated',
    parse: readChoice,
    completes: { others: 'choices' },
  }),
  searchPath: texts({
    flags: '--search-path <dir>',
    help: 'where a .system file finds its files, too; may be repeated',
    parse: asWritten,
  }),
};

/** The run itself reads them. */
const OWN_OPTIONS = {
  forNs: text({
    flags: '--for <duration>',
    help: 'ends after this much of its own time, such as 3s or 500ms',
    parse: parseDuration,
  }),
  output: flag({
    flags: '--json',
    help: 'prints the counters at the end as JSON',
    words: ['text', 'json'],
  }),
  imageLimitBytes: text({
    flags: '--image-limit <size>',
    help: 'memory that a program image may need, 64M unless told',
    parse: parseSize,
  }),
  logLimit: text({
    flags: '--log-limit <lines>',
    help: 'shows so many lines a second of each domain, and counts the rest; or none',
    standard: '1000',
    parse: parseLogLimit,
    completes: { words: ['none'] },
  }),
  path: text({
    flags: '--path <path>',
    help: 'short for --set path=: what a packet passes in echo: 5pd, 4pd, 2pd or dummy',
    parse: asWritten,
    completes: { words: ['5pd', '4pd', '2pd', 'dummy'] },
  }),
  expectQuiet: choice({
    flags: '--expect-quiet <word>',
    help: 'no: also a run that comes to rest with something wrong ends with status 0',
    words: ['yes', 'no'],
    standard: 'yes',
  }),
  intrinsics: flag({
    flags: '--harden',
    help: 'programs of yours cannot replace what all share, such as Map.prototype.get; costs a fifth',
    words: ['watched', 'constant'],
  }),
  demo: flag({
    flags: '--demo',
    help: 'sends two seconds of its own traffic first, and explains',
    words: ['no', 'yes'],
  }),
};

export const RUN_OPTIONS = { ...TESTBED_OPTIONS, ...OWN_OPTIONS, ...SYSTEM_OPTIONS };

export interface RunOptions extends OptionValues<typeof OWN_OPTIONS & typeof SYSTEM_OPTIONS> {
  readonly testbed: OptionValues<typeof TESTBED_OPTIONS>;
}

/** @throws UserMistake */
export function readRunOptions(raw: RawOptions): RunOptions {
  const testbed = readOptions(TESTBED_OPTIONS, raw);
  if (testbed.costs !== undefined && testbed.clock === 'host') {
    throw new UserMistake('--cost: time passes by itself here; give --clock virtual too');
  }
  return { ...readOptions({ ...OWN_OPTIONS, ...SYSTEM_OPTIONS }, raw), testbed };
}

function readRam(given: string, option: string): number {
  const bytes = parseSize(given, option);
  if (bytes % RAM_PAGE_BYTES !== 0 || bytes < RAM_BYTES_MIN || bytes > RAM_BYTES_MAX) {
    throw new UserMistake(`${option}: '${given}' is not a multiple of 64K from 16M to 1792M`);
  }
  return bytes;
}
