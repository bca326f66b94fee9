/**
 * Promises and timers that a program leaves behind when its entry point returns. If one of them
 * fails and nobody catches the error, it is a fault of the program's domain, like an exception
 * inside an entry point; Node's own message does not reach the terminal.
 *
 * And no program ends the command: `process.exit` is one more mistake while the run lasts.
 */

import { AsyncBlame } from '../../host/async-blame.ts';
import { CalledOutside, ThreadUnwound } from '../../kernel/user.ts';
import { Misuse } from '../../memory/misuse.ts';
import { forbidExit } from '../exit.ts';
import type { Kernel } from '../../kernel/boot.ts';

import type { LoadedSystem } from './system-source.ts';

export interface LeftBehind {
  /** What has failed and is nobody's: the run ends with it. */
  readonly failure: { readonly error: unknown } | undefined;
  end(): void;
}

/**
 * @param kernelOf the kernel, once there is one
 * @param onFailure called when there is a {@link LeftBehind.failure}
 */
export function watchLeftBehind(
  kernelOf: () => Kernel | undefined,
  { hasUserPrograms }: Pick<LoadedSystem, 'hasUserPrograms'>,
  onFailure: () => void,
): LeftBehind {
  // Ours leave nothing behind, and the hook costs a little for each thing that the host does.
  const blame = hasUserPrograms ? new AsyncBlame(() => kernelOf()?.running) : undefined;
  let failure: LeftBehind['failure'];
  const failed = (error: unknown, domain: string | undefined): void => {
    // A program can have Node tell of it in the middle of an entry point. It is for when none runs.
    if (kernelOf()?.running !== undefined) {
      setImmediate(failed, error, domain);
      return;
    }
    // Whoever made the call has been told already.
    if (error instanceof CalledOutside || error instanceof ThreadUnwound) return;
    if (domain !== undefined && kernelOf()?.failThread(domain, error) === true) return;
    failure ??= { error };
    onFailure();
  };
  const onRejection = (error: unknown, promise: Promise<unknown>): void =>
    failed(error, blame?.ofPromise(promise));
  const onException = (error: unknown): void => failed(error, blame?.ofNow());
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtException', onException);
  const allowExit = forbidExit(
    () => new Misuse('calls process.exit; a program may not end the command'),
  );
  return {
    get failure() {
      return failure;
    },
    end: () => {
      allowExit();
      process.off('unhandledRejection', onRejection);
      process.off('uncaughtException', onException);
      blame?.end();
    },
  };
}
