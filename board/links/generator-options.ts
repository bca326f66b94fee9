/** What the traffic generator is told, and what it counts. */

import type { Ram } from '../../memory/ram.ts';
import type { Clock } from '../clock.ts';
import type { Random } from '../random.ts';
import type { Station } from './udp-frame.ts';

export interface GeneratorOptions {
  readonly ram: Ram;
  readonly clock: Clock;
  /** Fills the payloads. */
  readonly random: Random;
  /** See `EthernetWire.checksums`: 'right' unless told. */
  readonly checksums?: 'right' | 'unknown';
  readonly source: Station;
  /** The echo servers; datagrams go to each in turn. */
  readonly targets: readonly Station[];
  /**
   * Bytes of each frame, without frame check sequence: {@link GENERATOR_FRAME_BYTES_MIN} to 1514.
   */
  readonly frameBytes: number;
  /** Frames in flight, at most; takes 2 KiB of staging each. */
  readonly window: number;
  /** Frames sent together; at most `window`. */
  readonly burst: number;
  /** Frames per second; closed loop when it is left out. */
  readonly rate?: number;
  /** Stops after this many frames. */
  readonly frames?: number;
  /** After this long a datagram is lost; 1 s unless told. */
  readonly timeoutNs?: number;
  /**
   * 'payload' compares every byte of an answer and checks its checksums; 'header' (the default) is
   * fast.
   */
  readonly verify?: 'header' | 'payload';
  /**
   * 'unmeasured': round trips are not entered into the histogram, for who counts packets alone;
   * measured unless told.
   */
  readonly roundTrips?: 'measured' | 'unmeasured';
}

export interface GeneratorCounters {
  sent: number;
  /** Answers that came in time, as they should be. */
  answered: number;
  /** Never answered, or too late. */
  lost: number;
  /** Sent, but dropped on the way to the driver, by an impairment or the NIC. */
  dropped: number;
  /** Open loop: not sent because the whole window was in flight. */
  skipped: number;
  /** Answers with a wrong length, payload or checksum. */
  corrupt: number;
  /** Answers to what is not in flight: duplicates, or too late. */
  unexpected: number;
  arpAnswered: number;
  /** Other frames from the NIC. */
  other: number;
}
