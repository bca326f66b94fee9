/** Boots a testbed's kernel with its programs, and learns whether the system could be built. */

import type { Board } from '../board/board.ts';
import { boot, type BootOptions, type Kernel } from '../kernel/boot.ts';
import { type CostTable, NO_COSTS } from '../kernel/cost.ts';
import type { Machine } from '../kernel/machine.ts';
import type { HartThread, MachineCode } from '../kernel/user.ts';
import type { ImagePlans } from '../microkit/elf/plan.ts';
import {
  type BootObserver,
  initialiser,
  rootCNodeSizeBits,
} from '../microkit/initialiser/initialiser.ts';
import type { BoardLack } from '../microkit/initialiser/root-task.ts';
import type { SystemDescription } from '../microkit/model.ts';
import { monitorImage } from '../microkit/monitor/monitor.ts';
import type { DebugOutput } from '../microkit/runtime/debug-output.ts';
import { PdImage } from '../microkit/runtime/image.ts';
import type { MachineDomain } from '../microkit/runtime/machine-program.ts';
import { entryAddress, freshEntryAddress, IMAGE_BASE } from '../microkit/slots.ts';
import type { TestbedObserver } from './observer.ts';
import { TestbedError } from './testbed-error.ts';
import type { TestbedOptions } from './testbed-options.ts';
import type { Instrument } from './trace/observer.ts';

/** Boot is run in steps of this long, so that it can be seen to end. */
const BOOT_STEP_NS = 1_000_000;
/**
 * Under the host clock: what a domain pays for one stretch, at most. A slice of machine code is a
 * quarter of it, and most handlers take far less. What is longer is the host's: a translation,
 * other processes. A domain that has 100 µs of each 400 µs would pay for a second of that with
 * four.
 */
const LONGEST_CHARGE_NS = 2_000_000;

/** What the initialiser has said so far. */
export interface BootStatus {
  kind: 'building' | 'built' | 'failed';
  line: string;
  lack: BoardLack | undefined;
}

export function bootKernel(
  parts: {
    readonly board: Board;
    readonly machine: Machine;
    readonly costs: CostTable;
    readonly system: SystemDescription;
    readonly plans: ImagePlans;
    readonly status: BootStatus;
    readonly observer: TestbedObserver;
    readonly debug: DebugOutput;
    readonly fastPath: 'on' | 'off';
    readonly instrument: Instrument | undefined;
    readonly onCreate: TestbedOptions['onCreate'] | undefined;
    readonly watched: Pick<BootOptions, 'runningEntry' | 'onOverdue' | 'onOutside'>;
  },
  images: readonly (PdImage | MachineDomain)[],
): Kernel {
  const { board, system, plans, status, observer, debug } = parts;
  const monitor = monitorImage({
    names: images.map((image) => image.name),
    log: (line) => observer.log('monitor', line),
    faulted: (pd, fault) => {
      debug.flush(pd);
      for (const line of hartLines(images, pd, observer)) observer.log('monitor', line);
      observer.faulted?.(pd, fault);
    },
  });
  const { ram } = parts.machine;
  const ramEnd = ram.base + ram.sizeBytes;
  const initial = { system, plans, observer: bootObserverOf(status), ramEnd };
  return boot({
    machine: parts.machine,
    rootTask: (bootInfo) => initialiser(initial, bootInfo),
    images: [...images, monitor].flatMap((image, index) => {
      if ('kind' in image && image.kind === 'machine code') return [];
      const started = parts.instrument?.observe(image, index) ?? image;
      const usual = { entry: entryAddress(index), image: started };
      if (!(image instanceof PdImage)) return [usual];
      return [usual, { entry: freshEntryAddress(index), image: image.fresh(started) }];
    }),
    linkedAt: IMAGE_BASE,
    ...(plans.size === 0 ? {} : { machineCode: machineCodeOf(images, parts.instrument) }),
    onDebugChar: (name, code) => debug.putChar(name, code),
    ramIsClear: true,
    rootCNodeSizeBits: rootCNodeSizeBits(system, plans),
    fastPath: parts.fastPath,
    // Under the host clock time passes by itself.
    ...(board.clock.kind === 'host'
      ? { costs: NO_COSTS, longestChargeNs: LONGEST_CHARGE_NS }
      : { costs: parts.costs }),
    ...(parts.onCreate === undefined ? {} : { onCreate: parts.onCreate }),
    ...parts.watched,
  });
}

/** What the monitor's report of a fault does not have: it sees the message only. */
function hartLines(
  images: readonly (PdImage | MachineDomain)[],
  pd: string,
  observer: TestbedObserver,
): readonly string[] {
  const image = images.find(({ name }) => name === pd);
  if (image?.kind !== 'machine code') return [];
  const { program } = image;
  const lineOf = (address: number): string | undefined =>
    program.image.hasLines ? observer.lineOf?.(program, address) : undefined;
  return image.describe(lineOf).map((line) => `MON|ERROR: ${line}`);
}

/**
 * The initialiser has told the kernel the names of threads whose program is machine code. A
 * TypeScript program stays one, also when its description maps memory for execution where it
 * begins.
 */
function machineCodeOf(
  images: readonly (PdImage | MachineDomain)[],
  instrument: Instrument | undefined,
): (thread: HartThread) => MachineCode | undefined {
  const starts = new Map<string, (thread: HartThread) => MachineCode>();
  images.forEach((image, index) => {
    if (image.kind !== 'machine code') return;
    const start = (thread: HartThread): MachineCode => image.start(thread);
    starts.set(image.name, instrument?.observeMachineCode?.(start, index) ?? start);
  });
  return (thread) => starts.get(thread.name)?.(thread);
}

/** Runs the initialiser to its end. @throws TestbedError when it could not build the system */
export function finishBoot(kernel: Kernel, board: Board, system: string, status: BootStatus): void {
  while (status.kind === 'building') {
    const outcome = kernel.run(board.now() + BOOT_STEP_NS);
    if (outcome === 'idle' && status.kind === 'building') {
      throw new TestbedError('the initialiser stopped before the system was built');
    }
  }
  if (status.kind === 'failed') {
    const size = `${board.ram.sizeBytes / 2 ** 20} MiB of RAM`;
    const where = status.lack === 'memory' ? ` in the board's ${size}` : '';
    throw new TestbedError(
      `system '${system}' cannot be built: ${status.line}${where}`,
      status.lack,
    );
  }
}

function bootObserverOf(status: BootStatus): BootObserver {
  return {
    systemBuilt: () => {
      status.kind = 'built';
    },
    bootFailed: (line, lack) => {
      status.kind = 'failed';
      status.line = line;
      status.lack = lack;
    },
  };
}
