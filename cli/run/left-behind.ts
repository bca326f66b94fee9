/**
 * Promises and timers that a program leaves behind when its entry point returns. If one of them
 * fails and nobody catches the error, it is a fault of the program's domain, like an exception
 * inside an entry point; Node's own message does not reach the terminal.
 *
 * And no program ends the command or speaks in its name: `process.exit`, `process.on` and their
 * like are one more mistake while the run lasts.
 */

import { AsyncBlame } from '../../host/async-blame.ts';
import { CalledOutside, ThreadUnwound } from '../../kernel/user.ts';
import { forbidEnding, forbidListening, holdLastResort, programsMistake } from '../own-process.ts';
import type { Kernel } from '../../kernel/boot.ts';

import type { LoadedSystem } from './loaded-system.ts';

export interface LeftBehind {
  /** What has failed and is nobody's: the run ends with it. */
  readonly failure: { readonly error: unknown } | undefined;
  /** Whose promises or timers run, as far as can be told, while no entry point does. */
  runsOutside(): string | undefined;
  end(): void;
}

export interface LeftBehindOptions extends Pick<LoadedSystem, 'hasUserPrograms'> {
  /** This process runs one system and ends: what is made constant may stay so. */
  readonly isOwnProcess: boolean;
}

/**
 * @param kernelOf the kernel, once there is one
 * @param onFailure called when there is a {@link LeftBehind.failure}
 */
export function watchLeftBehind(
  kernelOf: () => Kernel | undefined,
  { hasUserPrograms, isOwnProcess }: LeftBehindOptions,
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
  const onRejection = (error: unknown, promise: object): void =>
    failed(error, blame?.ofPromise(promise));
  const onException = (error: unknown): void => failed(error, blame?.ofNow());
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtException', onException);
  const forbidden = forbid(
    () => kernelOf()?.running,
    () => blame?.ofNow(),
  );
  if (isOwnProcess) holdLastResort();
  return {
    get failure() {
      return failure;
    },
    // Between two promises, nobody's is running.
    runsOutside: () => blame?.ofNow() ?? blame?.last,
    end: () => {
      forbidden.allow();
      process.off('unhandledRejection', onRejection);
      process.off('uncaughtException', onException);
      blame?.end();
    },
  };
}

/** @param inside the domain whose entry point runs @param outside whose promise or timer does */
function forbid(
  inside: () => string | undefined,
  outside: () => string | undefined,
): { readonly allow: () => void } {
  const isInside = (): boolean => inside() !== undefined;
  const allowEnding = forbidEnding(programsMistake);
  const isProgram = (): boolean => isInside() || outside() !== undefined;
  const allowListening = forbidListening(programsMistake, isProgram, isInside);
  return {
    allow: () => {
      allowListening();
      allowEnding();
    },
  };
}
