/** For processes that run programs of a user's for another one, and are of no use without it. */

import { Worker } from 'node:worker_threads';

/**
 * From now on this process ends when its parent does, whatever runs in it.
 *
 * @param fd of a pipe whose other end the parent has, and does not close before its end
 */
export function endWithParent(fd: number): void {
  const watch = new Worker(new URL('./parent-watch.mjs', import.meta.url), {
    workerData: { fd },
    execArgv: [],
  });
  watch.unref();
}
