/** `sddf bench`: measures. Each benchmark is a module of `bench/`, loaded when it is asked for. */

import { Command } from 'commander';
import { UserMistake } from '../host/problem.ts';
import type { BenchRow } from '../bench/results.ts';
import { parseChoice, parseCount, parseCounts } from './quantities.ts';
import { openTerminal, type Terminal } from './terminal.ts';

interface BenchOptions {
  readonly frame: string;
  readonly batch: string;
  readonly path: string;
  readonly repeat: string;
  readonly quick?: true;
  readonly json?: true;
  readonly allocations?: true;
}

type Benchmark = (options: BenchOptions, terminal: Terminal) => Promise<readonly BenchRow[]>;

/** What can be measured, by name. */
const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  net: runNet,
  blk: runBlk,
  serial: runSerial,
  kernel: runKernel,
};

const FRAME_BYTES = { min: 50, max: 1514 };
const BATCH = { min: 1, max: 256 };
const REPEAT = { min: 1, max: 101 };
const SAMPLE_NS = 400_000_000;
const QUICK_SAMPLE_NS = 50_000_000;

export function benchCommand(): Command {
  return new Command('bench')
    .description(`Measures: ${Object.keys(BENCHMARKS).join(', ')}, or all.`)
    .argument('[what]', 'what to measure', 'all')
    .option('--frame <bytes,…>', 'bytes of a frame without its check sequence', '64,1500')
    .option('--batch <count,…>', 'frames in flight', '1,64')
    .option('--path <path>', '5pd, 4pd, 2pd or dummy', '5pd')
    .option('--repeat <count>', 'samples of each figure', '5')
    .option('--quick', 'short samples: for a look, not for a record')
    .option('--allocations', 'memory and boot time instead of speed')
    .option('--json', 'prints JSON, see docs/benchmarks.md')
    .addHelpText('after', EXAMPLES)
    .action(benchAction);
}

const EXAMPLES = `
Examples:
  sddf bench net --frame 64,1500 --batch 1,64 --json
  sddf bench net --path 2pd --quick
  sddf bench blk --json
  sddf bench net --allocations
  sddf bench serial --json`;

async function benchAction(what: string, options: BenchOptions): Promise<void> {
  const names = what === 'all' ? Object.keys(BENCHMARKS) : [what];
  const terminal = openTerminal(options.json === true ? 'stderr' : 'stdout');
  const rows: BenchRow[] = [];
  for (const name of names) {
    const benchmark = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
    if (benchmark === undefined) {
      const known = Object.keys(BENCHMARKS).join(', ');
      throw new UserMistake(`no benchmark '${name}'; known are ${known}, all`);
    }
    rows.push(...(await benchmark(options, terminal)));
  }
  if (options.json !== true) return;
  const { benchResults } = await import('../bench/results.ts');
  process.stdout.write(`${JSON.stringify(benchResults(rows), undefined, 1)}\n`);
}

async function runNet(options: BenchOptions, terminal: Terminal): Promise<readonly BenchRow[]> {
  const repeat = parseCount(options.repeat, '--repeat', REPEAT);
  const frames = parseCounts(options.frame, '--frame', FRAME_BYTES);
  const batches = parseCounts(options.batch, '--batch', BATCH);
  const path = parseChoice(options.path, '--path', ['5pd', '4pd', '2pd', 'dummy']);
  if (options.allocations === true) return runAllocations(repeat, terminal);
  const { benchNet, netTable } = await import('../bench/net.ts');
  const rows = benchNet({
    path,
    frames,
    batches,
    repeat,
    sampleNs: options.quick === true ? QUICK_SAMPLE_NS : SAMPLE_NS,
    onProgress: (line) => terminal.live(line),
    onNotice: (line) => terminal.note(`sddf: ${line}`),
  });
  if (options.json !== true) for (const line of netTable(rows)) terminal.print(line);
  return rows;
}

async function runSerial(options: BenchOptions, terminal: Terminal): Promise<readonly BenchRow[]> {
  const { benchSerial, serialTable } = await import('../bench/serial.ts');
  const rows = await benchSerial({
    repeat: parseCount(options.repeat, '--repeat', REPEAT),
    sampleNs: options.quick === true ? QUICK_SAMPLE_NS : SAMPLE_NS,
    onProgress: (line) => terminal.live(line),
    onNotice: (line) => terminal.note(`sddf: ${line}`),
  });
  if (options.json !== true) for (const line of serialTable(rows)) terminal.print(line);
  return rows;
}

async function runBlk(options: BenchOptions, terminal: Terminal): Promise<readonly BenchRow[]> {
  const { benchBlk, blkTable } = await import('../bench/blk.ts');
  const rows = await benchBlk({
    repeat: parseCount(options.repeat, '--repeat', REPEAT),
    sampleNs: options.quick === true ? QUICK_SAMPLE_NS : SAMPLE_NS,
    onProgress: (line) => terminal.live(line),
    onNotice: (line) => terminal.note(`sddf: ${line}`),
  });
  if (options.json !== true) for (const line of blkTable(rows)) terminal.print(line);
  return rows;
}

async function runKernel(options: BenchOptions, terminal: Terminal): Promise<readonly BenchRow[]> {
  const { benchKernel, kernelTable } = await import('../bench/kernel.ts');
  const rows = benchKernel({
    repeat: parseCount(options.repeat, '--repeat', REPEAT),
    sampleNs: options.quick === true ? QUICK_SAMPLE_NS : SAMPLE_NS,
    onProgress: (line) => terminal.live(line),
  });
  if (options.json !== true) for (const line of kernelTable(rows)) terminal.print(line);
  return rows;
}

async function runAllocations(repeat: number, terminal: Terminal): Promise<readonly BenchRow[]> {
  const { benchAllocations, benchBoot } = await import('../bench/net-costs.ts');
  const rows = [benchBoot(repeat), ...(await benchAllocations())];
  for (const { name, unit, median, max } of rows) {
    const text = `${median.toLocaleString('en')} ${unit} (at most ${max.toLocaleString('en')})`;
    terminal.print(`${name.padEnd(22)} ${text}`);
  }
  return rows;
}
