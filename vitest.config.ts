import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take long begin first: begun last, one of them has a core to itself at the end. In a
 * fresh clone the runner does not know which they are: those that take five seconds or more of a
 * quiet machine, the longest first.
 */
const LONG = [
  'cli/run/run.test.ts',
  'test/serial/session.test.ts',
  'bench/suite/suite.test.ts',
  'test/hostile/stop.test.ts',
  'bench/net/measurements.test.ts',
  'test/docs.test.ts',
  'test/sel4/sel4.test.ts',
  'cli/coverage/coverage.test.ts',
  'test/package.test.ts',
  'test/serial/terminal.test.ts',
  'cli/test/conformance.test.ts',
  'test/hostile/kill.test.ts',
  'test/programs/echo-wire.test.ts',
  'test/mutants/mutants.test.ts',
  'test/restart/kills.test.ts',
  'sim/oracles/kernel/integrity.test.ts',
];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      LONG.some((path) => moduleId.endsWith(`/${path}`));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'dist/**', '.artefacts/**'],
    reporters: ['default', ['json', { outputFile: '.artefacts/test-results.json' }]],
    tags: [{ name: 'long', description: 'in `.ci/run` alone (test/support/long-test.ts)' }],
    // Limits are for hangs: a busy machine takes twenty times as long as a quiet one.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    maxWorkers: 2,
    // No module keeps state (docs/architecture.md), so files of one worker may share modules; to
    // load them anew for each of 260 files was a third of the suite's time.
    isolate: false,
    sequence: { sequencer: LongFirst },
  },
});
