/** A single test held for GDB, and run again whenever its user goes back. */

import { Rewound } from '../../debug/rewound.ts';
import { runTest, type TestResult } from '../../testing/run/run-test.ts';
import { STATUS } from '../exit.ts';
import { GdbSession } from '../run/gdb-session.ts';
import { parseGdb } from '../run/gdb.ts';
import type { Terminal } from '../terminal.ts';
import { type Task, singleTask } from './selection.ts';

/** @throws UserMistake when there is not a single one, or nobody can be listened to there */
export async function debugTest(
  tasks: readonly Task[],
  address: string,
  terminal: Terminal,
): Promise<TestResult> {
  const task = singleTask(tasks, '--gdb');
  const { system, images = new Map() } = task.test.scene;
  // Nobody could come in time: a test is over in some milliseconds.
  const options = { ...parseGdb(address, '--gdb'), begins: 'wait' } as const;
  const session = await GdbSession.open(options, {
    ...{ system, images, terminal, clock: 'virtual' },
    injected: undefined,
  });
  return session.until(
    () => runHeld(session, task),
    ({ verdict }) => STATUS[verdict],
  );
}

async function runHeld(session: GdbSession, { test, seed }: Task): Promise<TestResult> {
  for (;;) {
    try {
      // A test that fails would be run again for its events, and be held again.
      const result = await runTest(test, seed, { watch: session.testWatch(), book: 'kept' });
      session.worldEnded(`the test is over: it has ${result.verdict}`);
      return result;
    } catch (error) {
      if (!(error instanceof Rewound)) throw error;
    }
  }
}
