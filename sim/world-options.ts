/** What a world is made of, and what comes out of it. */

import type { EthernetWire } from '../board/ethernet.ts';
import type { BulkCalls, HartCoverage } from '../microkit/runtime/machine-program.ts';
import type { Oracle } from '../systems/oracle.ts';
import type { Testbed, TestbedOptions, WireParts } from '../systems/testbed.ts';
import type { Instrument } from '../systems/trace/observer.ts';
import type { Exploration } from './explore/exploration.ts';
import type { ChoicePoint, Decision } from './explore/explorer.ts';
import type { Plan } from './plan/plan.ts';
import type { Strike } from './points/point.ts';
import type { Violation } from './traffic/workload.ts';
import type { WorldMemory } from './world-memory.ts';

/** The system of a world: as a testbed takes it. */
export type WorldSystem = Pick<
  TestbedOptions,
  'system' | 'counters' | 'programs' | 'images' | 'translations' | 'attachDevices'
> & {
  /** What must hold of this system besides what holds of all. */
  readonly oracles?: readonly Oracle[];
  /** Kept from world to world; each has new memory without. It makes no difference but in speed. */
  readonly memory?: WorldMemory;
};

export interface WorldOptions {
  readonly target: WorldSystem;
  readonly plan: Plan;
  readonly seed: number;
  /** Questions, requests or lines in all; 500 unless told. */
  readonly amount?: number;
  /** Ends the traffic and the faults at this time at the latest, ns. */
  readonly forNs?: number;
  /** Seeds the chances of the plan alone; `seed` unless told. */
  readonly faultSeed?: number;
  /** How orders are chosen; a world without has no points of choice. */
  readonly explore?: Exploration;
  /**
   * All of the kernel's invariants are looked at after so many kernel entries; at the end of some
   * worlds only, unless told.
   */
  readonly invariantsEvery?: number;
  /** Told of each point of choice: whose it is. */
  readonly onPoint?: (domain: string) => void;
  /** An observer; it changes nothing. */
  readonly watch?: WorldWatch;
  /** What calls of an image's `memcpy` and its like are: as for a testbed. */
  readonly bulk?: BulkCalls;
  /**
   * The world ends here, ns, if it has not before: nothing is asked of it, and its outcome is what
   * was seen so far.
   */
  readonly untilNs?: number;
}

/** Observers of a world. They change nothing: the outcome is the same, byte for byte. */
export interface WorldWatch {
  /** Made around the parts that the world is made of. */
  readonly instrument?: (inner: Instrument) => Instrument;
  /** Around the cable, as the NIC sees it. */
  readonly net?: (wire: EthernetWire, parts: WireParts) => EthernetWire;
  /** Told of what programs print. */
  readonly onLog?: (pd: string, line: string) => void;
  /** Notes what machine code executes; then the world's `bulk` is to be 'executed'. */
  readonly coverage?: HartCoverage;
  /** The world is over; its memory may be the next one's. */
  readonly over?: () => void;
  /** A debugger, which may hold the world at any moment: see `debug/`. */
  readonly debugged?: DebuggedWorldOptions;
  /**
   * Told of each strike before it has its effect.
   * @param state what is going on, a sentence for each thing
   * @param about what it strikes, such as a certain frame; empty where there is nothing to say
   */
  readonly onStrike?: (strike: Strike, state: () => readonly string[], about: string) => void;
  /** Told of each point of choice at which time passes, and how much, ns. */
  readonly onDecision?: (point: ChoicePoint, ns: number) => void;
}

export interface DebuggedWorldOptions extends Pick<
  TestbedOptions,
  'debugger' | 'onCreate' | 'onBoot'
> {
  readonly made: (testbed: Testbed) => void;
  /**
   * Whether an error only means that the debugger leaves this run: then it is no failure of the
   * world.
   */
  readonly isLeft: (error: unknown) => boolean;
}

export interface WorldOutcome {
  readonly seed: number;
  /** 'void': a planned fault never struck, or nothing was asked, so the world proves nothing. */
  readonly verdict: 'passed' | 'failed' | 'void';
  readonly violations: readonly Violation[];
  readonly strikes: readonly Strike[];
  /** Points of choice, and what was decided there; none without exploration. */
  readonly points: number;
  readonly decisions: readonly Decision[];
  /** Rules that never struck, by their place in the plan. */
  readonly neverStruck: readonly string[];
  readonly timeNs: number;
  readonly kernelEntries: number;
  readonly traffic: Readonly<Record<string, number>>;
  /**
   * Whether anything was asked of the system: by traffic that we have for its devices, or by
   * oracles of its own.
   */
  readonly asked: 'something' | 'nothing';
}
