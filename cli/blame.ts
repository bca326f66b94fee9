/** Errors that end a command, also from a worker process of it: the user's, or a bug of ours. */

import { DeviceFailure } from '../board/device-failure.ts';
import { UserMistake } from '../host/problem.ts';
import { thrownText } from '../memory/thrown-text.ts';
import { userBlame } from '../systems/exception-text.ts';
import { ObserverFailure } from '../systems/observer.ts';

/** @returns what whoever reports a bug of ours has to say */
export function bugText(error: unknown): string {
  const isOf = error instanceof DeviceFailure || error instanceof ObserverFailure;
  const bug = isOf ? error.cause : error;
  const stack = bug instanceof Error ? bug.stack : undefined;
  return stack ?? thrownText(bug);
}

/** Why a worker process cannot go on, as it tells its command. */
export interface WorkerProblem {
  readonly kind: 'failed';
  readonly problem: string;
  readonly whose: "the user's" | 'ours';
}

/** In the worker: of what was thrown there. */
export function problemOf(error: unknown): WorkerProblem {
  const mistake = error instanceof UserMistake ? error.message : userBlame(error);
  return mistake === undefined
    ? { kind: 'failed', problem: bugText(error), whose: 'ours' }
    : { kind: 'failed', problem: mistake, whose: "the user's" };
}

/** In the command: what it throws for it. */
export function errorOf({ problem, whose }: WorkerProblem): Error {
  return whose === 'ours' ? new Error(`in a worker process: ${problem}`) : new UserMistake(problem);
}
