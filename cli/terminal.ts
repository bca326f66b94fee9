/**
 * What the command line writes, and where: results on standard output, everything else on standard
 * error. When standard output carries a capture or JSON, people's text moves to standard error.
 */

import { exitNow } from './exit.ts';

export interface Terminal {
  /** A line of the result. */
  print(line: string): void;
  /** A line about what happens: progress, notices, errors. */
  note(line: string): void;
  /**
   * Shows a line that the next one replaces. Where the output is not a terminal, one in
   * {@link LOGGED_EVERY_MS} goes to standard error, so that a long run in CI is seen to live.
   */
  live(line: string): void;
  readonly isLive: boolean;
  /** File descriptor of where people's text goes. */
  readonly stream: 1 | 2;
}

/** Milliseconds of the host between two lines of progress in a log. */
export const LOGGED_EVERY_MS = 30_000;

/** Ends the present line of a terminal to its right: what a longer line before has left there. */
const CLEAR_TO_END = '\u001b[K';

/** @param people where people's text goes */
export function openTerminal(people: 'stdout' | 'stderr'): Terminal {
  const stream = people === 'stdout' ? process.stdout : process.stderr;
  const isLive = stream.isTTY;
  let isLivePending = false;
  let loggedAt = performance.now();
  const endLive = (): void => {
    if (isLivePending) stream.write(`\r${CLEAR_TO_END}`);
    isLivePending = false;
  };
  const note = (line: string): void => {
    endLive();
    process.stderr.write(`${withoutControls(line)}\n`);
  };
  const log = (line: string): void => {
    if (performance.now() - loggedAt < LOGGED_EVERY_MS) return;
    loggedAt = performance.now();
    note(line);
  };
  return {
    isLive,
    stream: people === 'stdout' ? 1 : 2,
    print: (line) => {
      endLive();
      stream.write(`${withoutControls(line)}\n`);
    },
    note,
    live: (line) => {
      if (!isLive) return log(line);
      const width = stream.columns > 0 ? stream.columns - 1 : 79;
      stream.write(`\r${withoutControls(line).slice(0, width)}${CLEAR_TO_END}`);
      isLivePending = true;
    },
  };
}

/** Everything that a terminal obeys instead of showing it, but tabs and line ends. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * Text for a terminal: what would move its cursor, colour it or clear it is shown as `\x1b`,
 * wherever it is from (a program, a disk, a file's name).
 */
export function withoutControls(text: string): string {
  return text.replaceAll(
    CONTROLS,
    (each) => `\\x${each.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/**
 * As {@link withoutControls}, and a line that is not the first begins further right, so that it
 * cannot pass for somebody else's.
 */
export function printable(text: string): string {
  return withoutControls(text).replaceAll(/\n(?! )/g, '\n    ');
}

const EXIT_MISTAKE = 2;

/**
 * A reader of our output that goes away (`sddf list | head -1`) ends the program quietly; output
 * that cannot be written, as on a full disk, with one line.
 */
export function endWhenOutputCloses(): void {
  process.stdout.on('error', (error: Error) => {
    if ('code' in error && error.code === 'EPIPE') exitNow(0);
    console.error(`sddf: standard output: ${error.message}`);
    exitNow(EXIT_MISTAKE);
  });
  // Where there is nothing to say it on, the exit status alone tells.
  process.stderr.on('error', (error: Error) => {
    exitNow('code' in error && error.code === 'EPIPE' ? 0 : EXIT_MISTAKE);
  });
}
