/** A single test as a trace for Perfetto: the same run, recorded. */

import { runTest } from '../../testing/run/run-test.ts';
import { perfettoTrace } from '../../systems/trace/perfetto.ts';
import { startRecording } from '../../systems/trace/recording.ts';
import { OutputFile } from '../output-file.ts';
import type { Terminal } from '../terminal.ts';
import { type Task, singleTask } from './selection.ts';

/** @throws UserMistake when there is not a single one */
export async function traceTest(
  tasks: readonly Task[],
  path: string,
  terminal: Terminal,
): Promise<void> {
  const task = singleTask(tasks, '--trace');
  const file = new OutputFile(path, 'replace');
  try {
    const { test, seed } = task;
    const recording = startRecording({ system: test.scene.system, clock: 'virtual' });
    await runTest(test, seed, { watch: { around: recording.around } });
    const about = { test: test.name, seed };
    for (const piece of perfettoTrace({ recorder: recording.recorder, clock: 'virtual', about })) {
      file.write(piece);
    }
    terminal.note(`sddf: ${path}: open it at https://ui.perfetto.dev`);
  } finally {
    file.close();
  }
}
