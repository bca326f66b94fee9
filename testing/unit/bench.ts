/**
 * A bench: a single driver or virtualiser between scripted peers, which are real protection domains
 * with real queues; what they do, the steps of a test say.
 */

import type { Channel, Program } from '../../microkit/pd.ts';
import type { Peer, PeerManners } from './peer.ts';

/** A peer's end of a connection with the unit. */
export interface BenchConnection {
  /** Of the peer, as steps call it: 'driver', 'client0'. */
  readonly peer: string;
  /** Of the connection at that peer: 'rx', 'tx'; steps say `driver.rx.enqueue`. */
  readonly name: string;
  readonly class: 'net' | 'blk' | 'serial' | 'timer' | 'i2c';
  /** Whether this end puts data in, and takes empty buffers or answers out. */
  readonly end: 'producer' | 'consumer';
  /** The domain that plays the peer, and its channel to the unit. */
  readonly pd: string;
  readonly channel: Channel;
  /** Slots of its queues, or bytes. */
  readonly capacity: number;
  /** Regions by the field of the record that names them. */
  readonly regions: Readonly<Record<string, string>>;
  readonly data: BenchData | undefined;
}

/** Where the buffers of a connection lie. */
export interface BenchData {
  /** How entries name a buffer: by its offset in the region, or by its address for DMA. */
  readonly by: 'offset' | 'address';
  /** Regions by the name that steps give them; the first unless told. */
  readonly areas: readonly DataArea[];
  /** Of a buffer. */
  readonly unitBytes: number;
}

export interface DataArea {
  readonly name: string;
  readonly region: string;
  /** Buffers in it. */
  readonly units: number;
  /** What entries call its first byte, where that is neither an offset nor an address for DMA. */
  readonly base?: number;
}

export interface Bench {
  /** Such as 'net/virt-rx'. */
  readonly role: string;
  /** Name of the domain that is tried. */
  readonly unit: string;
  /** Whether the board has the device that the description names: a driver needs it. */
  readonly hasDevice: boolean;
  readonly connections: readonly BenchConnection[];
  /** Domains that peers play, each with the interrupt that wakes it. */
  readonly peers: readonly BenchPeer[];
}

export interface BenchPeer {
  readonly pd: string;
  readonly doorbellIrq: number;
  readonly manners: PeerManners;
}

/** Peers of one run, by domain. */
export interface BenchRun {
  readonly programs: ReadonlyMap<string, Program>;
  readonly peers: ReadonlyMap<string, Peer>;
  /** What peers have taken and later steps are about: identifiers of requests; a first time. */
  readonly taken: number[];
  /** Of an i2c client: those that its virtualiser has taken and not answered, oldest first. */
  readonly transactions: TakenTransaction[];
}

/** A transaction of an i2c client. */
export interface TakenTransaction {
  readonly address: number;
  readonly commands: readonly {
    readonly payload: number;
    readonly length: number;
    readonly flags: number;
  }[];
  /** What was to be written when it was taken, command by command. */
  readonly written: readonly Uint8Array[];
}
