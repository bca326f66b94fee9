/** What a network class has been told: its device and members, and its clients with their sizes. */

import type { NetCopyConfig } from '../../queues/net/config.ts';
import type { PdBuilder, RegionBuilder } from '../builder.ts';
import type { DeviceNode } from './device.ts';

/** Queue indices are 16 bits wide and wrap at 65,536; half of it keeps full and empty apart. */
export const NET_CAPACITY_MAX = 32_768;

export interface NetOptions {
  readonly device: DeviceNode;
  readonly driver: PdBuilder;
  /** Virtualisers: both, or none for a driver with one client that talks to it directly. */
  readonly rx?: PdBuilder;
  readonly tx?: PdBuilder;
  /**
   * A switch between the virtualisers and the clients that ask to be behind it; see
   * {@link NetClientOptions.vswitch}.
   */
  readonly vswitch?: PdBuilder;
  /** Receive buffers that the device writes to; a power of two, 512 unless told. */
  readonly rxBuffers?: number;
  /**
   * Memory for these buffers, when it is to lie at a certain place; a region of its own unless
   * told.
   */
  readonly rxData?: RegionBuilder;
  /**
   * How often the driver looks for a lost interrupt, which would otherwise be the last one; a
   * quarter as often when all is quiet. Needs `time.addWatchdog(driver)`. Never unless told.
   */
  readonly watchdogNs?: number;
  /** Descriptors asked for in each virtqueue; 512 unless told. */
  readonly ringEntries?: number;
}

export interface NetClientOptions {
  /**
   * Copies received packets into the client's own buffers; without it the client maps the DMA
   * region.
   */
  readonly copier?: PdBuilder;
  /**
   * Behind the switch; the client then needs a copier, whose program is
   * `virtualisers/network/vswitch/port-copy.ts`. Whom it may reach, the access rules say: nobody
   * without one.
   */
  readonly vswitch?: boolean;
  /** 'dummy' moves buffers without copying their bytes: an ablation, not for use. */
  readonly mode?: NetCopyConfig['mode'];
  /**
   * How its configuration calls its record: `net` unless told. A client of several networks has a
   * name for each; then the address is in the record, too.
   */
  readonly as?: string;
  /** 52:54:01:00:00:0a and on unless told. */
  readonly mac?: string;
  /** Goes into the client's configuration as `ip`; see {@link NetClientOptions.as}. */
  readonly ip?: string;
  /** Receive buffers of its own, with a copier only; a power of two, 512 unless told. */
  readonly rxBuffers?: number;
  readonly txBuffers?: number;
}

/** A client as the checks and the connections see it. */
export interface NetClient {
  readonly pd: PdBuilder;
  readonly options: NetClientOptions;
  readonly mac: string;
  readonly rxBuffers: number;
  readonly txBuffers: number;
}

/** Who may reach whom through the switch. A virtualiser stands for the uplink. */
export interface AclRule {
  readonly a: PdBuilder | 'uplink';
  readonly b: PdBuilder | 'uplink';
  readonly aToB: boolean;
  readonly bToA: boolean;
}

/** A problem before anything is connected. */
export interface Found {
  readonly message: string;
  readonly path: string;
  readonly hint?: string;
}

/** What the checks look at. */
export interface NetPlan {
  readonly options: NetOptions;
  /** Receive buffers that the device writes to. */
  readonly rxBuffers: number;
  readonly clients: readonly NetClient[];
  readonly aclRules: readonly AclRule[];
}
