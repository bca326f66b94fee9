/**
 * What can go wrong at a place of the board or of the system: declared as data, so that lists, checks of a plan, random
 * plans and documents have one source.
 */

/** What an oracle may not blame on the system once this fault has struck. */
export type Excuse =
  /** Frames, requests or characters may be missing. */
  | 'loss'
  /** They may come twice. */
  | 'repetition'
  /** Their order may differ. */
  | 'order'
  /** Their contents may differ. */
  | 'contents'
  /** Requests may be answered with an error. */
  | 'errors'
  /** Nothing may move at this device any more, even when the fault is over. */
  | 'progress'
  /** What was made durable may be lost. */
  | 'durability'
  /** Buffers may be lost or be in two places. */
  | 'ledger'
  /** A domain may be faulted or stopped. */
  | 'domain-fault'
  /** What waits may wait until something else happens: a wake-up is gone. */
  | 'rest'
  /** A driver may have been made to break its device's rules. */
  | 'rules';

export interface ParameterKind {
  readonly what: string;
  readonly unit: 'ns' | 'bytes' | 'count' | 'sectors' | 'value';
  readonly min: number;
  readonly max: number;
  /** What it is when a rule does not say; a range is drawn from for each strike. */
  readonly standard: number | { readonly min: number; readonly max: number };
}

export interface FaultKind {
  readonly name: string;
  /** One plain sentence. */
  readonly what: string;
  /** 'opportunity': strikes when something passes. 'moment': strikes at a time, and may be taken back. */
  readonly trigger: 'opportunity' | 'moment';
  readonly parameters: Readonly<Record<string, ParameterKind>>;
  readonly excuses: readonly Excuse[];
  /** Row numbers of the fault catalogue, docs/faults.md. */
  readonly rows: readonly number[];
}

export interface PointKind {
  /** Such as 'net.wire.in'. */
  readonly name: string;
  /** Device class or part that it belongs to: 'net', 'blk', 'serial', 'timer', 'pd', 'queue', 'board'. */
  readonly group: string;
  /** What is there. */
  readonly what: string;
  /** What counts as an opportunity; empty when the point has moments alone. */
  readonly opportunity: string;
  /** States that a rule may ask for. */
  readonly states: readonly string[];
  readonly faults: readonly FaultKind[];
}

/** A fault that has happened. */
export interface Strike {
  /** Index of the rule in the plan. */
  readonly rule: number;
  readonly at: string;
  readonly fault: string;
  /** Number of the opportunity, counted from 1; 0 of a moment. */
  readonly opportunity: number;
  readonly timeNs: number;
  readonly parameters: Readonly<Record<string, number>>;
}

/** Declares a fault; what is left out is the usual. */
export function fault(kind: Pick<FaultKind, 'name' | 'what'> & Partial<FaultKind>): FaultKind {
  return { trigger: 'opportunity', parameters: {}, excuses: [], rows: [], ...kind };
}

/** @returns the point's fault of this name */
export function faultNamed(point: PointKind, name: string): FaultKind | undefined {
  return point.faults.find((each) => each.name === name);
}
