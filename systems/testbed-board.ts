/** The board of a testbed: how much memory it has, which clock, and who is told of broken rules. */

import { Board, type BoardOptions } from '../board/board.ts';
import { HostClock } from '../board/host-clock.ts';
import { LintLog } from '../board/lint.ts';
import { VirtualClock } from '../board/virtual-clock.ts';
import { hostNow } from '../host/host-time.ts';
import { Ram, RAM_BASE } from '../memory/ram.ts';
import { deviceWitness, type WitnessedSystem } from './device-witness.ts';
import type { TestbedOptions } from './testbed-options.ts';

const RAM_BYTES = 0x800_0000;
/**
 * As the board has it, less what the staging area needs: pages that nobody touches cost nothing.
 */
const RAM_BYTES_MAX = 0x7000_0000;
/** RAM and staging together: see `memory/ram.ts`. */
const MEMORY_BYTES_MAX = 0x7fff_0000;
const STAGING_BYTES = 0x100_0000;

export function makeBoard(
  options: TestbedOptions,
  witnessed: () => WitnessedSystem | undefined,
): Board {
  const ram = options.ram ?? makeMemory(options);
  const clock = options.clock === 'virtual' ? new VirtualClock() : new HostClock(hostNow);
  const { costs, instrument, observer } = options;
  const witness = deviceWitness(witnessed);
  const lint = new LintLog({ witness, onFirst: (entry) => observer?.noted?.(entry) });
  const boardOptions: BoardOptions = {
    ram,
    clock,
    lint,
    ...(options.rules === undefined ? {} : { rules: options.rules }),
    ...(costs === undefined ? {} : { deviceLatencyNs: costs.deviceLatencyNs }),
  };
  return instrument?.makeBoard(boardOptions) ?? new Board(boardOptions);
}

function makeMemory(options: TestbedOptions): Ram {
  const stagingBytes = options.stagingBytes ?? STAGING_BYTES;
  return new Ram({
    sizeBytes: options.ramBytes ?? ramBytesFor(options, stagingBytes),
    stagingBytes,
    // Whoever watches or disturbs a run is to find each step, unless he wants none.
    batches: options.instrument === undefined ? 'wasm' : (options.instrument.batches ?? 'steps'),
  });
}

/** Programs in TypeScript need little, and RAM that is small is easier to look through. */
function ramBytesFor({ system, images }: TestbedOptions, stagingBytes: number): number {
  const isAbove = system.regions.some(
    ({ physAddr = 0n, size }) =>
      physAddr >= BigInt(RAM_BASE) && physAddr + size > BigInt(RAM_BASE + RAM_BYTES),
  );
  if ((images === undefined || images.size === 0) && !isAbove) return RAM_BYTES;
  return Math.min(RAM_BYTES_MAX, MEMORY_BYTES_MAX - stagingBytes);
}
