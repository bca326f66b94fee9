/** `sddf bench`: measures. What can be measured is the table of `bench/suite/table.ts`. */

import { Command, Option } from 'commander';
import {
  benchmarkLoad,
  benchResults,
  type BenchResults,
  type BenchRow,
  loadNow,
  machineLine,
  wasBusy,
} from '../../bench/results.ts';
import {
  type BenchLength,
  type Benchmark,
  fewerSamples,
  leftOutQuickly,
  type NetPoints,
  SAMPLES,
  samplesAt,
} from '../../bench/suite/benchmark.ts';
import { machinePace } from '../../bench/suite/machine-pace.ts';
import type { OwnFigures } from '../../bench/suite/own-figures.ts';
import { BENCHMARKS } from '../../bench/suite/table.ts';
import { UserMistake } from '../../host/problem.ts';
import { DeclaredArgument } from '../option.ts';
import { parseChoice, parseCount, parseCounts } from '../quantities.ts';
import { shellText } from '../../systems/shell-text.ts';
import { openTerminal, type Terminal } from '../terminal.ts';
import { jsonText } from '../../systems/json-text.ts';

interface BenchOptions {
  readonly frame?: string;
  readonly batch?: string;
  readonly path?: string;
  readonly repeat?: string;
  readonly quick?: true;
  readonly json?: true;
  readonly allocations?: true;
  readonly cost?: string;
  readonly html?: string;
  readonly compare?: string;
  readonly from?: string;
  readonly beside?: readonly string[];
  readonly csv?: true;
  readonly resume?: string;
  readonly targets?: true;
  readonly part?: string;
  readonly request?: string;
}

const FRAME_BYTES = { min: 50, max: 1514 };
const BATCH = { min: 1, max: 256 };
const REPEAT = { min: 1, max: 101 };
const EXIT_FAILURE = 1;
const EXIT_MISTAKE = 2;
/** As shells have it for SIGINT. */
const EXIT_INTERRUPTED = 130;

export function benchCommand(): Command {
  return new Command('bench')
    .description(`Measures: ${names()}, or all.`)
    .addArgument(what())
    .option('--quick', 'short samples, and fewer figures: for a look, not for a record')
    .option('--repeat <count>', 'samples of each figure')
    .option('--json', 'prints JSON, see docs/benchmarks.md')
    .option(
      '--beside <file...>',
      'shows figures from elsewhere beside these: files, sddf or linux, see docs/benchmarks.md',
    )
    .option('--csv', 'prints the rows for a spreadsheet')
    .option('--html <file>', 'writes a report with plots')
    .option('--targets', "html: with the project's own targets")
    .option('--compare <file>', 'prints what has changed since these results (of --json)')
    .option('--from <file>', 'takes these results (of --json) and measures nothing')
    .option('--resume <file>', 'goes on: measures what these results (of --json) lack')
    .option('--frame <bytes,…>', 'net: bytes of a frame without its check sequence')
    .option('--batch <count,…>', 'net: frames in flight')
    .option('--path <path>', 'net: 5pd, 4pd, 2pd or dummy')
    .option('--allocations', 'net: memory and boot time alone')
    .option('--cost <table>', 'net: CPU use alone, predicted with a cost table: imx8mm, or a file')
    .addOption(new Option('--part <name>', 'runs as the child of another').hideHelp())
    .addOption(new Option('--request <json>', 'what the parent asks for').hideHelp())
    .addHelpText('after', EXAMPLES)
    .action(benchAction);
}

function what(): DeclaredArgument {
  const words = [...BENCHMARKS.map(({ name }) => name), 'all'];
  const argument = new DeclaredArgument('[what...]', 'what to measure', { words });
  argument.default(['all']);
  return argument;
}

const EXAMPLES = `
Examples:
  sddf bench all --quick --html report.html
  sddf bench kernel --json > new.json
  sddf bench --from new.json --compare old.json --html report.html
  sddf bench net --frame 64,1500 --batch 1,64 --json
  sddf bench net --path 2pd --quick
  sddf bench blk serial --json
  sddf bench net --cost imx8mm
  sddf bench net --allocations`;

async function benchAction(what: readonly string[], options: BenchOptions): Promise<void> {
  if (options.part !== undefined) return asChild(what[0] ?? '', options.part, options.request);
  const isData = options.json === true || options.csv === true;
  const terminal = openTerminal(isData ? 'stderr' : 'stdout');
  const mistakes = new Mistakes(terminal);
  const files = await import('../../bench/suite/files.ts');
  const { compare, html, from, resume } = options;
  checkUsed(what, options);
  const read = (file: string): BenchResults => onlyOf(what, files.readResults(file));
  const before = compare === undefined ? undefined : read(compare);
  const beside = files.readAllOwnFigures(options.beside ?? []);
  const earlier = resume === undefined ? undefined : files.readResults(resume);
  if (earlier !== undefined) checkResumed(earlier, options);
  if (html !== undefined) files.checkWritable(html);
  const run = { what, options, terminal, mistakes, earlier };
  const results = from === undefined ? await measure(run) : measuredBefore(run, read(from), from);
  if (from !== undefined && !isData) await printAll(terminal, results);
  if (options.csv === true) {
    const { csvLines } = await import('../../bench/suite/csv.ts');
    process.stdout.write(csvLines(results.results).join('\r\n') + '\r\n');
  }
  if (options.json === true) process.stdout.write(`${jsonText(results, 1)}\n`);
  if (before !== undefined && compare !== undefined) {
    const { comparisonLines } = await import('../../bench/suite/compare.ts');
    for (const line of comparisonLines(before, results, compare)) terminal.print(line);
  }
  if (beside.length > 0) await printBeside(terminal, results, beside);
  if (html !== undefined && results.results.length > 0) {
    const { renderReport } = await import('../../bench/report/report.ts');
    const extras = {
      beside,
      published: files.publishedFigures(),
      ...(before === undefined ? {} : { compared: { with: before, where: compare ?? '' } }),
      ...(options.targets === undefined ? {} : { targets: 'shown' as const }),
    };
    mistakes.orNothing(() => files.writeReport(html, renderReport(results, extras)));
  }
  if (mistakes.count > 0) process.exitCode = EXIT_MISTAKE;
}

/** @throws UserMistake when nothing that is asked for is in them; notes what is not */
function measuredBefore({ what, mistakes }: Run, found: BenchResults, from: string): BenchResults {
  const { benchmarks, unknown } = choose(what);
  const has = (name: string): boolean =>
    found.results.some((row) => row.name.startsWith(`${name}/`));
  const missing = what.includes('all') ? [] : benchmarks.filter(({ name }) => !has(name));
  const lines = [
    ...unknown.map(unknownText),
    ...missing.map(({ name }) => `${from}: nothing of ${name} is in it`),
  ];
  if (found.results.length === 0 && lines.length > 0) throw new UserMistake(lines.join('; '));
  for (const line of lines) mistakes.add(line);
  return found;
}

/** Of results that were measured earlier, those of the benchmarks that are asked for. */
function onlyOf(what: readonly string[], results: BenchResults): BenchResults {
  if (what.length === 0 || what.includes('all')) return results;
  const isOf = ({ name }: BenchRow): boolean => what.includes(name.split('/')[0] ?? '');
  return { ...results, results: results.results.filter(isOf) };
}

const NET_OPTIONS = ['frame', 'batch', 'path', 'allocations', 'cost'] as const;
const MEASURING_OPTIONS = ['quick', 'repeat', 'resume', ...NET_OPTIONS] as const;

/** @throws UserMistake for an option that nothing would look at */
function checkUsed(what: readonly string[], options: BenchOptions): void {
  if (options.targets !== undefined && options.html === undefined) {
    throw new UserMistake('--targets: is for the report; add --html FILE');
  }
  if (options.json === true && options.csv === true) {
    throw new UserMistake('--csv: --json is printed there; leave one of them out');
  }
  const unused = MEASURING_OPTIONS.find((name) => options[name] !== undefined);
  if (options.from !== undefined && unused !== undefined) {
    throw new UserMistake(`--${unused}: --from measures nothing; leave one of them out`);
  }
  const net = NET_OPTIONS.find((name) => options[name] !== undefined);
  if (net === undefined || what.includes('net') || what.includes('all')) return;
  throw new UserMistake(`--${net}: is for net; name it too, as in sddf bench net --${net}`);
}

/** @throws UserMistake for results that new ones cannot stand beside in one file */
function checkResumed(earlier: BenchResults, { quick, resume = '' }: BenchOptions): void {
  const length = quick === true ? 'quick' : 'full';
  if (earlier.length !== undefined && earlier.length !== length) {
    const advice = length === 'full' ? 'add --quick' : 'leave --quick out';
    throw new UserMistake(`${resume}: is of a ${earlier.length} run; ${advice}, or measure anew`);
  }
  const here = benchResults([]);
  const other = (['cpu', 'node'] as const).find((key) => earlier[key] !== here[key]);
  if (other === undefined && earlier.parts !== undefined) return;
  if (other === undefined) {
    throw new UserMistake(`${resume}: does not say which parts it has; measure anew`);
  }
  const then = `${earlier[other]}, and this is ${here[other]}`;
  throw new UserMistake(`${resume}: was measured on ${then}: go on there, or measure anew`);
}

/** What the user should put right, said at once; what can be measured nevertheless is measured. */
class Mistakes {
  readonly #said = new Set<string>();
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get count(): number {
    return this.#said.size;
  }

  add(line: string): void {
    if (!this.#said.has(line)) this.#terminal.note(`sddf: ${line}`);
    this.#said.add(line);
  }

  /** @returns what the action returns; nothing when it fails by a mistake of the user's */
  orNothing<Value>(action: () => Value): Value | undefined {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof UserMistake)) throw error;
      this.add(error.message);
      return undefined;
    }
  }
}

interface Run {
  readonly what: readonly string[];
  readonly options: BenchOptions;
  readonly terminal: Terminal;
  readonly mistakes: Mistakes;
  /** Results to go on from. */
  readonly earlier: BenchResults | undefined;
}

async function measure(run: Run): Promise<BenchResults> {
  const { what, options, terminal, mistakes, earlier } = run;
  const { benchmarks, unknown } = choose(what);
  const lines = unknown.map(unknownText);
  if (benchmarks.length === 0) throw new UserMistake(lines.join('; '));
  for (const line of lines) mistakes.add(line);
  const net = netPoints(options);
  const { cost } = options;
  if (cost !== undefined) (await import('../../systems/costs/read-costs.ts')).readCosts(cost);
  const { runSuite } = await import('../../bench/suite/run.ts');
  const length: BenchLength = options.quick === true ? 'quick' : 'full';
  const { sampleNs } = SAMPLES[length];
  const pace = machinePace();
  const samples = samplesOf(options, length, pace);
  const loadBefore = loadNow();
  const idle = { ...benchResults([]), loadBefore };
  if (wasBusy(idle)) terminal.note(`sddf: ${machineLine(idle)}`);
  const asked = benchmarks.map((benchmark) => onlyAsked(benchmark, options));
  if (length === 'quick') {
    // Points that are named are all measured.
    const lessOf = asked.filter(({ name }) => name !== 'net' || net === undefined);
    const fewer = options.repeat === undefined ? fewerHere(length, samples, pace) : [];
    for (const line of [...leftOutQuickly(lessOf), ...fewer]) terminal.note(`sddf: ${line}`);
  }
  const interrupt = new Interrupt();
  const { rows, failures, parts, loads } = await runSuite({
    finished: earlier?.parts ?? [],
    signal: interrupt.signal,
    pace: () => pace,
    benchmarks: asked,
    scope: benchmarks.length === BENCHMARKS.length ? 'all' : what.join(' '),
    request: {
      length,
      sampleNs,
      repeat: samples,
      ...(net === undefined ? {} : { net }),
      ...(cost === undefined ? {} : { costs: cost }),
    },
    onProgress: (line) => terminal.live(line),
    onNotice: (line) => terminal.note(`sddf: ${line}`),
    onPart: (line) => (terminal.isLive ? terminal.live(line) : terminal.note(`sddf: ${line}`)),
    onRows: async (benchmark, found, loads) => {
      if (options.json === true || options.csv === true) return;
      await printRows(terminal, benchmark, benchResults(found, { loads }));
    },
  });
  interrupt.end();
  for (const failure of failures) terminal.note(`sddf: ${failure}`);
  if (failures.length > 0) process.exitCode = EXIT_FAILURE;
  const results = benchResults([...(earlier?.results ?? []), ...rows], {
    parts: [...(earlier?.parts ?? []), ...parts],
    loads: { ...earlier?.loads, ...loads },
    loadBefore,
    length,
    samples,
  });
  if (interrupt.signal.aborted) await keep(run, results);
  return results;
}

function samplesOf({ repeat }: BenchOptions, length: BenchLength, pace: number): number {
  return repeat === undefined ? samplesAt(length, pace) : parseCount(repeat, '--repeat', REPEAT);
}

function fewerHere(length: BenchLength, samples: number, pace: number): readonly string[] {
  const why = `things take ${pace.toFixed(1)} times as long here as planned`;
  return fewerSamples(length, samples).map((line) => `${line}: ${why}`);
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Ctrl-C ends the part that runs, and what has been measured is kept. */
class Interrupt {
  readonly #controller = new AbortController();
  readonly #abort = (): void => this.#controller.abort();

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#abort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    for (const signal of SIGNALS) process.off(signal, this.#abort);
  }
}

async function keep(run: Run, results: BenchResults): Promise<void> {
  const { options, terminal, mistakes } = run;
  process.exitCode = EXIT_INTERRUPTED;
  const count = results.parts?.length ?? 0;
  if (count === 0) return terminal.note('sddf: interrupted: nothing has been measured yet');
  const parts = `${count} ${count === 1 ? 'part is' : 'parts are'} measured`;
  const files = await import('../../bench/suite/files.ts');
  const text = jsonText(results, 1);
  const isPrinted = options.json === true;
  const where = isPrinted ? undefined : mistakes.orNothing(() => files.writeUnfinished(text));
  if (where === undefined && !isPrinted) process.stdout.write(`${text}\n`);
  const file = where ?? 'FILE, which has this JSON';
  terminal.note(`sddf: interrupted: ${parts}; go on with ${commandToGoOn(run)} --resume ${file}`);
}

/** What was asked for, as it was asked for. */
function commandToGoOn({ what, options }: Run): string {
  const { resume: _, ...asked } = options;
  const words = Object.entries(asked).flatMap(([name, value]: [string, unknown]) =>
    value === true ? [`--${name}`] : [`--${name}`, ...[value].flat().map(String)],
  );
  return ['sddf', 'bench', ...what, ...words].map(shellText).join(' ');
}

function unknownText(name: string): string {
  return `no benchmark '${name}'; known are ${names()}, all`;
}

function names(): string {
  return BENCHMARKS.map(({ name }) => name).join(', ');
}

function choose(what: readonly string[]): {
  readonly benchmarks: readonly Benchmark[];
  readonly unknown: readonly string[];
} {
  const known = new Set(['all', ...BENCHMARKS.map(({ name }) => name)]);
  return {
    benchmarks: BENCHMARKS.filter(({ name }) => what.includes(name) || what.includes('all')),
    unknown: what.filter((name) => !known.has(name)),
  };
}

/** Points that are named on the command line; nothing where none is. */
function netPoints({ frame, batch, path }: BenchOptions): NetPoints | undefined {
  if (frame === undefined && batch === undefined && path === undefined) return undefined;
  return {
    path: parseChoice(path ?? '5pd', '--path', ['5pd', '4pd', '2pd', 'dummy']),
    frames: parseCounts(frame ?? '64,1500', '--frame', FRAME_BYTES),
    batches: parseCounts(batch ?? '1,64', '--batch', BATCH),
  };
}

/**
 * Whoever names points of `net/echo`, a cost table, or asks for `--allocations`, wants that part of
 * `net` and no other.
 */
function onlyAsked(benchmark: Benchmark, options: BenchOptions): Benchmark {
  if (benchmark.name !== 'net') return benchmark;
  const part = askedPart(options);
  if (part === undefined) return benchmark;
  return { ...benchmark, parts: benchmark.parts.filter(({ name }) => name === part) };
}

function askedPart(options: BenchOptions): string | undefined {
  if (options.allocations === true) return 'costs';
  if (options.cost !== undefined) return 'cpu-use';
  return netPoints(options) === undefined ? undefined : 'echo';
}

async function printRows(
  terminal: Terminal,
  benchmark: Benchmark,
  results: BenchResults,
): Promise<void> {
  const { benchmarkLines } = await import('../../bench/suite/rows-table.ts');
  const rows = results.results;
  terminal.print(`${benchmark.name}: ${benchmark.question}`);
  terminal.print(`  ${benchmarkLoad(results, benchmark.name) ?? machineLine(results)}`);
  const lines = benchmark.lines === undefined ? benchmarkLines(rows) : await benchmark.lines(rows);
  for (const line of lines) terminal.print(line);
}

/** Results that were measured earlier, as they were printed then. */
async function printAll(terminal: Terminal, results: BenchResults): Promise<void> {
  const { benchmarkLines } = await import('../../bench/suite/rows-table.ts');
  terminal.print(machineLine(results));
  const names = new Set(results.results.map(({ name }) => name.split('/')[0] ?? ''));
  for (const name of names) {
    const load = benchmarkLoad(results, name);
    if (load !== undefined) terminal.print(`  ${name}: ${load}`);
  }
  for (const line of benchmarkLines(results.results)) terminal.print(line);
}

async function printBeside(
  terminal: Terminal,
  { results }: BenchResults,
  beside: readonly OwnFigures[],
): Promise<void> {
  const { besideTable } = await import('../../bench/suite/own-figures.ts');
  const { indented } = await import('../../bench/suite/rows-table.ts');
  for (const own of beside) {
    terminal.print(`beside ${own.series}:`);
    for (const line of indented(besideTable(results, own))) terminal.print(line);
  }
}

/** This process is one that `bench/suite/part-process.ts` has started. */
async function asChild(benchmark: string, part: string, request = ''): Promise<void> {
  const { findPart, measureForParent, readRequest } =
    await import('../../bench/suite/part-process.ts');
  const found = findPart(BENCHMARKS, { benchmark, part });
  const settings = readRequest(request);
  if (found === undefined || settings === undefined || process.send === undefined) {
    throw new UserMistake('bench: --part and --request are for the processes that it starts');
  }
  await measureForParent(found, settings);
}
