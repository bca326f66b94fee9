/** An owner with a capability to another domain's thread. */

import { system } from 'sddf-testbed/microkit';
import { main as ownerMain, WORKER_TCB } from './owner.ts';
import { main as workerMain } from './worker.ts';

export function build() {
  const sys = system({ name: 'slices' });
  const worker = sys.pd('worker', { program: workerMain, priority: 20 });
  const owner = sys.pd('owner', { program: ownerMain, priority: 10 });
  const channel = sys.channel(owner, worker);
  owner.configure(() => ({ worker: channel.a.value }));
  owner.cap('tcb', WORKER_TCB, worker);
  return sys.build();
}
