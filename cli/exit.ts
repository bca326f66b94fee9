/** Ending the process: for the command alone. */

/**
 * Ends it at once. Taken before any module of a user's is loaded: those find {@link forbidExit} in
 * its place.
 */
export const exitNow: (status: number) => never = process.exit.bind(process);

/**
 * While code of a user's runs, `process.exit` is a mistake like others: the command would end
 * without a word, as if all was well.
 *
 * @param mistake what it throws instead
 * @returns what ends this
 */
export function forbidExit(mistake: () => Error): () => void {
  const before = Object.getOwnPropertyDescriptor(process, 'exit');
  process.exit = () => {
    throw mistake();
  };
  return () => {
    if (before !== undefined) Object.defineProperty(process, 'exit', before);
  };
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
