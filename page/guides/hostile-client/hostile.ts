/**
 * A client that breaks every rule that its memory lets it break: whenever it runs, it writes random
 * numbers over its own queues, and signals its peers.
 */

import type { EntryPoints, ProtectionDomain } from 'sddf-testbed/microkit';
import type { EchoConfig } from 'sddf-testbed/clients/echo/echo';

const WRITES = 40;
/** Indices, flag and the first entries of a queue. */
const QUEUE_BYTES = 136;

export function hostile(pd: ProtectionDomain<EchoConfig>): EntryPoints {
  const { rx, tx } = pd.config.net;
  const names = [rx.freeQueue, rx.activeQueue, tx.freeQueue, tx.activeQueue];
  const queues = names.map((name) => pd.region(name));
  let state = 1;

  /** The same numbers each time: a run can be run again. */
  function random(below: number): number {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  }

  function attack(): void {
    for (let write = 0; write < WRITES; write += 1) {
      const queue = queues[random(queues.length)];
      queue?.write16(2 * random(QUEUE_BYTES / 2), random(0x1_0000));
    }
    pd.notify(rx.channel);
    pd.notify(tx.channel);
  }

  attack();
  return { notified: attack };
}
