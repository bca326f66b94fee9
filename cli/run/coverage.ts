/**
 * `sddf run SYSTEM --coverage lcov.info`: which lines, functions and outcomes of branches of the
 * images' sources are executed, by all domains together.
 */

import { accessSync, constants, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { lcovText, sumsOf } from '../../debug/coverage/lcov.ts';
import { addCoverage, type Sources, textOf } from '../../debug/coverage/sources.ts';
import { type LineRange, readLines } from '../../debug/dwarf/lines.ts';
import { explainSystemError, UserMistake } from '../../host/problem.ts';
import type { ElfImage } from '../../microkit/elf/image.ts';
import type { HartCoverage } from '../../microkit/runtime/machine-image.ts';
import { CoverageMap } from '../../riscv/coverage/map.ts';
import { asWritten, readOptions, text } from '../option.ts';
import { GDB_OPTIONS } from './gdb.ts';
import type { RunPart, RunWatch, WatchedRun } from './part.ts';

const OPTIONS = {
  coverage: text({
    flags: '--coverage <file>',
    help: 'writes which lines and branches of machine code are executed, as lcov reads it',
    parse: asWritten,
    completes: { others: 'files' },
  }),
};

export const coveragePart: RunPart = {
  options: OPTIONS,
  commands: 'run',
  parse: (raw) => {
    const { coverage } = readOptions(OPTIONS, raw);
    if (coverage === undefined) return undefined;
    if (readOptions(GDB_OPTIONS, raw).gdb !== undefined) {
      throw new UserMistake('--coverage: not with --gdb, which executes in its own way');
    }
    return (run) => watchCoverage(run, coverage);
  },
};

function watchCoverage({ loaded, terminal }: WatchedRun, path: string): RunWatch {
  if (loaded.images.size === 0) {
    throw new UserMistake(`--coverage: is of machine code, and ${loaded.name} has none`);
  }
  const lines = new Map<ElfImage, readonly LineRange[]>();
  for (const { path: imagePath, image } of loaded.images.values()) {
    const read = readLines(image);
    if (!read.ok) throw new UserMistake(`--coverage: ${imagePath} ${read.problem}`);
    lines.set(image, read.ranges);
  }
  // Not after the run, when what has been noted would be lost.
  explained(path, () => accessSync(dirname(path), constants.W_OK));
  const noted = new Map<string, { readonly image: ElfImage; readonly map: CoverageMap }>();
  const coverage: HartCoverage = (pd, { image }, ram) => {
    // A domain that is begun again goes on with what it has.
    const map = noted.get(pd)?.map ?? CoverageMap.create(ram, textOf(image));
    if (map === undefined) terminal.note(`sddf: no room to note what ${pd} executes: left out`);
    else noted.set(pd, { image, map });
    return map;
  };
  return {
    files: [{ path, use: 'written', by: '--coverage' }],
    testbed: { coverage, bulk: 'executed' },
    finish: () => {
      const sources: Sources = new Map();
      for (const { image, map } of noted.values()) {
        addCoverage(sources, image, lines.get(image) ?? [], map);
      }
      explained(path, () => writeFileSync(path, lcovText(sources, loaded.name)));
      terminal.note(`sddf: ${summary(sources)}, in ${path}`);
    },
  };
}

function summary(sources: Sources): string {
  const sums = sumsOf(sources.values());
  return (
    `executed are ${sums.linesHit} of ${sums.lines} lines, ` +
    `${sums.functionsHit} of ${sums.functions} functions, ` +
    `${sums.outcomesHit} of ${sums.outcomes} outcomes of branches`
  );
}

function explained(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw explainSystemError(error, path);
  }
}
