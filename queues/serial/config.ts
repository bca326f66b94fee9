/**
 * Configuration records of the serial class: what the description's builder hands to each program.
 *
 * Counterpart of sDDF's `serial/config.h`. Where that has virtual addresses, these have names: a
 * region name is that of a `map` in the domain's description. So a record is plain JSON.
 */

import type { MemberConfig } from '../restart/config.ts';

/** A byte queue between two domains, and the channel that goes with it. */
export interface SerialConnection {
  /** Region of the 12-byte queue. */
  readonly queue: string;
  /** Region of the bytes. */
  readonly data: string;
  /** Bytes of the data region that the queue uses; a power of two. Never in shared memory. */
  readonly capacity: number;
  readonly channel: number;
}

/** A driver's whole configuration. */
export interface SerialDriverConfig {
  /** Device registers, mapped as a device region. */
  readonly registers: string;
  readonly irq: number;
  readonly tx: SerialConnection;
  /** Absent: the driver only transmits. */
  readonly rx?: SerialConnection;
  /** Bits per second at the start; 115200 unless told. */
  readonly defaultBaud?: number;
  /** Frequency of the UART's baud generator. */
  readonly clockHz?: number;
  /** `rtscts`: the UART itself stops at CTS and lowers RTS. */
  readonly flow?: 'none' | 'rtscts';
  /** virtio only: memory for the virtqueues and buffers, and the symbol of its physical address. */
  readonly rings?: string;
  readonly ringsPaddrSymbol?: string;
  /** Region for the program's counters: see `queues/counters.ts`. Without it they are private. */
  readonly stats?: string;
  /** Where there is a supervisor: see `docs/restart.md`. */
  readonly restart?: MemberConfig;
}

/** The transmit virtualiser's whole configuration. */
export interface SerialVirtTxConfig {
  readonly driver: SerialConnection;
  readonly clients: readonly {
    readonly connection: SerialConnection;
    /** Name of the client's domain, as it is shown when input is switched to it. */
    readonly name: string;
  }[];
  /** Printed when input begins; "Begin input\r\n" unless told. */
  readonly beginString?: string;
  readonly colour: 'on' | 'off';
  /** Whether there is a receive side: without one there is no begin string. */
  readonly input: 'on' | 'off';
  readonly stats?: string;
  /** Where there is a supervisor: see `docs/restart.md`. */
  readonly restart?: MemberConfig;
}

/** The receive virtualiser's whole configuration. */
export interface SerialVirtRxConfig {
  readonly driver: SerialConnection;
  readonly clients: readonly { readonly connection: SerialConnection }[];
  /**
   * Character code that begins a switch of input; 28, Ctrl-\, unless told. `-1`: input is never
   * switched.
   */
  readonly switchCharacter?: number;
  /** Character code that ends the client's number; 13, Enter, unless told. */
  readonly terminateCharacter?: number;
  readonly stats?: string;
  /** Where there is a supervisor: see `docs/restart.md`. */
  readonly restart?: MemberConfig;
}

/** A client's record: `config.serial`. */
export interface SerialClientConfig {
  readonly tx: SerialConnection;
  readonly rx?: SerialConnection;
}
