/**
 * Configuration records of the network class: what the description's builder hands to each program.
 *
 * Counterpart of sDDF's `network/config.h`. Where that has virtual addresses, these have names: a
 * region name is that of a `map` in the domain's description, a symbol is that of a `setvar` (a
 * physical address in `pd.vars`). So a record is plain JSON.
 */

import type { MemberConfig } from '../restart/config.ts';
import type { TimerClientConfig } from '../timer/config.ts';

/** A free and an active queue between two domains, and the channel that goes with them. */
export interface NetConnection {
  readonly freeQueue: string;
  readonly activeQueue: string;
  /** Slots of each queue; a power of two. Never in shared memory. */
  readonly capacity: number;
  readonly channel: number;
}

/**
 * A data region; with the symbol of its physical address where the domain translates to and from
 * it.
 */
export interface NetData {
  readonly region: string;
  readonly paddrSymbol?: string;
  /** Buffers of 2048 bytes in the region. */
  readonly buffers: number;
}

/** A driver's whole configuration. */
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
  /** Where there is a supervisor: see `docs/restart.md`. */
  readonly restart?: MemberConfig;
  /** How often it looks for an interrupt that was lost; with a timer only. Never, unless told. */
  readonly watchdogNs?: number;
  readonly timer?: TimerClientConfig;
}

/** The receive virtualiser's whole configuration. */
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
  /** Where there is a supervisor: see `docs/restart.md`. */
  readonly restart?: MemberConfig;
}

/**
 * How the transmit virtualiser chooses whose frame goes next. Clients are in the order of the
 * description.
 */
export type NetTxPolicyConfig = {
  /**
   * Frames with the driver at a time. What is beyond waits with the virtualiser, where the policy
   * decides.
   */
  readonly window: number;
} & (
  | /** The first that has any. */ { readonly kind: 'strict' }
  | /** One of each: fair in frames. */ { readonly kind: 'round-robin' }
  | {
      /** Deficit round robin: fair in bytes. */
      readonly kind: 'drr';
      /** Bytes that a client of weight 1 may send per round; 1514 or more. */
      readonly quantumBytes: number;
      /** Relative shares; 1 unless told. */
      readonly weights?: readonly number[];
    }
);

/** The transmit virtualiser's whole configuration. */
export interface NetVirtTxConfig {
  readonly driver: NetConnection;
  /** Without one, each client's queue is emptied in turn, and nothing waits here. */
  readonly policy?: NetTxPolicyConfig;
  readonly clients: readonly {
    readonly connection: NetConnection;
    readonly data: readonly NetData[];
  }[];
  /** Region for the program's counters: see `queues/counters.ts`. Without it they are private. */
  readonly stats?: string;
  /** Where there is a supervisor: see `docs/restart.md`. */
  readonly restart?: MemberConfig;
}

/** A copier's whole configuration: from the DMA region to the buffers of one client. */
export interface NetCopyConfig {
  readonly rx: NetConnection;
  readonly rxData: NetData;
  readonly client: NetConnection;
  readonly clientData: NetData;
  /**
   * 'dummy' passes the DMA buffers on instead of copying their bytes: the published ablation, not
   * for use. The client then maps the DMA region, as it does without a copier, and `clientData` is
   * not used.
   */
  readonly mode: 'copy' | 'dummy';
  /** Region for the program's counters: see `queues/counters.ts`. Without it they are private. */
  readonly stats?: string;
  /** Where there is a supervisor: see `docs/restart.md`. */
  readonly restart?: MemberConfig;
}

/**
 * A port of the switch: a client behind its copier, or the virtualisers. Queues are named as the
 * switch sees them.
 */
export interface NetVswitchPort {
  /** Frames to the port: the switch fills the active queue. */
  readonly rx: NetConnection;
  /** Frames from the port: the switch empties the active queue. */
  readonly tx: NetConnection;
  /** Where the port's frames lie. Queue entries name it by the port's number, as `oid`. */
  readonly txData: NetData;
  /** Of a client; none of the uplink, which gets what is for nobody else. */
  readonly macs: readonly string[];
  /** Ports that may be reached from this one. */
  readonly reach: readonly number[];
}

/** A switch's whole configuration; its ports in the order of their numbers. */
export interface NetVswitchConfig {
  readonly ports: readonly NetVswitchPort[];
  /** Number of the port that leads to the virtualisers. */
  readonly uplink: number;
  /**
   * One reference-count byte for each buffer of each port, in their order; private to the switch.
   */
  readonly bufferMetadata: string;
  /** Region for the program's counters: see `queues/counters.ts`. Without it they are private. */
  readonly stats?: string;
  /** Where there is a supervisor: see `docs/restart.md`. */
  readonly restart?: MemberConfig;
}

/** A client of the switch has a copier that takes frames from wherever their sender keeps them. */
export interface NetPortCopyConfig {
  readonly rx: NetConnection;
  /**
   * Where frames of each port lie, by its number; null for ports that may not reach this client.
   */
  readonly sources: readonly (NetData | null)[];
  readonly client: NetConnection;
  readonly clientData: NetData;
  /** Region for the program's counters: see `queues/counters.ts`. Without it they are private. */
  readonly stats?: string;
  /** Where there is a supervisor: see `docs/restart.md`. */
  readonly restart?: MemberConfig;
}

/** A client's record: `config.net` unless the description calls it otherwise. */
export interface NetClientConfig {
  readonly rx: NetConnection;
  /**
   * With `paddrSymbol`, queue entries hold physical addresses: the client talks to the driver
   * itself (2-PD path).
   */
  readonly rxData: NetData;
  readonly tx: NetConnection;
  readonly txData: NetData;
  /** Such as "52:54:01:00:00:0a". */
  readonly mac: string;
  /**
   * Behind a switch: where its directory answers calls, see
   * `virtualisers/network/vswitch/directory.ts`.
   */
  readonly directory?: number;
  /** The network device that it is behind: the name of its register region. */
  readonly device?: string;
}
