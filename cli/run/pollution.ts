/**
 * A program that changes what all JavaScript of the process shares changes it for every domain:
 * the run ends when that is seen, which is between two turns, and says what it was. Where the
 * process runs this system alone, most of it cannot be done at all: see `host/intrinsics/`.
 */

import { every, type HostTimer } from '../../host/event-loop.ts';
import { Intrinsics } from '../../host/intrinsics/intrinsics.ts';

const PERIOD_MS = 50;

export interface PollutionWatch {
  /** @returns one line for the user, the first time that something is found */
  look(): string | undefined;
  end(): void;
}

/**
 * @param process 'shared': nothing may be held for good, as other systems run in it later
 * @param onFound called with one line, once
 */
export function watchPollution(
  process: 'own' | 'shared',
  onFound: (line: string) => void,
): PollutionWatch {
  const remembered = new Intrinsics();
  const intrinsics = process === 'own' ? remembered.hold() : remembered;
  let isFound = false;
  const look = (): string | undefined => {
    if (isFound) return undefined;
    const change = intrinsics.change();
    if (change === undefined) return undefined;
    isFound = true;
    const line = `a program has ${change.how} ${change.what}, which all programs share; the run is ended`;
    onFound(line);
    return line;
  };
  const timer: HostTimer = every(PERIOD_MS, look);
  return { look, end: () => timer.cancel() };
}
