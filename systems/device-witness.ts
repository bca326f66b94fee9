/**
 * Who breaks the rules of a device: the thread that runs, when it shows in a register access, else
 * the domain that the description gives the device's registers.
 */

import type { Board } from '../board/board.ts';
import type { Culprit, Witness } from '../board/lint.ts';
import { flatten, type SystemDescription } from '../microkit/model.ts';
import type { PdImage } from '../microkit/runtime/image.ts';
import type { MachineDomain } from '../microkit/runtime/machine-program.ts';
import type { MachineProgram } from '../microkit/runtime/machine-program.ts';

/** What is known of a running system. */
export interface WitnessedSystem {
  readonly system: SystemDescription;
  readonly board: Board;
  readonly images: readonly (PdImage | MachineDomain)[];
  /** Name of the thread that runs. */
  readonly runningThread: () => string;
  /** File and line of an address in a domain's image, where they can be found out. */
  readonly lineOf: (program: MachineProgram, address: number) => string | undefined;
}

const PC = 0;

/** @param known asked when a rule is broken: undefined while the system is not booted */
export function deviceWitness(known: () => WitnessedSystem | undefined): Witness {
  return {
    accessor: () => {
      const running = known();
      return running === undefined ? {} : accessor(running);
    },
    owner: (device) => {
      const running = known();
      return running === undefined ? {} : owner(running, device);
    },
  };
}

function accessor({ images, runningThread, lineOf }: WitnessedSystem): Culprit {
  const domain = runningThread();
  const image = images.find(({ name }) => name === domain);
  if (image === undefined) return {};
  if (image.kind !== 'machine code' || image.hart === undefined) return { domain };
  const address = image.hart.registerAsNumber(PC);
  const line = lineOf(image.program, address);
  return { domain, pc: `0x${address.toString(16)}`, ...(line === undefined ? {} : { line }) };
}

function owner({ system, board }: WitnessedSystem, device: string): Culprit {
  const range = board.bus.ranges.find(({ name }) => name === device);
  if (range === undefined) return {};
  const base = BigInt(range.base);
  const end = base + BigInt(range.sizeBytes);
  const regions = new Set(
    system.regions
      .filter(({ physAddr = 0n, size }) => physAddr < end && physAddr + size > base)
      .map(({ name }) => name),
  );
  const driver = flatten(system).find(({ pd }) =>
    pd.maps.some(({ region }) => regions.has(region)),
  );
  return driver === undefined ? {} : { domain: driver.pd.name };
}
