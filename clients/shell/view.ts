/**
 * What a shell may look at: names and sizes that its description tells it, and regions that it maps
 * read-only. Plain data, made by who builds the system. What is not in here the shell cannot see.
 */

/** Counters of a program: the region they lie in, and the place of each name. */
export interface CountersView {
  readonly region: string;
  readonly names: Readonly<Record<string, number>>;
}

export interface PdView {
  readonly name: string;
  readonly priority: number;
  readonly passive: 'yes' | 'no';
  readonly counters?: CountersView;
}

export interface QueueView {
  readonly name: string;
  /** Region of the queue's indices. */
  readonly region: string;
  /** How full it is reckoned: sDDF's byte queue, or its network queue. */
  readonly kind: 'serial' | 'net';
  readonly capacity: number;
}

export interface IrqView {
  readonly irq: number;
  readonly device: string;
  readonly pd: string;
}

export interface RegionView {
  readonly name: string;
  readonly sizeBytes: number;
  /** Device registers, or memory. */
  readonly kind: 'memory' | 'device';
}

export interface SystemView {
  readonly pds: readonly PdView[];
  readonly queues: readonly QueueView[];
  readonly irqs: readonly IrqView[];
  readonly regions: readonly RegionView[];
  /**
   * Domains of the network and block classes, by name; their counters are what `net` and `blk`
   * show.
   */
  readonly net: readonly string[];
  readonly blk: readonly string[];
}
