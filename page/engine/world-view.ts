/** What the page is shown of a world at one moment. Plain data: it goes from thread to thread. */

import type { Strike } from '../../sim/points/point.ts';
import type { PerPacket } from '../../systems/run-report.ts';
import type { StepUnit } from './scenario.ts';
import type { UnderWay } from './world-watch.ts';

export interface DomainView {
  readonly name: string;
  readonly entries: number;
  readonly wakeUps: number;
  /** Wake-ups that found nothing to do. */
  readonly wasted: number;
  readonly faults: number;
}

export interface QueueView {
  readonly name: string;
  readonly capacity: number;
  readonly depth: number;
  readonly carries: string;
}

/** Signals and calls since power-on. */
export interface SignalView {
  readonly from: string;
  readonly to: string;
  readonly count: number;
}

export interface WorldView {
  /** Since power-on. */
  readonly timeNs: number;
  /** When every program had run its `init`. */
  readonly bootNs: number;
  /** 'rest': between two events; 'middle': of a kernel entry, which {@link underWay} names. */
  readonly stands: 'rest' | 'middle';
  readonly underWay?: UnderWay;
  readonly counts: Readonly<Record<StepUnit, number>>;
  /** Nothing will ever happen again unless somebody does something. */
  readonly isQuiet: boolean;
  readonly packets: number;
  /** Since boot. */
  readonly perPacket?: PerPacket;
  /** Round trips of the generator's packets: the median; 0 before the first. */
  readonly roundTripNs: number;
  readonly contextSwitches: number;
  readonly notifications: number;
  readonly copies: number;
  readonly bytesCopied: number;
  readonly domains: readonly DomainView[];
  readonly queues: readonly QueueView[];
  readonly signals: readonly SignalView[];
  readonly strikes: readonly Strike[];
  /** What is wrong, a sentence each. */
  readonly findings: readonly string[];
  /** A number for the whole state; there only when a moment was asked for. */
  readonly digest?: number;
}
