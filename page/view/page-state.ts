/** What the page knows of its run: plain data, which all of its parts are drawn of. */

import type { CapabilityRow, SystemInfo } from '../engine/protocol.ts';
import { FIRST_SCENARIO, type OwnSystem, type Scenario } from '../engine/scenario.ts';
import type { CampaignView } from '../engine/campaign-view.ts';
import type { FileListing } from '../engine/disk-files.ts';
import type { Judgement } from '../engine/judgement.ts';
import type { TimelineView } from '../engine/timeline.ts';
import type { WorldView } from '../engine/world-view.ts';
import type { FollowedPath } from '../../systems/trace/packet-path.ts';
import type { Guide } from '../guides/guide.ts';
import type { GuideName } from '../guides/names.ts';
import type { LinkMode, Shared } from '../share/link.ts';
import { STANDARD_SPEED } from '../share/opening.ts';

export interface LogLine {
  readonly pd: string;
  readonly line: string;
  readonly timeNs: number;
}

/** What plots are drawn of. */
export interface Sample {
  readonly timeNs: number;
  readonly packets: number;
  readonly roundTripNs: number;
  /** Entries in queues that carry something, and in each queue. */
  readonly queued: number;
  readonly depths: readonly number[];
}

export interface ChosenGuide extends Guide {
  readonly name: GuideName;
}

export interface PageState {
  readonly scenario: Scenario;
  readonly mode: LinkMode;
  readonly info: SystemInfo | undefined;
  readonly view: WorldView | undefined;
  /** The latest moment that was seen of this run. */
  readonly seenNs: number;
  readonly playing: boolean;
  readonly samples: readonly Sample[];
  readonly log: readonly LogLine[];
  readonly frames: readonly { readonly timeNs: number; readonly bytes: Uint8Array }[];
  readonly path: FollowedPath | undefined;
  readonly capabilities:
    | { readonly pd: string; readonly rows: readonly CapabilityRow[] }
    | undefined;
  readonly blocks:
    | { readonly disk: number; readonly block: number; readonly bytes: Uint8Array }
    | undefined;
  readonly files: { readonly disk: number; readonly listing: FileListing } | undefined;
  readonly timeline: TimelineView | undefined;
  readonly judged:
    | { readonly judgement: Judgement; readonly isSame: boolean | undefined }
    | undefined;
  readonly campaign: CampaignView | undefined;
  readonly dropped: number;
  /** What has gone wrong with the page itself, or with what was asked; a line each. */
  readonly problem: string | undefined;
  /** Virtual seconds in a second, when time passes. */
  readonly speed: number;
  /** A link with programs of somebody's, which waits for a click. */
  readonly brought: Shared | undefined;
  /** A link has led to this moment, and nobody has done anything since. */
  readonly isLedHere: boolean;
  /** Files of one's own that have been changed, and not run yet. */
  readonly draft: OwnSystem | undefined;
  /** Files that are no text, for a system of one's own. */
  readonly binaries: Readonly<Record<string, Uint8Array>>;
  /** The program that did not return, such as `driver, in notified(0)`. */
  readonly culprit: string | undefined;
  /** How far an engine is that runs to a moment. */
  readonly onItsWayNs: number | undefined;
  /** The guided example that is followed. */
  readonly guide: ChosenGuide | undefined;
}

export const EMPTY: PageState = {
  scenario: FIRST_SCENARIO,
  mode: 'whole',
  info: undefined,
  view: undefined,
  seenNs: 0,
  playing: false,
  speed: STANDARD_SPEED,
  brought: undefined,
  isLedHere: false,
  samples: [],
  log: [],
  frames: [],
  path: undefined,
  capabilities: undefined,
  blocks: undefined,
  files: undefined,
  timeline: undefined,
  judged: undefined,
  campaign: undefined,
  dropped: 0,
  problem: undefined,
  draft: undefined,
  binaries: {},
  culprit: undefined,
  onItsWayNs: undefined,
  guide: undefined,
};
