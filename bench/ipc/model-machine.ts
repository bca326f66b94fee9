/** The board that models run on: RAM and one of the two clocks, no devices. */

import { Board } from '../../board/board.ts';
import { HostClock } from '../../board/host-clock.ts';
import { VirtualClock } from '../../board/virtual-clock.ts';
import { hostNow } from '../../host/host-time.ts';
import { DEFAULT_COSTS, NO_COSTS } from '../../kernel/cost.ts';
import { Ram } from '../../memory/ram.ts';
import { ModelKernel } from '../../ipc-models/model-kernel.ts';

const RAM_BYTES = 16 * 2 ** 20;

/** @param clock under the host clock time passes by itself and nothing is charged */
export function makeModelKernel(clock: 'virtual' | 'host'): ModelKernel {
  const ram = new Ram({ sizeBytes: RAM_BYTES });
  const board = new Board({
    ram,
    clock: clock === 'virtual' ? new VirtualClock() : new HostClock(hostNow),
  });
  return new ModelKernel({ machine: board, costs: clock === 'virtual' ? DEFAULT_COSTS : NO_COSTS });
}
