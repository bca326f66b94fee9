/**
 * What can go wrong at a place of the board or of the system: declared as data, so that lists,
 * checks of a plan, random plans and documents have one source.
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
  /** What waits may have to wait until a driver's watchdog bites. */
  | 'watchdog'
  /** An interrupt may be missed, so that a driver's watchdog finds what it was to tell. */
  | 'interrupt'
  /** Buffers may be lost or be in two places. */
  | 'ledger'
  /** A domain may be faulted or stopped. */
  | 'domain-fault'
  /** What waits may wait until something else happens: a wake-up is gone. */
  | 'rest'
  /** A driver may have been made to break its device's rules. */
  | 'rules';

/**
 * What a driver is excused from that takes a buffer for received which its device has not written:
 * the buffer holds an older frame. That one comes once more, or, if it had been lost the first
 * time, behind younger ones.
 */
export const UNWRITTEN: readonly Excuse[] = ['contents', 'loss', 'errors', 'repetition', 'order'];

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
  /**
   * 'opportunity': strikes when something passes. 'moment': strikes at a time, and may be taken
   * back.
   */
  readonly trigger: 'opportunity' | 'moment';
  readonly parameters: Readonly<Record<string, ParameterKind>>;
  readonly excuses: readonly Excuse[];
  /** Row numbers of the fault catalogue, docs/faults.md. */
  readonly rows: readonly number[];
  /**
   * Part in standard chaos: 'often' where an opportunity is rare, 'never' where nothing is left to
   * be seen afterwards.
   */
  readonly chaos: 'usual' | 'often' | 'never';
}

export interface PointKind {
  /** Such as 'net.wire.in'. */
  readonly name: string;
  /**
   * Device class or part that it belongs to: 'net', 'blk', 'serial', 'timer', 'i2c', 'pd',
   * 'queue', 'board'.
   */
  readonly group: string;
  /** What is there. */
  readonly what: string;
  /** What counts as an opportunity; empty when the point has moments alone. */
  readonly opportunity: string;
  /** States that a rule may ask for. */
  readonly states: readonly string[];
  /** The one domain that the faults' excuses are for; without it, they are for everybody. */
  readonly only?: string;
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

/** A parameter whose usual value is drawn from its whole range. */
export function within(
  what: string,
  unit: ParameterKind['unit'],
  min: number,
  max: number,
): ParameterKind {
  return { what, unit, min, max, standard: { min, max } };
}

/** A parameter that may be more than it usually is. */
export function upTo(
  what: string,
  unit: ParameterKind['unit'],
  usual: readonly [min: number, max: number],
  max: number,
): ParameterKind {
  return { what, unit, min: 1, max, standard: { min: usual[0], max: usual[1] } };
}

/** Declares a fault; what is left out is the usual. */
export function fault(kind: Pick<FaultKind, 'name' | 'what'> & Partial<FaultKind>): FaultKind {
  return {
    trigger: 'opportunity',
    parameters: {},
    excuses: [],
    rows: [],
    chaos: 'usual',
    ...kind,
  };
}

/** @returns the point's fault of this name */
export function faultNamed(point: PointKind, name: string): FaultKind | undefined {
  return point.faults.find((each) => each.name === name);
}

/** @returns how often each fault has struck, such as 'net.irq lose': 3 */
export function countStrikes(strikes: readonly Strike[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { at, fault: name } of strikes) {
    const what = `${at} ${name}`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}
