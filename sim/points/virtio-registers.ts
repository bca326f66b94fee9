/**
 * The registers of a virtio device as points of faults, between the driver and a device that knows
 * nothing of them: acknowledgements get lost, configuration changes under a reader's hands, the
 * device resets itself, asks for a reset, or is pulled out.
 *
 * Source of the registers: virtio 1.2, section 4.2.2.
 */

import type { Device } from '../../board/device.ts';
import type { VirtioMmio } from '../../board/virtio/mmio.ts';
import { MMIO } from '../../board/virtio/mmio-registers.ts';
import type { Point } from './injector.ts';
import type { PlannedIrqLine, Watchdog } from './irq-line.ts';
import { type Excuse, fault, type FaultKind, type PointKind, within } from './point.ts';
import type { PlannedQueue } from './used-ring.ts';

const ALL_ONES = 0xffff_ffff;
/** Longer than a queue of any device. */
const SIZE_REFUSED = 0x1_0000;

const SETUP_FAULTS: readonly FaultKind[] = [
  fault({
    name: 'small-queue',
    what: 'the device has smaller queues than the driver would like',
    parameters: { bits: within('entries, as a power of two', 'value', 2, 7) },
    chaos: 'often',
  }),
  fault({
    name: 'early-irq',
    what: 'an interrupt comes before DRIVER_OK',
    rows: [45],
    chaos: 'often',
  }),
];
/**
 * @param watchdog without one nobody notices that a device has forgotten everything, or is there
 * again
 */
function deviceFaults(group: string, watchdog: Watchdog): readonly FaultKind[] {
  const isWatched = watchdog === 'watched';
  const unnoticed: readonly Excuse[] = isWatched ? [] : ['progress', 'rest'];
  // The watchdog of a disk bites late, that of a network within what clients are patient for.
  // A disk that was pulled out is given up.
  const back: readonly Excuse[] = group === 'net' && isWatched ? [] : ['progress'];
  const late: readonly Excuse[] = group === 'net' && isWatched ? [] : ['watchdog'];
  // An interrupt that was on its way ends with the device's reset. What it was to tell of stays in
  // the used ring, and a disk's watchdog finds it there; that of a network looks first whether the
  // device has been reset.
  const withIt: readonly Excuse[] = group === 'blk' ? ['interrupt'] : [];
  return [
    fault({
      name: 'needs-reset',
      what: 'the device sets DEVICE_NEEDS_RESET, and tells so',
      trigger: 'moment',
      excuses: ['loss', 'errors'],
      rows: [59],
    }),
    fault({
      name: 'reset',
      what: 'the device resets itself and forgets everything, without a word',
      trigger: 'moment',
      // A driver that knows nothing of it goes on notifying.
      excuses: ['loss', 'errors', 'rules', ...late, ...unnoticed, ...withIt],
      rows: [58],
    }),
    fault({
      name: 'unplug',
      what: 'the device is pulled out: its registers read as all ones; plugged in again when the fault is over',
      trigger: 'moment',
      excuses: ['loss', 'errors', 'rules', ...back, ...withIt],
      rows: [60],
    }),
    fault({
      name: 'vanish',
      what: 'the device is gone: DeviceID reads 0 and its status 0; back when the fault is over',
      trigger: 'moment',
      excuses: ['loss', 'errors', 'rules', ...back, ...withIt],
      rows: [60],
    }),
  ];
}

export function virtioRegisterPoints(
  device: string,
  group: string,
  watchdog: Watchdog = 'unwatched',
): readonly PointKind[] {
  const shared = { group, states: [] };
  return [
    {
      ...shared,
      name: `${device}.ack`,
      what: `acknowledgements of interrupts by the driver of ${device}`,
      opportunity: 'the driver acknowledges an interrupt',
      faults: [
        fault({
          name: 'lose',
          what: 'the acknowledgement does not arrive: the interrupt comes again',
          rows: [44],
        }),
      ],
    },
    {
      ...shared,
      name: `${device}.config`,
      what: `the configuration space of ${device}`,
      opportunity: 'the driver reads a field',
      faults: [
        fault({
          name: 'change',
          what: 'the configuration gets another generation just after the field has been read',
          rows: [64],
          chaos: 'often',
        }),
      ],
    },
    {
      ...shared,
      name: `${device}.setup`,
      what: `the initialisation of ${device} by its driver`,
      opportunity: 'the driver asks how long a queue may be',
      faults: SETUP_FAULTS,
    },
    {
      ...shared,
      name: `${device}.device`,
      what: `${device} as a whole`,
      opportunity: '',
      faults: deviceFaults(group, watchdog),
    },
  ];
}

export interface VirtioRegisterPoints {
  readonly ack: Point;
  readonly config: Point;
  readonly setup: Point;
  readonly device: Point;
}

export interface PlannedRegistersOptions {
  readonly registers: Device;
  readonly transport: VirtioMmio;
  readonly queues: readonly PlannedQueue[];
  readonly line: PlannedIrqLine;
  readonly points: VirtioRegisterPoints;
}

export class PlannedRegisters implements Device {
  readonly #options: PlannedRegistersOptions;
  readonly #registers: Device;
  #gone: '' | 'unplug' | 'vanish' = '';
  /** How long a queue may be, as the driver was told last. */
  #sizeMax = Infinity;

  constructor(options: PlannedRegistersOptions) {
    this.#options = options;
    this.#registers = options.registers;
    options.points.device.perform({
      begin: ({ fault: name }) => this.#begin(name),
      end: ({ fault: name }) => {
        if (name === this.#gone) this.#gone = '';
      },
    });
  }

  /** Without what a plan does to reads: nobody reads. */
  peek(offset: number, width: number): number | undefined {
    const isGone = this.#gone === 'unplug' || this.#gone === 'vanish';
    return isGone ? this.read(offset, width) : this.#registers.peek?.(offset, width);
  }

  read(offset: number, width: number): number {
    if (this.#gone === 'unplug') return ALL_ONES >>> (32 - 8 * width);
    if (this.#gone === 'vanish') return 0;
    const value = this.#registers.read(offset, width);
    const { points, transport, line } = this.#options;
    if (offset >= MMIO.Config) {
      if (points.config.next() !== undefined) transport.configChanged();
    } else if (offset === MMIO.QueueSizeMax) {
      const strike = points.setup.next();
      if (strike?.fault === 'early-irq') line.pulse();
      this.#sizeMax = Infinity;
      if (strike?.fault === 'small-queue') {
        this.#sizeMax = Math.min(value, 2 ** (strike.parameters['bits'] ?? 2));
        return this.#sizeMax;
      }
    }
    return value;
  }

  write(offset: number, value: number, width: number): void {
    if (this.#gone !== '') return;
    if (offset === MMIO.InterruptACK) {
      for (const queue of this.#options.queues) queue.acknowledgementComes();
      if (this.#options.points.ack.next() !== undefined) return;
    }
    if (offset === MMIO.QueueSize && value > this.#sizeMax) {
      // The device behind would take it; one of any size that it has told would not.
      this.#registers.write(offset, SIZE_REFUSED, width);
      return;
    }
    const kicked = offset === MMIO.QueueNotify ? this.#queue(value) : undefined;
    kicked?.kicked();
    this.#registers.write(offset, value, width);
  }

  reset(): void {
    this.#registers.reset();
  }

  snapshot(): Record<string, unknown> {
    return this.#registers.snapshot();
  }

  #queue(index: number): PlannedQueue | undefined {
    return this.#options.queues.find((queue) => queue.index === index);
  }

  #begin(name: string): void {
    const { transport } = this.#options;
    if (name === 'needs-reset') {
      if (transport.live) transport.needsReset();
      return;
    }
    transport.reset();
    if (name === 'unplug' || name === 'vanish') this.#gone = name;
  }
}
