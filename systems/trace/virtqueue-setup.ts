/**
 * Where the virtqueues of a virtio device lie: from what its driver has written to its registers.
 * Virtual I/O Device (VIRTIO) 1.2, 4.2.2 for the registers, 5.1.2, 5.2.2 and 5.3.2 for the queues
 * of each device.
 */

const QUEUE_SEL = 0x30;
const QUEUE_NUM = 0x38;
export const QUEUE_READY = 0x44;
const QUEUE_DRIVER_LOW = 0x90;
const QUEUE_DEVICE_LOW = 0xa0;

/** Longer ones are not a virtqueue: 2.7. */
const CAPACITY_MAX = 32_768;

export interface Virtqueue {
  /** Such as "virtio_net transmit virtqueue". */
  readonly name: string;
  readonly carries: 'data' | 'empty buffers';
  readonly capacity: number;
  /** Physical addresses of the available and of the used ring. */
  readonly driverArea: number;
  readonly deviceArea: number;
}

type VirtqueueKind = Pick<Virtqueue, 'name' | 'carries'>;

const RECEIVE: VirtqueueKind = { name: 'receive virtqueue', carries: 'empty buffers' };
const TRANSMIT: VirtqueueKind = { name: 'transmit virtqueue', carries: 'data' };
const REQUEST: VirtqueueKind = { name: 'request virtqueue', carries: 'data' };

/** By the beginning of the device's name on the bus; the virtqueues by their number. */
const DEVICES: readonly (readonly [string, readonly VirtqueueKind[]])[] = [
  ['virtio_net', [RECEIVE, TRANSMIT]],
  ['virtio_blk', [REQUEST]],
  ['virtio_console', [RECEIVE, TRANSMIT]],
];

/** @returns what the virtqueues of a device are for; undefined when it has none */
export function virtqueuesOf(device: string): readonly VirtqueueKind[] | undefined {
  return DEVICES.find(([name]) => device.startsWith(name))?.[1];
}

/**
 * The virtqueue that a driver makes ready.
 *
 * @param written what it has last written to each register, by address / 4
 * @returns undefined when it takes the queue away, or when there is no such queue
 */
export function writtenVirtqueue(
  device: string,
  kinds: readonly VirtqueueKind[],
  written: Int32Array,
): Virtqueue | undefined {
  const register = (offset: number): number => (written[offset / 4] ?? 0) >>> 0;
  const kind = kinds[register(QUEUE_SEL)];
  const capacity = register(QUEUE_NUM);
  if (register(QUEUE_READY) !== 1 || kind === undefined || capacity > CAPACITY_MAX)
    return undefined;
  return {
    name: `${device} ${kind.name}`,
    carries: kind.carries,
    capacity,
    driverArea: register(QUEUE_DRIVER_LOW),
    deviceArea: register(QUEUE_DEVICE_LOW),
  };
}

const REGISTER_BYTES = 0x100;

/** Watches what drivers write to the registers of their devices for where the virtqueues are. */
export class VirtqueueWatch {
  /** By the device's number; of those that have virtqueues. */
  readonly #devices = new Map<
    number,
    {
      readonly name: string;
      readonly kinds: readonly VirtqueueKind[];
      readonly written: Int32Array;
    }
  >();

  mapped(device: number, name: string): void {
    const kinds = virtqueuesOf(name);
    if (kinds === undefined) return;
    this.#devices.set(device, { name, kinds, written: new Int32Array(REGISTER_BYTES / 4) });
  }

  /** @returns the virtqueue that this makes ready, if it does */
  written(device: number, offset: number, value: number): Virtqueue | undefined {
    const known = this.#devices.get(device);
    if (known === undefined || offset >= REGISTER_BYTES || (offset & 3) !== 0) return undefined;
    known.written[offset >>> 2] = value;
    if (offset !== QUEUE_READY) return undefined;
    return writtenVirtqueue(known.name, known.kinds, known.written);
  }
}
