/**
 * Configuration records of the i2c class: what the description's builder hands to each program.
 * Counterpart of sDDF's `i2c/config.h`; names stand where that has addresses, see
 * `../net/config.ts`.
 */

import type { MemberConfig } from '../restart/config.ts';
import type { TimerClientConfig } from '../timer/config.ts';

/** A request and a response queue between two domains, and their channel. */
export interface I2cConnection {
  readonly requestQueue: string;
  readonly responseQueue: string;
  /** Commands that the producer has in the request queue at once; sDDF's `num_buffers`. */
  readonly capacity: number;
  readonly channel: number;
}

/**
 * Commands name data by virtual address: of the client's mapping in a client's queue, of the
 * driver's in the driver's.
 */
export interface I2cData {
  readonly region: string;
}

/** A driver's whole configuration. */
export interface I2cDriverConfig {
  /** Device registers, mapped as a device region. */
  readonly registers: string;
  /** Of a transaction that was not acknowledged: the interrupt with the lowest identifier. */
  readonly irq: number;
  /** FMT threshold, RX threshold, stretch timeout and command complete, in this order. */
  readonly moreIrqs: readonly [fmt: number, rx: number, timeout: number, complete: number];
  readonly virt: I2cConnection;
  /** The data of every client: the driver moves bytes between them and the device. */
  readonly data: readonly I2cData[];
  /** Bits a second; 400,000 unless told. */
  readonly speed?: 100_000 | 400_000 | 1_000_000;
  /** How long a target may hold the clock, in microseconds; 25,000 unless told, as SMBus has it. */
  readonly stretchMaxUs?: number;
  /** Where there is a supervisor. */
  readonly restart?: MemberConfig;
  /** Region for the program's counters. */
  readonly stats?: string;
}

/** A client as the virtualiser knows it: its queues, and where its data lie for both sides. */
export interface I2cVirtClientConfig {
  readonly name: string;
  readonly connection: I2cConnection;
  /** Bytes of its data region. */
  readonly dataSize: number;
  /** Where the driver has that region, and where the client has it. */
  readonly driverDataVaddr: number;
  readonly clientDataVaddr: number;
}

/** The virtualiser's whole configuration. */
export interface I2cVirtConfig {
  readonly driver: I2cConnection;
  /** Where there is a supervisor. */
  readonly restart?: MemberConfig;
  /** Region for the program's counters. */
  readonly stats?: string;
  readonly clients: readonly I2cVirtClientConfig[];
}

/** A client's record: `config.i2c`. */
export interface I2cClientConfig {
  readonly virt: I2cConnection;
  readonly data: I2cData;
  readonly timer?: TimerClientConfig;
}
