/**
 * Threads whose body is a generator: each `yield` is a system call (or a memory access). For root tasks and tests.
 *
 *     const rootTask = generatorImage('root task', function* (thread) {
 *       const answer = yield { kind: 'call', sys: SYS_CALL, cptr: 17, label: UNTYPED_RETYPE, mrs: […], caps: [2] };
 *       if (answer.label !== NO_ERROR) …
 *     });
 *
 * Register tp holds the address of the thread's IPC buffer, as the thread-local storage of seL4's library does. A
 * thread without one (tp 0) can send and receive four words and no capabilities.
 */

import type { ProgramImage, UserContext, UserThread } from './user.ts';
import type { ThreadBody } from './system-call.ts';

/** @returns an image whose threads run `body`, each start a new generator. When it returns, the thread waits on cptr 0. */
export function generatorImage(
  name: string,
  body: (thread: UserThread) => ThreadBody,
): ProgramImage {
  return { name, start: (thread): UserContext => new GeneratorContext(thread, body(thread)) };
}

class GeneratorContext implements UserContext {
  readonly thread: UserThread;
  readonly body: ThreadBody;
  constructor(thread: UserThread, body: ThreadBody) {
    this.thread = thread;
    this.body = body;
  }

  resume(): void {
    throw new Error('not yet');
  }
}
