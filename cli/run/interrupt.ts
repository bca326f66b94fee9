/** Ctrl-C, and other polite requests to end. The first one ends the run cleanly, a second one at once. */

import { exitNow } from '../exit.ts';
import type { Interrupt } from './drive.ts';

const STATUS_INTERRUPTED = 130;

/** Takes over the signals for the rest of the program's life. */
export function catchInterrupts(): Interrupt {
  const actions: (() => void)[] = [];
  let requested = false;
  const onSignal = (): void => {
    if (requested) exitNow(STATUS_INTERRUPTED);
    requested = true;
    for (const action of actions) action();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  return {
    get requested() {
      return requested;
    },
    onRequest: (action) => void actions.push(action),
  };
}
