/** A signal to the command's own process. */

const kill = process.kill.bind(process);

/**
 * Ends the process as the signal does where nobody listens. It goes by what was taken before any
 * module of a user's was loaded: those find `process.kill` refused (cli/own-process.ts, which loads
 * this file first).
 */
export function raise(signal: NodeJS.Signals): void {
  kill(process.pid, signal);
}
