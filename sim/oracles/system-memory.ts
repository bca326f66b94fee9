/**
 * A system's memory as the oracles look at it: from outside, by the names of regions, at any moment
 * between two runs of the processor. Where a region lies is learnt from a thread that maps it, when
 * that starts.
 */

import type { BusRange } from '../../board/bus.ts';
import type { HartThread, MachineCode, ProgramImage, UserThread } from '../../kernel/user.ts';
import type { Ram } from '../../memory/ram.ts';
import { flatten, type PdDescription, type SystemDescription } from '../../microkit/model.ts';
import { locateRegion, type RegionPlace } from '../../systems/trace/queue-probes.ts';
import {
  QUEUE_READY,
  type Virtqueue,
  virtqueuesOf,
  writtenVirtqueue,
} from '../../systems/trace/virtqueue-setup.ts';
import { replaceMethod } from '../../memory/replace-method.ts';

const STATUS = 0x70;
const REGISTER_BYTES = 0x100;

export class SystemMemory {
  readonly system: SystemDescription;
  readonly #pds: ReadonlyMap<string, PdDescription>;
  readonly #threads = new Map<string, UserThread>();
  readonly #places = new Map<string, RegionPlace>();
  /** By name; those of a device that is not set up are not there. */
  readonly virtqueues = new Map<string, Virtqueue>();

  constructor(system: SystemDescription) {
    this.system = system;
    this.#pds = new Map(flatten(system).map(({ pd }) => [pd.name, pd]));
  }

  /** The same program; its thread is remembered when it starts. */
  observe(image: ProgramImage): ProgramImage {
    return {
      name: image.name,
      start: (thread) => {
        this.#threads.set(image.name, thread);
        return image.start(thread);
      },
    };
  }

  /** The same program, in machine code. */
  observeMachineCode(
    name: string,
    start: (thread: HartThread) => MachineCode,
  ): (thread: HartThread) => MachineCode {
    return (thread) => {
      this.#threads.set(name, thread);
      return start(thread);
    };
  }

  /** The same device; where its driver lays the virtqueues is written down. */
  watch(name: string, device: BusRange['device']): BusRange['device'] {
    const kinds = virtqueuesOf(name);
    if (kinds === undefined) return device;
    const written = new Int32Array(REGISTER_BYTES / 4);
    const write = device.write.bind(device);
    replaceMethod(device, 'write', (offset, value, width) => {
      write(offset, value, width);
      if (offset >= REGISTER_BYTES || (offset & 3) !== 0) return;
      written[offset >>> 2] = value;
      if (offset === STATUS && value === 0) this.#forget(name);
      if (offset !== QUEUE_READY) return;
      const queue = writtenVirtqueue(name, kinds, written);
      if (queue !== undefined) this.virtqueues.set(queue.name, queue);
    });
    return device;
  }

  /** @returns where a region lies; undefined when nobody who has started maps it */
  region(name: string): RegionPlace | undefined {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    for (const [pdName, thread] of this.#threads) {
      const pd = this.#pds.get(pdName);
      const place = pd === undefined ? undefined : locateRegion(this.system, pd, name, thread);
      if (place === undefined) continue;
      this.#places.set(name, place);
      return place;
    }
    return undefined;
  }

  /**
   * Indices of a virtqueue: what its driver has made available, and up to where it has taken what
   * was used.
   */
  virtqueueIndices(queue: Virtqueue, ram: Ram): VirtqueueIndices | undefined {
    const [driverAt, deviceAt] = [queue.driverArea - ram.base, queue.deviceArea - ram.base];
    const ringBytes = 4 + 2 * queue.capacity;
    if (driverAt < 0 || deviceAt < 0) return undefined;
    if (Math.max(driverAt, deviceAt) + ringBytes + 2 > ram.sizeBytes) return undefined;
    return {
      available: ram.view.getUint16(driverAt + 2, true),
      used: ram.view.getUint16(deviceAt + 2, true),
      // 2.7.7: a driver that asks for an interrupt at the next used buffer writes here which one
      // that is.
      usedEvent: ram.view.getUint16(driverAt + ringBytes, true),
    };
  }

  #forget(device: string): void {
    for (const name of this.virtqueues.keys()) {
      if (name.startsWith(`${device} `)) this.virtqueues.delete(name);
    }
  }
}

export interface VirtqueueIndices {
  readonly available: number;
  readonly used: number;
  readonly usedEvent: number;
}
