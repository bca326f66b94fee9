/**
 * What a run in the page is: all that it depends on. The same scenario gives the same run, byte for
 * byte, so that a link has nothing else in it, and going back is running again.
 */

export interface Scenario {
  /** Name of a ready-made system; of the one that {@link own} was made from, or its own. */
  readonly system: string;
  /** A system that is not ready-made: it runs in the place of one. */
  readonly own?: OwnSystem;
  /** Choices for its options; standard ones for those left out. */
  readonly choices: Readonly<Record<string, string>>;
  readonly seed: number;
  /**
   * 'loop': the traffic generator is at the NIC's cable; 'hand': nobody but who uses the page;
   * 'test': at every device somebody asks who knows what has to come of it, as in `sddf sim`, and
   * oracles judge at the end.
   */
  readonly net: 'loop' | 'hand' | 'test';
  /** With 'test'. */
  readonly test?: TestedTraffic;
  /** The generator's frames in a second; a gigabit link's unless told. */
  readonly rate?: number;
  /** Bytes of a frame of the generator. */
  readonly frame?: number;
  /** Bytes of RAM; the testbed's own size unless told. */
  readonly ramBytes?: number;
  /** What goes wrong: a plan as JSON (`sim/plan/plan.ts`); empty when nothing does. */
  readonly plan: string;
  /** What a person has done, in the order of time. */
  readonly inputs: readonly Input[];
}

/** A system as files: text of one's own, which a link carries. */
export interface OwnSystem {
  /** The file that describes the system: a module (`.ts`), or a description (`.system`). */
  readonly main: string;
  readonly files: Readonly<Record<string, string>>;
}

/** What a world of `sddf sim` is made of besides system, plan and seed: see `WorldOptions`. */
export interface TestedTraffic {
  readonly amount?: number;
  readonly forNs?: number;
  /** The order of events, as failure files have it. */
  readonly decisions?: string;
  readonly invariantsEvery?: number;
  readonly bulk?: 'executed';
}

/** A disk is small here: its blocks are looked at. No FAT file system has 8 MiB exactly. */
export const DISK_BYTES = 16 * 1024 * 1024;

/** Something from outside, at a time of the run. */
export type Input = { readonly atNs: number } & InputData;

export type InputData =
  | { readonly kind: 'frame'; readonly bytes: readonly number[] }
  | { readonly kind: 'typed'; readonly uart: number; readonly bytes: readonly number[] };

export const FIRST_SCENARIO: Scenario = {
  system: 'echo',
  choices: {},
  seed: 0,
  net: 'loop',
  rate: 2000,
  plan: '',
  inputs: [],
};

/** A moment of a run: a time between two events, or the n-th of something since power-on. */
export type Moment =
  | { readonly kind: 'time'; readonly timeNs: number }
  | { readonly kind: StepUnit; readonly count: number };

/**
 * 'entry': a program enters the kernel; 'event': a device raises its interrupt; 'packet': the NIC
 * takes a frame from the wire.
 */
export type StepUnit = 'entry' | 'event' | 'packet';

export const STEP_UNITS: readonly StepUnit[] = ['entry', 'event', 'packet'];
