/** The board of a world, on which the oracles see where drivers lay their virtqueues. */

import type { BoardOptions, Place } from '../../board/board.ts';
import type { BusRange } from '../../board/bus.ts';
import type { Injector } from '../points/injector.ts';
import { PlannedBoard } from '../points/planned-board.ts';
import type { SimDevice } from '../points/system-points.ts';
import type { SystemMemory } from './system-memory.ts';

export class WatchedBoard extends PlannedBoard {
  readonly #memory: SystemMemory;

  constructor(
    options: BoardOptions,
    injector: Injector,
    devices: readonly SimDevice[],
    memory: SystemMemory,
  ) {
    super(options, injector, devices);
    this.#memory = memory;
  }

  override attach(
    name: string,
    place: Pick<Place, 'base' | 'sizeBytes'>,
    device: BusRange['device'],
  ): void {
    super.attach(name, place, this.#memory.watch(name, device));
  }
}
