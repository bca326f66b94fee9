/** What a network class has been told: its device and members, and its clients with their sizes. */

import type { NetCopyConfig } from '../../queues/net/config.ts';
import type { PdBuilder, RegionBuilder } from '../builder.ts';
import type { DeviceNode } from './device.ts';

export interface NetOptions {
  readonly device: DeviceNode;
  readonly driver: PdBuilder;
  /** Virtualisers: both, or none for a driver with one client that talks to it directly. */
  readonly rx?: PdBuilder;
  readonly tx?: PdBuilder;
  /** Receive buffers that the device writes to; a power of two, 512 unless told. */
  readonly rxBuffers?: number;
  /** Memory for these buffers, when it is to lie at a certain place; a region of its own unless told. */
  readonly rxData?: RegionBuilder;
  /** Descriptors asked for in each virtqueue; 512 unless told. */
  readonly ringEntries?: number;
}

export interface NetClientOptions {
  /** Copies received packets into the client's own buffers; without it the client maps the DMA region. */
  readonly copier?: PdBuilder;
  /** 'dummy' moves buffers without copying their bytes: an ablation, not for use. */
  readonly mode?: NetCopyConfig['mode'];
  /** 52:54:01:00:00:0a and on unless told. */
  readonly mac?: string;
  /** Goes into the client's configuration as `ip`. */
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

/** What the checks look at. */
export interface NetPlan {
  readonly options: NetOptions;
  /** Receive buffers that the device writes to. */
  readonly rxBuffers: number;
  readonly clients: readonly NetClient[];
}
