/**
 * The serial class: connects a UART's driver, its virtualisers and their clients with byte queues,
 * data regions and channels, and makes the configuration record of each. Sizes are sdfgen's (sDDF
 * 0.7); permissions are narrower: who only reads bytes maps them read-only.
 *
 *     const terminal = serial(sys, { device, driver, tx, rx });   // without rx: output only
 *     terminal.addClient(client);
 *
 * The driver's and the virtualisers' records are their whole configuration; a client finds its own
 * as `config.serial`.
 */

import type {
  SerialClientConfig,
  SerialConnection,
  SerialDriverConfig,
  SerialVirtRxConfig,
  SerialVirtTxConfig,
} from '../../queues/serial/config.ts';
import { queueBytes, queueOf, SERIAL_CLASS } from '../../queues/classes.ts';
import type { PdBuilder, SystemBuilder } from '../builder.ts';
import { attachDevice, ceilPowerOfTwo, isPowerOfTwo, roundUpToPages } from './device.ts';
import type { DeviceNode } from './device.ts';
import { checkNewClient, checkPriorities } from './priorities.ts';

const DEFAULT_DATA_BYTES = 0x1_0000;
const DATA_BYTES_MAX = 0x4000_0000;
const BAUD_DEFAULT = 115_200;
/** Rings and buffers of a virtio console: 64 KiB. */
const HARDWARE_RING_BYTES = 0x1_0000;

export interface SerialOptions {
  readonly device: DeviceNode;
  readonly driver: PdBuilder;
  readonly tx: PdBuilder;
  /** Left out: the class has no input. */
  readonly rx?: PdBuilder;
  /** A virtio console needs memory for its rings; a UART has none. */
  readonly hardware?: 'uart' | 'virtio';
  /** Frequency of the UART's baud generator; the driver's own default unless told. */
  readonly clockHz?: number;
  /** 115200 unless told. */
  readonly defaultBaud?: number;
  readonly flow?: 'none' | 'rtscts';
  /** Each client's output in a colour of its own; 'on' unless told. */
  readonly colour?: 'on' | 'off';
  readonly beginString?: string;
  /** Bytes of each client's data regions; a power of two, 64 KiB unless told. */
  readonly dataBytes?: number;
  /** See {@link SerialVirtRxConfig}. */
  readonly switchCharacter?: number;
}

/** A byte queue as either end sees it. To be called once identifiers are known. */
interface ByteQueue {
  ofProducer(): SerialConnection;
  ofConsumer(): SerialConnection;
}

/**
 * Begins the serial class of one device. `sys.build()` connects the clients that were added to it.
 */
export function serial(sys: SystemBuilder, options: SerialOptions): Serial {
  const made = new Serial(sys, options);
  sys.extend(made);
  return made;
}

/** A serial class while it is being described: see {@link serial}. */
export class Serial {
  readonly #sys: SystemBuilder;
  readonly #options: SerialOptions;
  readonly #clients: PdBuilder[] = [];
  readonly #dataBytes: number;

  constructor(sys: SystemBuilder, options: SerialOptions) {
    this.#sys = sys;
    this.#options = options;
    this.#dataBytes = options.dataBytes ?? DEFAULT_DATA_BYTES;
  }

  addClient(pd: PdBuilder): void {
    const { driver, tx, rx } = this.#options;
    const known = [driver, tx, rx, ...this.#clients].filter((member) => member !== undefined);
    if (checkNewClient(this.#sys, known, pd, `the serial class of '${driver.name}'`)) {
      this.#clients.push(pd);
    }
  }

  /** Called by `build()`. */
  connect(): void {
    if (this.#check() === 'faulty') return;
    const { driver, device, tx, rx, hardware } = this.#options;
    const { registers, irq } = attachDevice(this.#sys, driver, device);
    const toDriver = this.#queue(tx, driver, 'tx', this.#driverBytes());
    const fromDriver =
      rx === undefined ? undefined : this.#queue(driver, rx, 'rx', this.#dataBytes);
    const rings = hardware === 'virtio' ? this.#mapRings(driver) : {};
    const { clockHz, flow, defaultBaud = BAUD_DEFAULT } = this.#options;
    driver.configure((): SerialDriverConfig => ({
      registers,
      irq: irq.value,
      tx: toDriver.ofConsumer(),
      ...(fromDriver === undefined ? {} : { rx: fromDriver.ofProducer() }),
      ...rings,
      ...(clockHz === undefined ? {} : { clockHz }),
      ...(flow === undefined ? {} : { flow }),
      defaultBaud,
    }));
    this.#connectClients(toDriver, fromDriver);
  }

  #connectClients(toDriver: ByteQueue, fromDriver: ByteQueue | undefined): void {
    const { tx, rx, beginString, switchCharacter, colour = 'on' } = this.#options;
    const links = this.#clients.map((pd) => ({
      pd,
      tx: this.#queue(pd, tx, 'tx', this.#dataBytes),
      rx: rx === undefined ? undefined : this.#queue(rx, pd, 'rx', this.#dataBytes),
    }));
    for (const link of links) {
      link.pd.configure((): { serial: SerialClientConfig } => ({
        serial: {
          tx: link.tx.ofProducer(),
          ...(link.rx === undefined ? {} : { rx: link.rx.ofConsumer() }),
        },
      }));
    }
    tx.configure((): SerialVirtTxConfig => ({
      driver: toDriver.ofProducer(),
      clients: links.map((link) => ({ connection: link.tx.ofConsumer(), name: link.pd.name })),
      ...(beginString === undefined ? {} : { beginString }),
      colour,
      input: rx === undefined ? 'off' : 'on',
    }));
    if (rx === undefined || fromDriver === undefined) return;
    rx.configure((): SerialVirtRxConfig => ({
      driver: fromDriver.ofConsumer(),
      clients: links.flatMap((link) =>
        link.rx === undefined ? [] : [{ connection: link.rx.ofProducer() }],
      ),
      ...(switchCharacter === undefined ? {} : { switchCharacter }),
    }));
  }

  /**
   * Whatever a client can have in its queue must fit into the driver's, with the colour around it.
   */
  #driverBytes(): number {
    const { colour = 'on' } = this.#options;
    return colour === 'on' ? this.#dataBytes * 2 : ceilPowerOfTwo(this.#dataBytes);
  }

  #queue(producer: PdBuilder, consumer: PdBuilder, way: 'tx' | 'rx', capacity: number): ByteQueue {
    const prefix = `${producer.name}_${consumer.name}_${way}`;
    const indexBytes = queueBytes(queueOf(SERIAL_CLASS, 'queue'), capacity);
    const queue = this.#sys.region(`${prefix}_queue`, { size: roundUpToPages(indexBytes) });
    const data = this.#sys.region(`${prefix}_data`, { size: roundUpToPages(capacity) });
    producer.map(queue, { perms: 'rw' });
    consumer.map(queue, { perms: 'rw' });
    producer.map(data, { perms: 'rw' });
    consumer.map(data, { perms: 'r' });
    const channel = this.#sys.channel(producer, consumer);
    const shared = { queue: queue.name, data: data.name, capacity };
    return {
      ofProducer: () => ({ ...shared, channel: channel.a.value }),
      ofConsumer: () => ({ ...shared, channel: channel.b.value }),
    };
  }

  #mapRings(driver: PdBuilder): Pick<SerialDriverConfig, 'rings' | 'ringsPaddrSymbol'> {
    const rings = this.#sys.region(`${driver.name}_rings`, { size: HARDWARE_RING_BYTES });
    const ringsPaddrSymbol = `${rings.name}_paddr`;
    driver.map(rings, { perms: 'rw' });
    driver.setvar(ringsPaddrSymbol, rings);
    return { rings: rings.name, ringsPaddrSymbol };
  }

  #check(): 'sound' | 'faulty' {
    const { driver, tx, rx } = this.#options;
    const path = `serial class of '${driver.name}'`;
    const found: { message: string; path: string; hint?: string }[] = [];
    if (!isPowerOfTwo(this.#dataBytes) || this.#dataBytes > DATA_BYTES_MAX) {
      found.push({
        message: `Error: dataBytes is ${this.#dataBytes}, not a power of two up to ${DATA_BYTES_MAX}`,
        path,
        hint: 'queue indices are 32 bits wide and wrap, so a capacity has to divide 2^32',
      });
    }
    if (this.#clients.length === 0) {
      found.push({ message: 'Error: serial class without clients', path });
    }
    for (const problem of found) this.#sys.problem(problem);
    for (const client of this.#clients) {
      checkPriorities(this.#sys, [client, tx, driver]);
      if (rx !== undefined) checkPriorities(this.#sys, [client, rx, driver]);
    }
    return found.length === 0 ? 'sound' : 'faulty';
  }
}
