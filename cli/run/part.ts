/**
 * What an option brings to a run by code of its own: it watches, changes or replaces some of it. To
 * add one, write its module and name it in `parts.ts`. Commands that watch a run, such as
 * `sddf trace`, bring such a watch too.
 */

import type { Kernel } from '../../kernel/boot.ts';
import type { FileUse } from '../../host/file-use.ts';
import type { Program } from '../../microkit/pd.ts';
import type { Rule } from '../../sim/plan/plan.ts';
import type { Instrument } from '../../systems/trace/observer.ts';
import type { Testbed, TestbedOptions, WireParts, Wires } from '../../systems/testbed.ts';
import type { OptionTable, RawOptions } from '../option.ts';
import type { Terminal } from '../terminal.ts';
import type { RunOptions } from './options.ts';
import type { RunResult } from '../../systems/run-report.ts';
import type { LoadedSystem } from './loaded-system.ts';

/** A run that a debugger holds in the middle of anything. */
export interface DebuggedRun {
  /** Called once the run can be ended, before its world is made. */
  readonly begin: (run: {
    /** Has a run that sleeps look. */
    readonly wake: () => void;
    /** Whether the run is to end: asked while it is held. */
    readonly isEnding: () => boolean;
    /** Called while it is held: it stands still on purpose. */
    readonly beat: () => void;
  }) => void;
  /** From now on: a run that is begun again would not be the same. */
  readonly cannotGoBack: (why: string) => void;
  /** For how long it has been held so far, in all its runs. */
  readonly heldNs: () => number;
  /** Called now and then between turns. */
  readonly look: () => void;
  /** The run is over, and can be looked at. */
  readonly ended: (testbed: Testbed, why: string) => void;
}

export interface RunPart {
  readonly options: OptionTable;
  /** Which commands have its options: `sddf run` alone, or all that run a system. */
  readonly commands: 'run' | 'all';
  /**
   * Asked before the system is loaded.
   *
   * @returns what it does in a run; undefined when none of its options was given
   * @throws UserMistake
   */
  parse(raw: RawOptions, run: RunOptions): StartWatch | undefined | Promise<StartWatch | undefined>;
}

/** Asked once the system is known; it may load code that few runs need. @throws UserMistake */
export type StartWatch = (run: WatchedRun) => RunWatch | Promise<RunWatch>;

export interface WatchedRun {
  /** What is to go wrong besides: told to a run that is begun again, by who debugs it. */
  readonly injected: Rule[];
  readonly loaded: LoadedSystem;
  readonly options: RunOptions;
  readonly terminal: Terminal;
}

/** Everything is optional: a watch has what it needs. */
export interface RunWatch {
  /** The host's files that it reads and writes. */
  readonly files?: readonly FileUse[];
  /** Further options of the testbed. */
  readonly testbed?: Partial<
    Pick<
      TestbedOptions,
      'onCreate' | 'fastPath' | 'sampling' | 'debugger' | 'coverage' | 'bulk' | 'translations'
    >
  >;
  /**
   * Told of the kernel before it runs, and of the testbed once its programs have run their init.
   */
  readonly booted?: (kernel: Kernel) => void;
  readonly made?: (testbed: Testbed) => void;
  /** It may hold the run, and have it begun again by throwing `Rewound`. */
  readonly debugged?: DebuggedRun;
  /**
   * The parts that the testbed is made of.
   *
   * @param inner those of the watches before this one; undefined when they are plain ones
   */
  readonly instrument?: (inner: Instrument | undefined) => Instrument;
  /** Programs in place of the usual ones, by domain. */
  readonly programs?: (usual: ReadonlyMap<string, Program>) => ReadonlyMap<string, Program>;
  /** Wraps what the devices are plugged into. */
  readonly wires?: (wires: Wires, parts: WireParts) => Wires;
  /**
   * Told of each line that a domain, or the monitor, prints.
   * @returns 'drop' when nobody shall see it
   */
  readonly log?: (pd: string, line: string) => 'keep' | 'drop';
  /** Takes the place of the run, once the system has booted. */
  readonly instead?: (testbed: Testbed) => Promise<void>;
  /** The run ends when this says so, besides the other reasons. */
  readonly isOver?: () => boolean;
  /**
   * What it has counted, by a name of its own: is printed with what the attachments have counted.
   */
  readonly counters?: () => Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Called after the run, before what it has counted is printed. */
  readonly finish?: (result: RunResult) => void;
  /** Takes the place of the counters at the end. */
  readonly report?: (result: RunResult) => void;
  /**
   * Called however the run has ended.
   *
   * @param failed status of a command whose run has not come to its end
   */
  readonly close?: (failed?: number) => void | Promise<void>;
}
