/**
 * What the page and an engine say to each other. The engine is a worker of the page, or a run of
 * `sddf` at the other end of a WebSocket: the page does not care.
 */

import type { Rule } from '../../sim/plan/plan.ts';
import type { PointKind } from '../../sim/points/point.ts';
import type { FollowedPath } from '../../systems/trace/packet-path.ts';
import type { CampaignView } from './campaign-view.ts';
import type { FileListing } from './disk-files.ts';
import type { Judgement } from './judgement.ts';
import type { InputData, Moment, Scenario, StepUnit } from './scenario.ts';
import type { TimelineView } from './timeline.ts';
import type { WorldView } from './world-view.ts';

export interface LoadRequest {
  readonly kind: 'load';
  readonly scenario: Scenario;
  readonly moment?: Moment;
  /** Files of one's own that are no text, and in no link. */
  readonly binaries?: Readonly<Record<string, Uint8Array>>;
}

/** Runs the scenario again, to see who does not return; said in `begins`. */
export interface ProbeRequest extends Omit<LoadRequest, 'kind' | 'moment'> {
  readonly kind: 'probe';
  /** Up to here all was well. */
  readonly fromNs: number;
  readonly untilNs: number;
}

/** What the page asks for; a live run takes nothing. */
export type Request =
  | LoadRequest
  | ProbeRequest
  /** @property speed seconds of virtual time in a second */
  | { readonly kind: 'play'; readonly speed: number }
  | { readonly kind: 'pause' }
  | { readonly kind: 'step'; readonly unit: StepUnit; readonly by: 1 | -1 }
  | { readonly kind: 'seek'; readonly moment: Moment }
  | { readonly kind: 'input'; readonly input: InputData }
  /** From now on, this may go wrong. */
  | { readonly kind: 'break'; readonly rule: Rule }
  /** Follows the frame of this number, on a run of its own. */
  | { readonly kind: 'path'; readonly packet: number }
  /** Records up to now, for Perfetto. */
  | { readonly kind: 'trace' }
  | { readonly kind: 'capabilities'; readonly pd: string }
  | { readonly kind: 'blocks'; readonly disk: number; readonly block: number }
  /** Of a disk: a directory, or a file. */
  | { readonly kind: 'files'; readonly disk: number; readonly path: string }
  /** Who had the processor in the last stretch of virtual time. */
  | { readonly kind: 'timeline'; readonly lastNs: number }
  /** Worlds of this system, by seeds: a campaign. */
  | { readonly kind: 'hunt'; readonly from: number; readonly count: number }
  | { readonly kind: 'stop hunt' }
  /** Of a campaign: the failure that this seed has shown first. */
  | { readonly kind: 'open'; readonly seed: number }
  /** What `sddf run --clock virtual --for … --json` prints: of a run of its own. */
  | { readonly kind: 'report'; readonly forNs: number };

/**
 * What an engine can do; 'again': it cannot go back, but the page's own engine has the same run.
 */
export type Ability = 'time' | 'faults' | 'console' | 'frames' | 'oracles' | 'links' | 'again';

export interface SystemInfo {
  readonly name: string;
  readonly summary: string;
  /** All that can be loaded in its place; none in a live run. */
  readonly systems: readonly { readonly name: string; readonly summary: string }[];
  /** The graph, in Graphviz's language. */
  readonly dot: string;
  readonly domains: readonly { readonly name: string; readonly priority: number }[];
  readonly uarts: readonly string[];
  readonly nics: number;
  readonly disks: number;
  /** What is on them at first. */
  readonly content: 'nothing' | 'fat';
  readonly guests: readonly { readonly pd: string; readonly ip: string; readonly mac: string }[];
  readonly points: readonly PointKind[];
  readonly options: readonly {
    readonly name: string;
    readonly help: string;
    readonly choices: readonly string[];
    readonly value: string;
  }[];
  readonly abilities: readonly Ability[];
  /** Of a live run that nobody can run again: why, as a sentence. */
  readonly whyNotBack?: string;
}

/** Who has done something while time passes: little, since it is said for each picture. */
export interface Pulse {
  readonly timeNs: number;
  readonly counts: Readonly<Record<StepUnit, number>>;
  /** Kernel entries of each domain, in the order of {@link SystemInfo.domains}. */
  readonly entries: ArrayLike<number>;
  /** Signals from a domain to another one, row by row; the monitor is the last of them. */
  readonly signals: ArrayLike<number>;
}

export interface CapabilityRow {
  readonly slot: string;
  readonly type: string;
  readonly object: string;
  readonly rights: string;
  readonly badge: string;
}

export type Answer =
  | { readonly kind: 'loaded'; readonly info: SystemInfo; readonly scenario: Scenario }
  | { readonly kind: 'view'; readonly view: WorldView; readonly playing: boolean }
  /** While time passes, between two views. */
  | { readonly kind: 'pulse'; readonly pulse: Pulse }
  /** One more request has been seen to; said for each. */
  | { readonly kind: 'done' }
  /** Something begins that may never end: the last one said is who owes an answer; '' nobody. */
  | { readonly kind: 'begins'; readonly what: string }
  /** Of a probe: all has returned. */
  | { readonly kind: 'probed' }
  /** The engine runs to a moment that is far: it has come so far. */
  | { readonly kind: 'on its way'; readonly timeNs: number }
  /** The world was made anew: what consoles and log have shown is void. */
  | { readonly kind: 'anew' }
  | { readonly kind: 'console'; readonly uart: number; readonly bytes: Uint8Array }
  | { readonly kind: 'log'; readonly pd: string; readonly line: string; readonly timeNs: number }
  | { readonly kind: 'frame'; readonly bytes: Uint8Array; readonly timeNs: number }
  /** What a person has done is part of the run from now on. */
  | { readonly kind: 'scenario'; readonly scenario: Scenario }
  | { readonly kind: 'path'; readonly path: FollowedPath }
  | { readonly kind: 'trace'; readonly json: string }
  | {
      readonly kind: 'capabilities';
      readonly pd: string;
      readonly rows: readonly CapabilityRow[];
    }
  | {
      readonly kind: 'blocks';
      readonly disk: number;
      readonly block: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'files'; readonly disk: number; readonly listing: FileListing }
  | { readonly kind: 'timeline'; readonly timeline: TimelineView }
  /** Of a tested world, from its beginning to its end. */
  | {
      readonly kind: 'judged';
      readonly judgement: Judgement;
      /** Whether it came out as in the failure file, byte for byte; undefined without one. */
      readonly isSame: boolean | undefined;
    }
  | { readonly kind: 'campaign'; readonly campaign: CampaignView }
  | { readonly kind: 'report'; readonly json: string }
  /** Of a live run: what a page that is slow has not been shown. */
  | { readonly kind: 'dropped'; readonly frames: number }
  | { readonly kind: 'failed'; readonly text: string };
