/**
 * The memory of worlds: each has the one before's, cleared, because a new one costs more than a
 * whole world (its pages are made and zeroed by the operating system one by one). It is as large as
 * the system needs, so that it is soon looked through.
 */

import { type Batches, Ram, RAM_BASE } from '../memory/ram.ts';
import { flatten, type SystemDescription } from '../microkit/model.ts';
import type { MachinePrograms } from '../microkit/runtime/machine-program.ts';
import type { TestbedOptions } from '../systems/testbed.ts';

const MIB = 0x10_0000;
/**
 * The initialiser's own, and what one protection domain needs besides its regions: page tables,
 * stack, TCB.
 */
const SYSTEM_BYTES = 2 * MIB;
const PD_BYTES = 0x2_0000;
/** Of a segment, besides its bytes. */
const IMAGE_PAGES_BYTES = 0x8000;
/** Large regions lie at multiples of their size, so that there are gaps between them. */
const GAPS = 1.5;
/** Frames in flight, and what devices keep. */
const STAGING_BYTES = 4 * MIB;
const RAM_BYTES_MAX = 1792 * MIB;

/** Of worlds that are run one after the other. */
export class WorldMemory {
  readonly #batches: Batches;
  #ram: Ram | undefined;

  /** @param batches by steps unless told: faults change single ones */
  constructor(batches: Batches = 'steps') {
    this.#batches = batches;
  }

  /** @returns a RAM as after power-on; whatever ran in the last one must be gone */
  take({ system, images }: Pick<TestbedOptions, 'system' | 'images'>): Ram {
    const sizeBytes = worldRamBytes(system, images);
    if (this.#ram?.sizeBytes === sizeBytes) this.#ram.clear();
    else this.#ram = new Ram({ sizeBytes, stagingBytes: STAGING_BYTES, batches: this.#batches });
    return this.#ram;
  }
}

/**
 * A function of the description and its images alone, as all of a world is: where things lie
 * depends on it.
 */
export function worldRamBytes(
  system: SystemDescription,
  images: MachinePrograms = new Map(),
): number {
  const ram = BigInt(RAM_BASE);
  const regionBytes = system.regions.reduce((sum, { size }) => sum + Number(size), 0);
  const ends = system.regions.map(({ physAddr = 0n, size }) => Number(physAddr + size - ram));
  const needed =
    SYSTEM_BYTES + flatten(system).length * PD_BYTES + imageBytes(images) + GAPS * regionBytes;
  const bytes = Math.max(needed, ...ends.map((end) => (end > 0 ? end + needed : 0)));
  return Math.min(Math.ceil(bytes / MIB) * MIB, RAM_BYTES_MAX);
}

/** Segments in whole pages, with the tables of their address space. */
function imageBytes(images: MachinePrograms): number {
  const segments = [...images.values()].flatMap(({ image }) => image.segments);
  return segments.reduce((sum, { memoryBytes }) => sum + memoryBytes + IMAGE_PAGES_BYTES, 0);
}
