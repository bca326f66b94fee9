/** Ending the process, and with which status: for the command alone. */

import { UserMistake } from '../host/problem.ts';

/** With what a command ends. */
export const STATUS = {
  passed: 0,
  failed: 1,
  /** Its user's mistake. */
  mistake: 2,
  /** A planned fault never struck: nothing was proved. */
  void: 3,
} as const;

/** @returns with what a command ends that throws this */
export function statusOfFailure(error: unknown): number {
  return error instanceof UserMistake ? STATUS.mistake : STATUS.failed;
}

const reallyExit = (
  process as unknown as { readonly reallyExit: (status: number) => never }
).reallyExit.bind(process);

/**
 * Ends it at once. It goes by what was taken before any module of a user's was loaded: those find
 * `own-process.ts` in its place.
 */
export function exitNow(status: number): never {
  try {
    process.emit('exit', status); // a terminal is put back as it was
  } catch {
    // A program's own listener has failed: nothing is lost by it now.
  }
  return reallyExit(status);
}

/**
 * The exit status of a run, while programs of a user's run: they could set `process.exitCode` as
 * well, which cannot be refused to them.
 */
export class ExitStatus {
  #ours = process.exitCode;

  set(status: number | undefined): void {
    this.#ours = status;
    process.exitCode = status;
  }

  /** Whether somebody else has set it meanwhile. */
  get isReplaced(): boolean {
    return process.exitCode !== this.#ours;
  }

  /** Makes it what we have set. */
  restore(): void {
    process.exitCode = this.#ours;
  }
}

/**
 * Ends it as soon as what has been printed is written; where it cannot be, `endWhenOutputCloses`
 * says so and ends it.
 */
export function exitWhenWritten(status: number): void {
  process.exitCode = status;
  process.stdout.write('', (failure) => {
    if (!failure) process.stderr.write('', () => exitNow(status));
  });
}
