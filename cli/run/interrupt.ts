/**
 * Ctrl-C, and other polite requests to end. The first one ends the run cleanly, a second one at
 * once.
 */

import { Watched } from '../../host/watch/watched.ts';
import { exitNow } from '../exit.ts';
import type { Interrupt } from './drive.ts';

const STATUS_INTERRUPTED = 130;

export interface CaughtInterrupts extends Interrupt {
  /** Who watches the run and hears its signals, if somebody does. */
  readonly watched: Watched | undefined;
}

/** Takes over the signals for the rest of the program's life. */
export function catchInterrupts(): CaughtInterrupts {
  const actions: (() => void)[] = [];
  let requested = false;
  const request = (): void => {
    if (requested) return;
    requested = true;
    for (const action of actions) action();
  };
  const watched = Watched.fromEnvironment(request);
  const onSignal = (): void => {
    // Ctrl-C reaches supervisor and engine: of a second one, the supervisor knows.
    if (requested && watched === undefined) exitNow(STATUS_INTERRUPTED);
    request();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  return {
    watched,
    get requested() {
      return requested || watched?.isAsked === true;
    },
    onRequest: (action) => void actions.push(action),
  };
}
