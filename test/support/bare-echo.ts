/**
 * The echo system of `systems/echo.ts` without a kernel: the same programs and the same wiring, for
 * unit tests and to measure the bare data path.
 */

import { type EchoConfig, main as echo } from '../../clients/echo/echo.ts';
import { main as driver } from '../../drivers/network/virtio/driver.ts';
import type { MmioDevice } from '../../memory/region.ts';
import type { Program } from '../../microkit/pd.ts';
import type {
  NetConnection,
  NetData,
  NetDriverConfig,
  NetVirtTxConfig,
} from '../../queues/net/config.ts';
import { netQueueBytes } from '../../queues/net/queue.ts';
import { main as copier } from '../../virtualisers/network/copy/copy.ts';
import { main as virtRx } from '../../virtualisers/network/rx/virt-rx.ts';
import { main as virtTx } from '../../virtualisers/network/tx/virt-tx.ts';
import type { Batches } from '../../memory/ram.ts';
import { type BarePd, BareSystem } from './bare-system.ts';

export type EchoPath = '5pd' | '4pd' | '2pd' | 'dummy';

export interface BareEchoOptions {
  readonly path?: EchoPath;
  /** How programs move batches: 'wasm' unless told. */
  readonly batches?: Batches;
  readonly clients?: number;
  /** Buffers of each kind; a power of two. */
  readonly buffers?: number;
  readonly ringEntries?: number;
  /** Where every queue's indices begin. */
  readonly startIndex?: number;
  /** The network device, and what is to happen when the driver acknowledges its interrupt. */
  readonly device: (system: BareSystem) => MmioDevice;
  /** More of the driver's record. */
  readonly driverConfig?: Partial<NetDriverConfig>;
  /** More of the transmit virtualiser's. */
  readonly txConfig?: Partial<NetVirtTxConfig>;
  /** Called once all domains are connected. */
  readonly beforeStart?: (system: BareSystem, driver: BarePd) => void;
  readonly onIrqAck?: () => void;
  readonly clientProgram?: (index: number) => Program<EchoConfig>;
}

export const IRQ = 0;
const BUFFER_BYTES = 2048;
const REGISTERS = 'registers';
const PRIORITIES = { driver: 101, tx: 100, rx: 99, copier: 98, client: 97 } as const;

export interface BareEcho {
  readonly system: BareSystem;
  readonly device: MmioDevice;
  readonly driver: BarePd;
  readonly rx: BarePd | undefined;
  readonly tx: BarePd | undefined;
  readonly copiers: readonly BarePd[];
  readonly clients: readonly BarePd[];
}

export function clientMac(index: number): string {
  return `52:54:01:00:00:${(0x0a + index).toString(16).padStart(2, '0')}`;
}

export function clientIp(index: number): string {
  return `10.0.2.${15 + index}`;
}

/** Makes all of it and runs the programs' `init`. */
export function bareEcho(options: BareEchoOptions): BareEcho {
  return new EchoBuilder(options).build();
}

class EchoBuilder {
  readonly #options: BareEchoOptions;
  readonly #path: EchoPath;
  readonly #buffers: number;
  readonly #system: BareSystem;
  readonly #device: MmioDevice;

  constructor(options: BareEchoOptions) {
    this.#options = options;
    const { batches = 'wasm' } = options;
    this.#system = new BareSystem({ ramBytes: 16 << 20, stagingBytes: 1 << 20, batches });
    this.#path = options.path ?? '5pd';
    this.#buffers = options.buffers ?? 512;
    this.#device = options.device(this.#system);
  }

  build(): BareEcho {
    const system = this.#system;
    const count = this.#path === '2pd' ? 1 : (this.#options.clients ?? 1);
    system.addRegion('rings', 0x1_0000);
    // Data regions are aligned to their buffers because all regions before them are.
    this.#addData('dma', this.#buffers);
    system.addRegion('metadata', this.#buffers);
    for (let index = 0; index < count; index += 1) {
      this.#addData(`tx_data${index}`, this.#buffers);
      if (this.#path === '5pd') this.#addData(`rx_data${index}`, this.#buffers);
    }
    for (const name of ['driver', 'rx', 'tx']) system.addRegion(`${name}_stats`, 4096);
    const parts = this.#path === '2pd' ? this.#buildAlone() : this.#buildVirtualised(count);
    this.#options.beforeStart?.(system, parts.driver);
    system.start();
    return { system, device: this.#device, ...parts };
  }

  #buildAlone() {
    const rx = this.#pair('rx', this.#buffers);
    const tx = this.#pair('tx', this.#buffers);
    const driverPd = this.#driver(rx(1), tx(2));
    const client = this.#client(0, rx(1), tx(2), {
      region: 'dma',
      buffers: this.#buffers,
      paddrSymbol: 'dma_paddr',
    });
    driverPd.connect(1, client, 1);
    driverPd.connect(2, client, 2);
    return { driver: driverPd, rx: undefined, tx: undefined, copiers: [], clients: [client] };
  }

  #buildVirtualised(count: number) {
    const buffers = this.#buffers;
    let txCapacity = 1;
    while (txCapacity < buffers * count) txCapacity *= 2;
    const driverRx = this.#pair('driver_rx', buffers);
    const driverTx = this.#pair('driver_tx', txCapacity);
    const rxPairs = Array.from({ length: count }, (_, i) => this.#pair(`virt_rx${i}`, buffers));
    const txPairs = Array.from({ length: count }, (_, i) => this.#pair(`virt_tx${i}`, buffers));
    const driverPd = this.#driver(driverRx(1), driverTx(2));
    const system = this.#system;
    const rx = system.addPd({
      name: 'rx',
      priority: PRIORITIES.rx,
      program: virtRx,
      vars: { dma_paddr: system.paddr('dma') },
      config: {
        driver: driverRx(0),
        data: { region: 'dma', buffers, paddrSymbol: 'dma_paddr' },
        bufferMetadata: 'metadata',
        clients: rxPairs.map((pair, i) => ({ connection: pair(i + 1), macs: [clientMac(i)] })),
        stats: 'rx_stats',
      },
    });
    const tx = system.addPd({
      name: 'tx',
      priority: PRIORITIES.tx,
      program: virtTx,
      vars: Object.fromEntries(txPairs.map((_, i) => [`p${i}`, system.paddr(`tx_data${i}`)])),
      config: {
        driver: driverTx(0),
        clients: txPairs.map((pair, i) => ({
          connection: pair(i + 1),
          data: [{ region: `tx_data${i}`, buffers, paddrSymbol: `p${i}` }],
        })),
        stats: 'tx_stats',
        ...this.#options.txConfig,
      },
    });
    driverPd.connect(1, rx, 0);
    driverPd.connect(2, tx, 0);
    const behind = { rx, tx, rxPairs, txPairs };
    const made = rxPairs.map((_, index) => this.#virtualisedClient(index, behind));
    return {
      driver: driverPd,
      rx,
      tx,
      copiers: made.flatMap(({ copier: pd }) => (pd === undefined ? [] : [pd])),
      clients: made.map(({ client }) => client),
    };
  }

  #virtualisedClient(
    index: number,
    behind: {
      readonly rx: BarePd;
      readonly tx: BarePd;
      readonly rxPairs: readonly Connect[];
      readonly txPairs: readonly Connect[];
    },
  ): { readonly client: BarePd; readonly copier: BarePd | undefined } {
    const rxPair = behind.rxPairs[index] as Connect;
    const txPair = behind.txPairs[index] as Connect;
    if (this.#path === '4pd') {
      const client = this.#client(index, rxPair(1), txPair(2), {
        region: 'dma',
        buffers: this.#buffers,
      });
      client.connect(1, behind.rx, index + 1);
      client.connect(2, behind.tx, index + 1);
      return { client, copier: undefined };
    }
    const mode = this.#path === 'dummy' ? 'dummy' : 'copy';
    const clientPair = this.#pair(`client${index}`, this.#buffers);
    const dma: NetData = { region: 'dma', buffers: this.#buffers };
    const data = mode === 'dummy' ? dma : { region: `rx_data${index}`, buffers: this.#buffers };
    this.#system.addRegion(`copy${index}_stats`, 4096);
    const copierPd = this.#system.addPd({
      name: `copy${index}`,
      priority: PRIORITIES.copier,
      program: copier,
      config: {
        rx: rxPair(0),
        rxData: dma,
        client: clientPair(1),
        clientData: data,
        mode,
        stats: `copy${index}_stats`,
      },
    });
    copierPd.connect(0, behind.rx, index + 1);
    const client = this.#client(index, clientPair(1), txPair(2), data);
    copierPd.connect(1, client, 1);
    client.connect(2, behind.tx, index + 1);
    return { client, copier: copierPd };
  }

  #driver(rx: NetConnection, tx: NetConnection): BarePd {
    const { onIrqAck, ringEntries = 512 } = this.#options;
    return this.#system.addPd({
      name: 'driver',
      priority: PRIORITIES.driver,
      program: driver,
      vars: { rings_paddr: this.#system.paddr('rings') },
      devices: { [REGISTERS]: this.#device },
      ...(onIrqAck === undefined ? {} : { onIrqAck }),
      config: {
        registers: REGISTERS,
        rings: 'rings',
        ringsPaddrSymbol: 'rings_paddr',
        irq: IRQ,
        ringEntries,
        rx,
        tx,
        stats: 'driver_stats',
        ...this.#options.driverConfig,
      },
    });
  }

  #client(index: number, rx: NetConnection, tx: NetConnection, rxData: NetData): BarePd {
    const alone = this.#path === '2pd';
    const txData = { region: `tx_data${index}`, buffers: this.#buffers };
    this.#system.addRegion(`client${index}_stats`, 4096);
    return this.#system.addPd({
      name: `client${index}`,
      priority: PRIORITIES.client,
      program: this.#options.clientProgram?.(index) ?? echo,
      vars: { dma_paddr: this.#system.paddr('dma'), tx_paddr: this.#system.paddr(txData.region) },
      config: {
        net: {
          rx,
          rxData,
          tx,
          txData: alone ? { ...txData, paddrSymbol: 'tx_paddr' } : txData,
          mac: clientMac(index),
        },
        ip: clientIp(index),
        stats: `client${index}_stats`,
      },
    });
  }

  #addData(name: string, buffers: number): void {
    this.#system.addRegion(name, buffers * BUFFER_BYTES);
  }

  /** Makes a free and an active queue. @returns how an end sees them, given its channel */
  #pair(name: string, capacity: number): Connect {
    for (const kind of ['free', 'active']) {
      const region = `${name}_${kind}`;
      this.#system.addRegion(region, netQueueBytes(capacity));
      const start = this.#options.startIndex ?? 0;
      this.#system.region(region).write16(0, start);
      this.#system.region(region).write16(2, start);
    }
    const queues = { freeQueue: `${name}_free`, activeQueue: `${name}_active`, capacity };
    return (channel) => ({ ...queues, channel });
  }
}

type Connect = (channel: number) => NetConnection;
