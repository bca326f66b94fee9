/** What a testbed is made of: the description, and what a run may have besides. */

import type { Board } from '../board/board.ts';
import type { DeviceRules } from '../board/device.ts';
import type { Random } from '../board/random.ts';
import type { BootOptions, Kernel } from '../kernel/boot.ts';
import type { KernelObject } from '../kernel/objects/objects.ts';
import type { Ram } from '../memory/ram.ts';
import type { SystemDescription } from '../microkit/model.ts';
import type { Program } from '../microkit/pd.ts';
import type { HartSampling } from '../microkit/runtime/machine-code.ts';
import type { BulkCalls, HartCoverage, HartDebugger } from '../microkit/runtime/machine-program.ts';
import type { MachinePrograms } from '../microkit/runtime/machine-program.ts';
import type { EngineKind } from '../riscv/engine.ts';
import type { Translations } from '../riscv/translator/translations.ts';
import type { Wires } from './attached-devices.ts';
import type { ProgramCounterNames } from './counter-names.ts';
import type { TestbedObserver } from './observer.ts';
import type { RunCosts } from './run-costs.ts';
import type { Instrument } from './trace/observer.ts';

/** What a wire is made of. */
export interface WireParts {
  readonly ram: Ram;
  readonly board: Board;
  readonly random: Random;
}

export interface TestbedOptions {
  readonly system: SystemDescription;
  readonly clock: 'virtual' | 'host';
  /** Seeds everything that draws numbers; 0 unless told. */
  readonly seed?: number;
  readonly wires?: (parts: WireParts) => Wires;
  /** Puts further devices on the board. */
  readonly attachDevices?: (board: Board) => void;
  readonly observer?: TestbedObserver;
  /**
   * Programs by domain name, in place of what the description has, or where it names a path only.
   */
  readonly programs?: ReadonlyMap<string, Program>;
  /** Machine code by domain name: these domains run it, and no TypeScript program. */
  readonly images?: MachinePrograms;
  /** What executes machine code: makes no difference but in speed; 'auto' unless told. */
  readonly engine?: EngineKind;
  /** What calls of an image's `memcpy` and its like are: 'at once' unless told. */
  readonly bulk?: BulkCalls;
  /**
   * What devices do when a driver breaks a rule that they can do without: 'lenient' unless told.
   */
  readonly rules?: DeviceRules;
  /** Kept from testbed to testbed, images need not be translated again. */
  readonly translations?: Translations;
  /** Looks at machine code now and then, for profiles. */
  readonly sampling?: HartSampling;
  /** Executes machine code in place of the usual engines, and may hold the run: see `debug/`. */
  readonly debugger?: HartDebugger;
  /** Notes what machine code executes; then `bulk` is to be 'executed'. */
  readonly coverage?: HartCoverage;
  /** Names of the counters that programs keep in their `stats` regions. */
  readonly counters?: ProgramCounterNames;
  /**
   * The kernel's fast path makes no difference but in speed: 'off' to follow the general path,
   * which is the specification.
   */
  readonly fastPath?: 'on' | 'off';
  /** Observes the run: see `trace/`. */
  readonly instrument?: Instrument;
  /**
   * Virtual clock: what work costs, programs' work too; the kernel's alone, and standard, unless
   * told. Of no effect under the host clock, where time passes by itself.
   */
  readonly costs?: RunCosts;
  /**
   * Told of the kernel before it runs: programs run their `init` while the testbed is being made.
   */
  readonly onBoot?: (kernel: Kernel) => void;
  /** For whoever watches the run from another thread: see `KernelOptions`. */
  readonly watched?: Pick<BootOptions, 'runningEntry' | 'onOverdue'>;
  /** Told of every kernel object made, from the initial thread's on: for dumps. */
  readonly onCreate?: (object: KernelObject) => void;
  /**
   * Bytes of RAM; a multiple of 64 KiB. Unless told, 128 MiB, or 1792 MiB for a system with machine
   * code or with memory at addresses above that.
   */
  readonly ramBytes?: number;
  /**
   * Bytes of the staging area behind RAM, for disks in memory for instance; a multiple of 64 KiB,
   * 16 MiB unless told.
   */
  readonly stagingBytes?: number;
  /** The memory itself, in place of both sizes: as after power-on, so new or cleared. */
  readonly ram?: Ram;
}
