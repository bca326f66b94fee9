/** What `--coverage` does in a run: see `coverage.ts`. It is loaded with the option alone. */

import { lcovText } from '../../debug/coverage/lcov.ts';
import { coverageSummary } from '../../debug/coverage/source-coverage.ts';
import { CoverageCollector } from '../coverage/collector.ts';
import { OutputFile } from '../output-file.ts';
import type { RunWatch, StartWatch, WatchedRun } from './part.ts';

/** To be called before any program is loaded: what is loaded behind this is looked at. */
export function collectCoverage(path: string): StartWatch {
  const notes: string[] = [];
  const collector = new CoverageCollector((line) => notes.push(line));
  return (run) => watchCoverage(run, { path, collector, notes });
}

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
