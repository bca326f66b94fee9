/**
 * How fast is machine code: the engines beside the same C source compiled for the host, and beside
 * user-mode QEMU with the same instructions? Each engine takes turns with one of the two
 * (`slices.ts`). Rates are those of a second of processor time, so that what else the machine does
 * bends them less.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { heedBranchHints } from '../host/engine.ts';
import { assert } from '../memory/assert.ts';
import type { EngineKind } from '../riscv/engine.ts';
import { CodeMachine } from './code/machine.ts';
import { compileKernel, type Kernel, KERNELS } from './code/programs.ts';
import { NativeProgram } from './native-program.ts';
import type { BenchRow } from './results.ts';
import { alternate, ratioFields, slicesOf, type SliceSeries } from './slices.ts';
import { round, summarise } from './statistics.ts';
import type { BenchSettings } from './suite/benchmark.ts';

const ENGINES = ['translator', 'interpreter'] as const satisfies readonly EngineKind[];
/** Times that a kernel is run before it is measured, so that V8 has compiled the translation. */
const WARM_UPS = { smoke: 1, quick: 40, full: 400 };
/** In a quick run; all of them otherwise. */
const QUICK_KERNELS = new Set(['pipeline-64', 'pipeline-1500', 'print']);
/** The five kernels whose mean is asked for: of the pipeline, that with small packets. */
const IN_MEAN = new Set(['pipeline-64', 'memcpy', 'crc32', 'print', 'sort']);
/** They call `memcpy`, which the engines do at once. */
const BULK = new Set(['bulk', 'bulk-library']);

export async function benchCode(settings: BenchSettings): Promise<readonly BenchRow[]> {
  // Lets V8 heed hints about rare branches, which makes translated code up to 1.5 times as fast
  // (riscv/translator/README.md).
  heedBranchHints();
  const hasQemu = spawnSync('qemu-riscv64', ['--version']).status === 0;
  if (!hasQemu) settings.onNotice('no comparison with QEMU: qemu-riscv64 is not installed');
  const rows: BenchRow[] = [];
  const isQuick = settings.length === 'quick';
  for (const kernel of KERNELS.filter(({ name }) => !isQuick || QUICK_KERNELS.has(name))) {
    const image = compileKernel(kernel, 'image');
    if ('reason' in image) {
      settings.onNotice(`machine code is not measured: ${image.reason}`);
      return rows;
    }
    for (const engine of ENGINES) {
      rows.push(await measure(settings, { kernel, engine, image: image.path, hasQemu }));
    }
  }
  const mean = meanRow(rows);
  return [...rows, ...(mean === undefined ? [] : [mean]), slowestRow(rows)];
}

interface Subject {
  readonly kernel: Kernel;
  readonly engine: (typeof ENGINES)[number];
  readonly image: string;
  readonly hasQemu: boolean;
}

async function measure(settings: BenchSettings, subject: Subject): Promise<BenchRow> {
  const { kernel, engine } = subject;
  const machine = new CodeMachine(readFileSync(subject.image), engine, kernel.rounds);
  machine.work();
  const perRound = machine.instructions / kernel.rounds;
  for (let count = 0; count < WARM_UPS[settings.length]; count += 1) machine.work();
  const native = compileKernel(kernel, 'native');
  const emulated = compileKernel(kernel, 'emulated');
  if ('reason' in native) settings.onNotice(`no comparison with C: ${native.reason}`);
  const besideNative = 'path' in native ? await turns(settings, machine, [native.path]) : undefined;
  const besideQemu =
    subject.hasQemu && 'path' in emulated
      ? await turns(settings, machine, ['qemu-riscv64', emulated.path])
      : undefined;
  const rates =
    besideNative?.cpuRates ?? besideQemu?.cpuRates ?? (await ratesAlone(settings, machine));
  const summary = summarise(rates.map((rate) => (rate * perRound) / 1e6));
  return {
    name: `code/${kernel.name}`,
    engine,
    unit: 'million instructions/s',
    median: round(summary.median),
    min: round(summary.min),
    max: round(summary.max),
    ...(besideNative === undefined ? { ratioToNative: null } : ratioFields(besideNative.ratios)),
    ratioToQemu: besideQemu === undefined ? null : round(summarise(besideQemu.ratios).median),
  };
}

async function turns(
  { repeat, sampleNs, onProgress }: BenchSettings,
  machine: CodeMachine,
  [command = '', ...args]: readonly string[],
): Promise<SliceSeries> {
  const other = new NativeProgram(command, args);
  try {
    const onSample = (sample: number): void =>
      onProgress(`code: ${command}: ${sample} of ${repeat}`);
    return await alternate(machine, other, { repeat, sampleNs, onSample });
  } finally {
    await other.close();
  }
}

async function ratesAlone(
  { repeat, sampleNs }: BenchSettings,
  machine: CodeMachine,
): Promise<number[]> {
  const rates: number[] = [];
  for (let sample = 0; sample < repeat; sample += 1) {
    const { done, cpuNs } = await machine.slice(slicesOf(sampleNs).sliceNs);
    rates.push((done * 1e9) / cpuNs);
  }
  return rates;
}

/** Geometric mean of the translator's ratios to QEMU. */
function meanRow(rows: readonly BenchRow[]): BenchRow | undefined {
  const ratios = rows
    .filter(
      ({ name, engine }) => engine === 'translator' && IN_MEAN.has(name.slice('code/'.length)),
    )
    .map((row) => row['ratioToQemu'])
    .filter((ratio) => typeof ratio === 'number');
  if (ratios.length < IN_MEAN.size) return undefined;
  const mean = round(
    Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length),
  );
  return {
    name: 'code/mean',
    engine: 'translator',
    unit: 'of qemu-riscv64',
    ...{ median: mean, min: mean, max: mean },
    ratioToNative: null,
  };
}

/** The interpreter's slowest kernel of those that it executes. */
function slowestRow(rows: readonly BenchRow[]): BenchRow {
  const executed = rows.filter(
    ({ name, engine }) => engine === 'interpreter' && !BULK.has(name.slice('code/'.length)),
  );
  const [slowest] = executed.toSorted((a, b) => a.median - b.median);
  assert(slowest !== undefined, 'every kernel is interpreted, too');
  return { ...slowest, name: 'code/slowest', kernel: slowest.name.slice('code/'.length) };
}
