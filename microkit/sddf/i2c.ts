/**
 * The i2c class: connects a controller's driver, its virtualiser and their clients with request and
 * response queues, data regions and channels, and makes the configuration record of each. Sizes are
 * sdfgen's (sDDF 0.7).
 *
 *     const bus = i2c(sys, { device, driver, virt });
 *     bus.addClient(client);             // the client finds its record as `config.i2c`
 *
 * Commands name data by virtual address, so a client's data lie at an address that is fixed here,
 * in the client and in the driver.
 */

import type {
  I2cClientConfig,
  I2cConnection,
  I2cDriverConfig,
  I2cVirtConfig,
} from '../../queues/i2c/config.ts';
import { I2C_CLASS, queueBytes, queueOf } from '../../queues/classes.ts';
import type { PdBuilder, RegionBuilder, SystemBuilder } from '../builder.ts';
import { attachDevice, type DeviceNode, roundUpToPages } from './device.ts';
import { checkNewClient, checkPriorities } from './priorities.ts';

/** sdfgen's `num_buffers`. */
const CAPACITY = 128;
const DEFAULT_DATA_BYTES = 4096;
const DATA_BYTES_MAX = 0x10_0000;
/** Below them is what the builder lays out by itself. */
const DATA_VADDR = 0x8000_0000;

export interface I2cOptions {
  /** Its interrupt is the one for bytes that are not acknowledged. */
  readonly device: DeviceNode;
  /** FMT threshold, RX threshold, stretch timeout, command complete. */
  readonly moreIrqs: readonly [number, number, number, number];
  readonly driver: PdBuilder;
  readonly virt: PdBuilder;
  /** 400 kHz unless told. */
  readonly speed?: 100_000 | 400_000 | 1_000_000;
  /** Bytes of each client's data; 4 KiB unless told. */
  readonly dataBytes?: number;
}

/**
 * Begins the i2c class of one device. `sys.build()` connects the clients that were added to it.
 */
export function i2c(sys: SystemBuilder, options: I2cOptions): I2c {
  const made = new I2c(sys, options);
  sys.extend(made);
  return made;
}

/** Two ends of queues. To be called once identifiers are known. */
interface Ends {
  ofServer(): I2cConnection;
  ofClient(): I2cConnection;
}

interface Link {
  readonly pd: PdBuilder;
  readonly ends: Ends;
  readonly region: string;
  readonly driverDataVaddr: number;
}

export class I2c {
  readonly #sys: SystemBuilder;
  readonly #options: I2cOptions;
  readonly #clients: PdBuilder[] = [];
  readonly #dataBytes: number;

  constructor(sys: SystemBuilder, options: I2cOptions) {
    this.#sys = sys;
    this.#options = options;
    this.#dataBytes = roundUpToPages(options.dataBytes ?? DEFAULT_DATA_BYTES);
  }

  addClient(pd: PdBuilder): void {
    const { driver, virt } = this.#options;
    const known = [driver, virt, ...this.#clients];
    if (checkNewClient(this.#sys, known, pd, `the i2c class of '${driver.name}'`)) {
      this.#clients.push(pd);
    }
  }

  /** Called by `build()`. */
  connect(): void {
    if (this.#check() === 'faulty') return;
    const { driver, device, moreIrqs, virt, speed } = this.#options;
    // The lowest identifier is the error's: it is heard first.
    const { registers, irq } = attachDevice(this.#sys, driver, device);
    const others = moreIrqs.map((line) => driver.irq(line));
    const toDriver = this.#connect(virt, driver);
    const links = this.#clients.map((pd, index) => this.#link(pd, index));
    driver.configure((): I2cDriverConfig => ({
      registers,
      irq: irq.value,
      moreIrqs: others.map((id) => id.value) as unknown as I2cDriverConfig['moreIrqs'],
      virt: toDriver.ofServer(),
      data: links.map(({ region }) => ({ region })),
      ...(speed === undefined ? {} : { speed }),
    }));
    virt.configure((): I2cVirtConfig => ({
      driver: toDriver.ofClient(),
      clients: links.map(({ pd, ends, driverDataVaddr }) => ({
        name: pd.name,
        connection: ends.ofServer(),
        dataSize: this.#dataBytes,
        driverDataVaddr,
        clientDataVaddr: DATA_VADDR,
      })),
    }));
  }

  #link(pd: PdBuilder, index: number): Link {
    const { driver, virt } = this.#options;
    const ends = this.#connect(pd, virt);
    const data = this.#sys.region(`${pd.name}_i2c_data`, { size: this.#dataBytes });
    const driverDataVaddr = DATA_VADDR + index * this.#dataBytes;
    pd.map(data, { perms: 'rw', vaddr: DATA_VADDR });
    driver.map(data, { perms: 'rw', vaddr: driverDataVaddr });
    pd.configure((): { i2c: I2cClientConfig } => ({
      i2c: { virt: ends.ofClient(), data: { region: data.name } },
    }));
    return { pd, ends, region: data.name, driverDataVaddr };
  }

  #connect(client: PdBuilder, server: PdBuilder): Ends {
    const prefix = `${client.name}_${server.name}_i2c`;
    const region = (name: string, field: string): RegionBuilder => {
      const bytes = queueBytes(queueOf(I2C_CLASS, field), CAPACITY);
      return this.#sys.region(`${prefix}_${name}`, { size: roundUpToPages(bytes) });
    };
    const request = region('request_queue', 'requestQueue');
    const response = region('response_queue', 'responseQueue');
    for (const pd of [client, server]) {
      pd.map(request, { perms: 'rw' });
      pd.map(response, { perms: 'rw' });
    }
    // The virtualiser is called for claims; the driver never is.
    const isVirtualiser = server === this.#options.virt;
    const channel = this.#sys.channel(client, server, { a: { pp: isVirtualiser } });
    const queues = { requestQueue: request.name, responseQueue: response.name, capacity: CAPACITY };
    return {
      ofClient: () => ({ ...queues, channel: channel.a.value }),
      ofServer: () => ({ ...queues, channel: channel.b.value }),
    };
  }

  #check(): 'sound' | 'faulty' {
    const { driver, virt } = this.#options;
    const path = `i2c class of '${driver.name}'`;
    for (const client of this.#clients) checkPriorities(this.#sys, [client, virt, driver]);
    if (this.#clients.length === 0) {
      this.#sys.problem({ message: 'Error: i2c class without clients', path });
      return 'faulty';
    }
    if (this.#dataBytes > 0 && this.#dataBytes <= DATA_BYTES_MAX) return 'sound';
    this.#sys.problem({
      message: `Error: dataBytes is ${this.#dataBytes}, not 1 to ${DATA_BYTES_MAX}`,
      path,
    });
    return 'faulty';
  }
}
