/**
 * A program that changes what all JavaScript of the process shares changes it for every domain:
 * the run ends when that is seen, which is between two turns, and says what it was. With `--harden`
 * most of it cannot be done at all: see `host/intrinsics/`.
 */

import { every, type HostTimer } from '../../host/event-loop.ts';
import { type Change, Intrinsics } from '../../host/intrinsics/intrinsics.ts';
import { UserMistake } from '../../host/problem.ts';
import type { ExitStatus } from '../exit.ts';

const PERIOD_MS = 50;

/**
 * @param whose how a message calls the module that is loaded
 * @returns its exports
 * @throws UserMistake when it changes, while it is loaded, what all programs share; that is undone
 */
export async function loadUnchanging<Exports>(
  whose: string,
  load: () => Promise<Exports>,
): Promise<Exports> {
  const intrinsics = new Intrinsics();
  try {
    return await load();
  } finally {
    refuseChange(intrinsics, `${whose} has`, 'while it was loaded');
  }
}

/** The same for what a module does when it is called. */
export function callUnchanging<Value>(whose: string, when: string, action: () => Value): Value {
  const intrinsics = new Intrinsics();
  try {
    return action();
  } finally {
    refuseChange(intrinsics, `${whose} has`, when);
  }
}

function refuseChange(intrinsics: Intrinsics, who: string, when: string): void {
  const change = intrinsics.change();
  if (change === undefined) return;
  intrinsics.restore();
  const { how, what } = change;
  throw new UserMistake(`${who} ${how} ${what} ${when}, which all programs share`);
}

export interface PollutionWatch {
  /** @returns one line for the user, the first time that something is found */
  look(): string | undefined;
  end(): void;
}

/**
 * @param intrinsics 'constant': nothing of them can be replaced from now on, in this process, for
 * good; that costs a fifth of the speed of a data path
 * @param status of the command, which a program may have set
 * @param onFound called with one line, once
 */
export function watchPollution(
  intrinsics: 'watched' | 'constant',
  status: ExitStatus,
  onFound: (line: string) => void,
): PollutionWatch {
  const remembered = new Intrinsics();
  const held = intrinsics === 'constant' ? remembered.hold() : remembered;
  let isFound = false;
  const look = (): string | undefined => {
    if (isFound) return undefined;
    const change = held.change() ?? replacedStatus(status);
    if (change === undefined) return undefined;
    isFound = true;
    held.restore(); // for whoever prints the summary
    status.restore();
    const line = `a program has ${change.how} ${change.what}, which all programs share; the run is ended`;
    onFound(line);
    return line;
  };
  const timer: HostTimer = every(PERIOD_MS, look);
  return { look, end: () => timer.cancel() };
}

function replacedStatus(status: ExitStatus): Change | undefined {
  return status.isReplaced ? { what: 'process.exitCode', how: 'replaced' } : undefined;
}
