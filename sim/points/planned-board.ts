/**
 * A board whose parts are points of faults: it gives devices lines, queues and registers that the
 * plan can reach.
 */

import { Board, type BoardOptions, type Place } from '../../board/board.ts';
import type { BusRange } from '../../board/bus.ts';
import type { Device, IrqLine } from '../../board/device.ts';
import { OpenTitanI2c } from '../../board/i2c/opentitan-i2c.ts';
import type { DeviceQueueOptions } from '../../board/virtio/device-queue-options.ts';
import type { DeviceQueue } from '../../board/virtio/device-queue.ts';
import { VirtioMmio } from '../../board/virtio/mmio.ts';
import { planClock } from './clock-point.ts';
import { PlannedDma } from './dma-window.ts';
import { planI2cBus } from './i2c-bus.ts';
import type { Injector, Point } from './injector.ts';
import { PlannedIrqLine } from './irq-line.ts';
import type { SimDevice } from './system-points.ts';
import { PlannedQueue } from './used-ring.ts';
import { PlannedRegisters } from './virtio-registers.ts';

/** What one virtio device is made of, as far as it has been made. */
interface VirtioParts {
  transport: VirtioMmio | undefined;
  dma: PlannedDma | undefined;
  readonly queues: PlannedQueue[];
}

const REGISTER_POINTS = ['ack', 'config', 'setup', 'device'];

export class PlannedBoard extends Board {
  readonly #injector: Injector;
  readonly #devices: readonly SimDevice[];
  readonly #lines = new Map<number, PlannedIrqLine>();
  readonly #plain = new Map<number, IrqLine>();
  readonly #virtio = new Map<string, VirtioParts>();

  constructor(options: BoardOptions, injector: Injector, devices: readonly SimDevice[]) {
    super(options);
    this.#injector = injector;
    this.#devices = devices;
  }

  override irqLine(irq: number): IrqLine {
    const device = this.#devices.find((each) => each.irq === irq);
    if (device === undefined) return super.irqLine(irq);
    const hasEarly = device.queues.length > 0 && this.#point(`${device.name}.setup`).isPlanned;
    const isPlanned = hasEarly || this.#point(`${device.name}.irq`).isPlanned;
    return isPlanned ? this.#plannedLine(device) : this.#plainLine(irq);
  }

  override makeDeviceQueue(boardName: string, options: DeviceQueueOptions): DeviceQueue {
    const device = this.#devices.find((each) => each.boardName === boardName);
    const name = device?.queues[options.index];
    const { owner } = options;
    if (device === undefined || name === undefined || !(owner instanceof VirtioMmio)) {
      return super.makeDeviceQueue(boardName, options);
    }
    const parts = this.#partsOf(boardName);
    parts.transport = owner;
    const struck = { ...options, dma: this.#dma(device, parts, options) };
    const point = this.#point(`${name}.ring`);
    if (!point.isPlanned) return super.makeDeviceQueue(boardName, struck);
    const queue = new PlannedQueue(struck, { point, clock: this.clock, transport: owner });
    parts.queues.push(queue);
    return queue;
  }

  override attach(
    name: string,
    place: Pick<Place, 'base' | 'sizeBytes'>,
    device: BusRange['device'],
  ): void {
    super.attach(name, place, this.#planned(name, device));
  }

  #planned(name: string, registers: BusRange['device']): BusRange['device'] {
    const device = this.#devices.find((each) => each.boardName === name);
    if (device === undefined || !isDevice(registers)) return registers;
    if (device.class === 'timer') {
      planClock(registers, this.#point(`${device.name}.clock`));
      return registers;
    }
    if (registers instanceof OpenTitanI2c) {
      planI2cBus(registers.bus, device.name, this.#injector);
      return registers;
    }
    const { transport, queues } = this.#partsOf(name);
    const [ack, config, setup, whole] = REGISTER_POINTS.map((each) =>
      transport === undefined ? undefined : this.#point(`${device.name}.${each}`),
    );
    if (transport === undefined || !ack || !config || !setup || !whole) return registers;
    const points = { ack, config, setup, device: whole };
    const isPlanned = Object.values(points).some((point) => point.isPlanned);
    if (!isPlanned && queues.length === 0) return registers;
    const line = this.#plannedLine(device);
    return new PlannedRegisters({ registers, transport, queues, line, points });
  }

  #dma(device: SimDevice, parts: VirtioParts, { dma, ram }: DeviceQueueOptions) {
    const point = this.#point(`${device.name}.dma`);
    if (!point.isPlanned) return dma;
    parts.dma ??= new PlannedDma(dma, ram, point);
    return parts.dma;
  }

  #plannedLine({ irq, name }: SimDevice): PlannedIrqLine {
    const known = this.#lines.get(irq);
    if (known !== undefined) return known;
    const line = new PlannedIrqLine(this.#plainLine(irq), this.#point(`${name}.irq`), this.clock);
    this.#lines.set(irq, line);
    return line;
  }

  /** The board gives each line once; the registers of a device may have to reach it as well. */
  #plainLine(irq: number): IrqLine {
    const known = this.#plain.get(irq);
    if (known !== undefined) return known;
    const line = super.irqLine(irq);
    this.#plain.set(irq, line);
    return line;
  }

  #partsOf(boardName: string): VirtioParts {
    const known = this.#virtio.get(boardName);
    if (known !== undefined) return known;
    const parts: VirtioParts = { transport: undefined, dma: undefined, queues: [] };
    this.#virtio.set(boardName, parts);
    return parts;
  }

  #point(name: string): Point {
    return this.#injector.point(name);
  }
}

function isDevice(device: BusRange['device']): device is Device {
  return 'reset' in device && 'snapshot' in device;
}
