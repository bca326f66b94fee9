/**
 * A serial driver's end of the queues: what every driver of a UART or a console has towards its
 * virtualisers, whatever its device is.
 */

import type { ReadonlyRegion, Region } from '../../memory/region.ts';
import { Counters } from '../counters.ts';
import type { SerialDriverConfig } from './config.ts';
import { SERIAL_DRIVER_COUNTERS as COUNT } from './counters.ts';
import { SerialConsumer, SerialProducer } from './queue.ts';

/** What it takes of a protection domain. */
export interface SerialDriverDomain {
  readonly config: SerialDriverConfig;
  region(name: string): Region;
  readonlyRegion(name: string): ReadonlyRegion;
  notify(channel: number): void;
  deferredIrqAck(channel: number): void;
  log(text: string): void;
}

/** What the device's own part of a driver does. */
export interface SerialDevicePart {
  handleIrq(): void;
  /** Hands to the device what the clients have sent, as far as it takes it. */
  txProvide(): void;
}

/** The queues of one serial driver, and what it counts. */
export class SerialDriverEnd {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  /** Bytes moved so far, in both directions. */
  moved = 0;
  /** What clients send. */
  readonly tx: SerialConsumer;
  /** Where received bytes go; undefined in a system without input. */
  readonly rx: SerialProducer | undefined;
  readonly counters: Counters<keyof typeof COUNT>;
  readonly #pd: SerialDriverDomain;
  /** Set by one event, sent once at its end. */
  #owesRx = false;
  #owesTx = false;

  constructor(pd: SerialDriverDomain) {
    const { tx, rx, stats } = pd.config;
    this.#pd = pd;
    this.tx = new SerialConsumer(pd.region(tx.queue), pd.readonlyRegion(tx.data), tx.capacity);
    if (rx !== undefined) {
      this.rx = new SerialProducer(pd.region(rx.queue), pd.region(rx.data), rx.capacity);
    }
    this.counters = new Counters(COUNT, stats === undefined ? undefined : pd.region(stats));
  }

  /** The driver's whole `notified`: an interrupt, or room or characters in a queue. */
  notified(channel: number, device: SerialDevicePart): void {
    const { config } = this.#pd;
    if (channel === config.irq) {
      device.handleIrq();
      this.sendNotifications();
      this.#pd.deferredIrqAck(channel);
    } else if (channel === config.tx.channel) {
      device.txProvide();
      this.sendNotifications();
    } else if (channel !== config.rx?.channel) {
      this.#pd.log(`serial driver: notification on unknown channel ${channel}`);
    }
  }

  /** Counts bytes that have been taken from `tx`, and lets the clients see the room. */
  publishTx(bytes: number): void {
    if (bytes > 0) this.counters.add(COUNT.txBytes, bytes);
    this.moved += bytes;
    if (this.tx.publish()) this.#owesTx = true;
  }

  /** Counts bytes that have been put into `rx`, and lets the virtualiser see them. */
  publishRx(bytes: number): void {
    if (bytes > 0) this.counters.add(COUNT.rxBytes, bytes);
    this.moved += bytes;
    if (this.rx !== undefined && this.rx.publish()) this.#owesRx = true;
  }

  /** Notifies whoever waits for what has been published since the last call. */
  sendNotifications(): void {
    const { tx, rx } = this.#pd.config;
    if (this.#owesRx && rx !== undefined) {
      this.#owesRx = false;
      this.#pd.notify(rx.channel);
    }
    if (this.#owesTx) {
      this.#owesTx = false;
      this.#pd.notify(tx.channel);
    }
  }
}
