/**
 * What a person is told of an exception that a program has thrown: the error, and where in the
 * program it was.
 */

import { DeviceFailure } from '../board/device-failure.ts';
import { Misuse } from '../memory/misuse.ts';
import { thrownText } from '../memory/thrown-text.ts';

const FRAMES_MAX = 5;
/** Rooms that call programs, or refuse what they do: their frames say nothing about the program. */
const OWN = ['kernel', 'microkit', 'board', 'systems', 'host', 'cli', 'memory'];
/** Where most of them stand together, and no program: scripts/bundle-start.mjs. */
const CORE = 'start/core.js';
/** Where this file is in the package; -1 in a page, whose bundle has all of us in one folder. */
const PLACE = import.meta.url.lastIndexOf('systems/');
/** The folder of this package, as stacks name it. */
const ROOT = pathOf(
  import.meta.url.slice(0, PLACE < 0 ? import.meta.url.lastIndexOf('/') + 1 : PLACE),
);

/**
 * @returns the error and, a line each, the frames of the program, as ` at name (file:line:column)`
 */
export function exceptionText(error: unknown): string {
  return told(() => textOf(error)) ?? 'threw something that cannot be shown';
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${thrownText(error)}`;
  const frames = framesOf(error);
  const ofProgram = frames.filter((line) => !isOwn(line));
  // What a program may not do, its message says; where in the testbed that was found, nobody asks.
  const shown = ofProgram.length > 0 || error instanceof Misuse ? ofProgram : frames;
  return [`${error.name}: ${error.message}`, ...shown.slice(0, FRAMES_MAX)].join('\n');
}

/**
 * @returns file and line of the first frame outside this package; undefined when all of it is ours,
 * or nothing is known
 */
export function userFrame(error: unknown): string | undefined {
  return told(() => {
    if (!(error instanceof Error)) return undefined;
    const frame = framesOf(error).find((line) => !line.includes(ROOT));
    return /([^ (]+:\d+):\d+\)?$/.exec(frame ?? '')?.[1];
  });
}

/**
 * @returns what a device model of the user's, or a file outside this package, has done, and where
 * in it; undefined when the error is one of ours
 */
export function userBlame(error: unknown): string | undefined {
  return told(() => (error instanceof DeviceFailure ? deviceBlame(error) : thrownByUser(error)));
}

function deviceBlame(error: DeviceFailure): string | undefined {
  const where = userFrame(error.cause);
  if (where !== undefined) return `${error.message} (${where})`;
  // Ours throw errors only, and stand behind no guard.
  return error.isGuests || !(error.cause instanceof Error) ? error.message : undefined;
}

/** File, line and message of an error that a file outside this package has thrown itself. */
function thrownByUser(error: unknown): string | undefined {
  if (!(error instanceof Error) || framesOf(error)[0]?.includes(ROOT) !== false) return undefined;
  const where = userFrame(error);
  return where === undefined ? undefined : `${where}: ${error.message.split('\n')[0] ?? ''}`;
}

/** What is thrown may itself throw when it is looked at: a proxy, a getter. */
function told<Text>(look: () => Text): Text | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** A stack whose files are called as they are on disk, not for which domain they were loaded. */
export function stackOf(error: Error): string {
  const stack: unknown = error.stack;
  if (typeof stack !== 'string') return '';
  return stack.replaceAll(/[?]domain=[\w.%-]+(?=:\d)/g, '');
}

function framesOf(error: Error): readonly string[] {
  return (
    stackOf(error)
      .split('\n')
      .filter((line) => /^ +at /.test(line))
      .map((line) => line.replace('file://', ''))
      // Node's own, and code without a file: its address would be the code itself.
      .filter((line) => !/[( ](?:node:|data:)/.test(line))
  );
}

/**
 * As `fileURLToPath`, which a browser does not have; there a root has the page's host before it.
 */
function pathOf(url: string): string {
  return decodeURIComponent(url.replace('file://', ''));
}

function isOwn(frame: string): boolean {
  if (PLACE < 0) return frame.includes(ROOT);
  return OWN.some((room) => frame.includes(`${ROOT}${room}/`)) || frame.includes(`${ROOT}${CORE}:`);
}
