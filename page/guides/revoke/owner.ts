/** Gives a worker a slice of time and takes it away again, by the capability to its thread. */

import type { EntryPoints, ProtectionDomain } from 'sddf-testbed/microkit';

/** Slot of this domain's CSpace, as the system fills it. */
export const WORKER_TCB = 1;

export function main(pd: ProtectionDomain<{ readonly worker: number }>): EntryPoints {
  const worker = pd.userTcb(WORKER_TCB);
  pd.log('I let the worker work');
  pd.notify(pd.config.worker);
  pd.log(`I suspend the worker: ${worker.suspend() === 0 ? 'done' : 'refused'}`);
  pd.notify(pd.config.worker);
  pd.log('the worker has a signal, and did not run');
  pd.log(`I resume the worker: ${worker.resume() === 0 ? 'done' : 'refused'}`);
  return { notified: () => undefined };
}
