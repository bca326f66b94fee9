/**
 * `sddf run SYSTEM --coverage lcov.info`: which lines, functions and outcomes of branches of the
 * domains' programs are executed, of images and of modules, all domains together.
 */

import { lcovText } from '../../debug/coverage/lcov.ts';
import { coverageSummary } from '../../debug/coverage/source-coverage.ts';
import { UserMistake } from '../../host/problem.ts';
import { CoverageCollector } from '../coverage/collector.ts';
import { asWritten, readOptions, text } from '../option.ts';
import { OutputFile } from '../output-file.ts';
import { GDB_OPTIONS } from './gdb.ts';
import type { RunPart, RunWatch, WatchedRun } from './part.ts';

const OPTIONS = {
  coverage: text({
    flags: '--coverage <file>',
    help: 'writes which lines and branches of programs are executed, as lcov reads it',
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
    const notes: string[] = [];
    // Programs are loaded behind this.
    const collector = new CoverageCollector((line) => notes.push(line));
    return (run) => watchCoverage(run, { path: coverage, collector, notes });
  },
};

interface Collecting {
  readonly path: string;
  readonly collector: CoverageCollector;
  /** What it has to say. */
  readonly notes: readonly string[];
}

function watchCoverage(
  { loaded, terminal }: WatchedRun,
  { path, collector, notes }: Collecting,
): RunWatch {
  collector.expect(loaded.images);
  // Not after the run, when what has been executed would be lost.
  const file = new OutputFile(path, 'replace');
  let isOver = false;
  return {
    files: [{ path, use: 'written', by: '--coverage' }],
    testbed: collector.testbed,
    finish: () => {
      isOver = true;
    },
    close: async () => {
      if (!isOver) {
        collector.close();
        file.close();
        return;
      }
      collector.testbedEnds();
      const sources = await collector.take();
      collector.close();
      file.write(lcovText(sources, loaded.name));
      file.close();
      for (const line of notes) terminal.note(`sddf: ${line}`);
      terminal.note(`sddf: ${coverageSummary(sources)}, in ${path}`);
    },
  };
}
