/**
 * Child processes that run a module of the testbed's own, from source or compiled: our side, which
 * starts one, and the other, which ends with us.
 */

import { type ChildProcess, fork, type Serializable } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endWithParent } from './end-with-parent.ts';

/** File descriptor, in the child, of a pipe by whose end it hears that we have gone. */
const PARENT = 4;
/** Compiled, modules end in '.js' and need no loader. */
const IS_SOURCE = import.meta.url.endsWith('.ts');

/**
 * Starts one. What it prints as errors is ours to read; see `cause-of-death.ts`.
 *
 * @param module the URL of its source
 * @param request its one argument, as JSON: see {@link requestOfParent}
 * @param nodeArguments for Node itself, before all others
 */
export function forkWorker(
  module: URL,
  request: unknown,
  nodeArguments: readonly string[] = [],
): ChildProcess {
  const path = fileURLToPath(module);
  // From source the loader is named by its place: the working directory is the user's.
  const loader = IS_SOURCE ? ['--import', import.meta.resolve('tsx/esm')] : [];
  return fork(IS_SOURCE ? path : path.replace(/\.ts$/, '.js'), [JSON.stringify(request)], {
    execArgv: [...nodeArguments, ...loader],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe'],
  });
}

/** Tells a child something. One that dies before it hears it is heard of by its end. */
export function tellWorker(child: ChildProcess, order: Serializable): void {
  if (child.connected) child.send(order, () => undefined);
}

/** In the child: what it was started for. From now on it ends when its parent does. */
export function requestOfParent<Request>(): Request {
  endWithParent(PARENT);
  return JSON.parse(process.argv[2] ?? '{}') as Request;
}
