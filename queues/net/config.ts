/**
 * Configuration records of the network class: what the description's builder hands to each program.
 *
 * Counterpart of sDDF's `network/config.h`. Where that has virtual addresses, these have names: a region name is that
 * of a `map` in the domain's description, a symbol is that of a `setvar` (a physical address in `pd.vars`). So a record
 * is plain JSON.
 */

/** A free and an active queue between two domains, and the channel that goes with them. */
export interface NetConnection {
  readonly freeQueue: string;
  readonly activeQueue: string;
  /** Slots of each queue; a power of two. Never in shared memory. */
  readonly capacity: number;
  readonly channel: number;
}

/** A data region; with the symbol of its physical address where the domain translates to and from it. */
export interface NetData {
  readonly region: string;
  readonly paddrSymbol?: string;
  /** Buffers of 2048 bytes in the region. */
  readonly buffers: number;
}

export interface NetDriverConfig {
  /** Device registers, mapped as a device region. */
  readonly registers: string;
  /** Memory for the virtqueues and headers, and the symbol of its physical address. */
  readonly rings: string;
  readonly ringsPaddrSymbol: string;
  readonly irq: number;
  /** Descriptors asked for in each virtqueue; the device may offer fewer. */
  readonly ringEntries: number;
  readonly rx: NetConnection;
  readonly tx: NetConnection;
  /** Region for the program's counters: see `queues/counters.ts`. Without it they are private. */
  readonly stats?: string;
}

export interface NetVirtRxConfig {
  readonly driver: NetConnection;
  readonly data: NetData;
  /** One reference-count byte for each DMA buffer, private to the virtualiser. */
  readonly bufferMetadata: string;
  readonly clients: readonly {
    readonly connection: NetConnection;
    readonly macs: readonly string[];
  }[];
  /** Region for the program's counters: see `queues/counters.ts`. Without it they are private. */
  readonly stats?: string;
}

export interface NetVirtTxConfig {
  readonly driver: NetConnection;
  readonly clients: readonly {
    readonly connection: NetConnection;
    readonly data: readonly NetData[];
  }[];
  /** Region for the program's counters: see `queues/counters.ts`. Without it they are private. */
  readonly stats?: string;
}

export interface NetCopyConfig {
  readonly rx: NetConnection;
  readonly rxData: NetData;
  readonly client: NetConnection;
  readonly clientData: NetData;
  /**
   * 'dummy' passes the DMA buffers on instead of copying their bytes: the published ablation, not for use. The client
   * then maps the DMA region, as it does without a copier, and `clientData` is not used.
   */
  readonly mode: 'copy' | 'dummy';
  /** Region for the program's counters: see `queues/counters.ts`. Without it they are private. */
  readonly stats?: string;
}

export interface NetClientConfig {
  readonly rx: NetConnection;
  /** With `paddrSymbol`, queue entries hold physical addresses: the client talks to the driver itself (2-PD path). */
  readonly rxData: NetData;
  readonly tx: NetConnection;
  readonly txData: NetData;
  /** Such as "52:54:01:00:00:0a". */
  readonly mac: string;
}
