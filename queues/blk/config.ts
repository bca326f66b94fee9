/**
 * Configuration records of the block class: what the description's builder hands to each program.
 * Counterpart of sDDF's `blk/config.h`; names stand where that has addresses, see
 * `../net/config.ts`.
 */

import type { MemberConfig } from '../restart/config.ts';
import type { TimerClientConfig } from '../timer/config.ts';

/**
 * A request and a response queue between two domains, the page of storage information, and their
 * channel.
 */
export interface BlkConnection {
  readonly storageInfo: string;
  readonly requestQueue: string;
  readonly responseQueue: string;
  /** Slots of each queue; a power of two. Never in shared memory. */
  readonly capacity: number;
  readonly channel: number;
}

/** A data region; with the symbol of its physical address where the domain translates to it. */
export interface BlkData {
  readonly region: string;
  readonly paddrSymbol?: string;
}

/** A driver's whole configuration. */
export interface BlkDriverConfig {
  /** Device registers, mapped as a device region. */
  readonly registers: string;
  /**
   * Memory for the virtqueue, request headers and status bytes, and the symbol of its physical
   * address.
   */
  readonly rings: string;
  readonly ringsPaddrSymbol: string;
  readonly irq: number;
  /** Descriptors asked for in the virtqueue; the device may offer fewer. */
  readonly ringEntries: number;
  /** How often a block that failed is tried again before the request is answered with an error. */
  readonly retries: number;
  readonly virt: BlkConnection;
  /** With a timer: a request that stays unanswered this long makes the driver reset the device. */
  readonly watchdogNs?: number;
  readonly timer?: TimerClientConfig;
  /** Region for the program's counters. */
  readonly stats?: string;
  /** Where there is a supervisor: see `docs/restart.md`. */
  readonly restart?: MemberConfig;
}

/** How the virtualiser chooses whose request goes next. */
export type BlkPolicyConfig =
  | { readonly kind: 'strict' }
  | { readonly kind: 'round-robin' }
  | {
      readonly kind: 'drr';
      /** Bytes that a client of weight 1 may move per round; at least 4096. */
      readonly quantumBytes: number;
    }
  /** Needs the timer: a bucket fills with time. */
  | { readonly kind: 'token-bucket' };

/** A client's share under `drr` and `token-bucket`. */
export interface BlkShare {
  /** Relative share under `drr`; 1 unless told. */
  readonly weight?: number;
  /** Bytes per second under `token-bucket`; unlimited unless told. */
  readonly bytesPerSecond?: number;
  /** Bytes that may be moved at once after a pause; one second's worth unless told. */
  readonly burstBytes?: number;
}

/** A client as the virtualiser knows it: its queues, its data, and its part of the disk. */
export interface BlkVirtClientConfig {
  readonly name: string;
  readonly connection: BlkConnection;
  readonly data: BlkData & { readonly paddrSymbol: string };
  /** Number of the partition, 0 for the first entry of the table. */
  readonly partition: number | 'whole';
  readonly share?: BlkShare;
}

/** The virtualiser's whole configuration. */
export interface BlkVirtConfig {
  readonly driver: BlkConnection;
  /**
   * Private memory into which the partition table is read, and the symbol of its physical address.
   */
  readonly table: BlkData & { readonly paddrSymbol: string };
  /** Requests given to the driver at once; the policy decides over those that wait behind them. */
  readonly window: number;
  readonly policy: BlkPolicyConfig;
  readonly timer?: TimerClientConfig;
  /** Region for the program's counters. */
  readonly stats?: string;
  /** Where there is a supervisor: see `docs/restart.md`. */
  readonly restart?: MemberConfig;
  readonly clients: readonly BlkVirtClientConfig[];
}

/** A client's record: `config.blk` unless the description calls it otherwise. */
export interface BlkClientConfig {
  readonly virt: BlkConnection;
  readonly data: BlkData;
}
