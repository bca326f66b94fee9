/** A board whose parts are points of faults: it gives devices lines and wires that the plan can reach. */

import { Board, type BoardOptions } from '../../board/board.ts';
import type { IrqLine } from '../../board/device.ts';
import type { Injector } from './injector.ts';
import { plannedIrqLine } from './irq-line.ts';
import type { SimDevice } from './system-points.ts';

export class PlannedBoard extends Board {
  readonly #injector: Injector;
  readonly #devices: readonly SimDevice[];

  constructor(options: BoardOptions, injector: Injector, devices: readonly SimDevice[]) {
    super(options);
    this.#injector = injector;
    this.#devices = devices;
  }

  override irqLine(irq: number): IrqLine {
    const line = super.irqLine(irq);
    const device = this.#devices.find((each) => each.irq === irq);
    if (device === undefined) return line;
    const point = this.#injector.point(`${device.name}.irq`);
    return point.isPlanned ? plannedIrqLine(line, point, this.clock) : line;
  }
}
