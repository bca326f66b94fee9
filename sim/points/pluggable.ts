/**
 * A device of any kind that can be pulled out while the system runs, for models of one's own: those
 * of virtio devices are in `virtio-registers.ts`.
 */

import type { Device } from '../../board/device.ts';
import type { Point } from './injector.ts';
import { fault, type PointKind } from './point.ts';

const ALL_ONES = 0xffff_ffff;

export function plugPoint(device: string, group: string): PointKind {
  return {
    name: `${device}.plug`,
    group,
    what: `the plug of ${device}`,
    opportunity: '',
    states: [],
    faults: [
      fault({
        name: 'unplug',
        what: 'the device is pulled out: its registers read as all ones; plugged in again, as after power-on, when the fault is over',
        trigger: 'moment',
        excuses: ['loss', 'errors', 'progress'],
        rows: [60],
      }),
    ],
  };
}

export class PluggableDevice implements Device {
  readonly #device: Device;
  #isGone = false;

  constructor(device: Device, point: Point) {
    this.#device = device;
    point.perform({
      begin: () => {
        this.#isGone = true;
        device.reset();
      },
      end: () => {
        this.#isGone = false;
      },
    });
  }

  read(offset: number, width: number): number {
    return this.#isGone ? ALL_ONES >>> (32 - 8 * width) : this.#device.read(offset, width);
  }

  peek(offset: number, width: number): number | undefined {
    return this.#isGone ? this.read(offset, width) : this.#device.peek?.(offset, width);
  }

  write(offset: number, value: number, width: number): void {
    if (!this.#isGone) this.#device.write(offset, value, width);
  }

  reset(): void {
    this.#device.reset();
  }

  snapshot(): Record<string, unknown> {
    return { plugged: this.#isGone ? 'no' : 'yes', ...this.#device.snapshot() };
  }
}
