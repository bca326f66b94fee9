/**
 * The serial class without a kernel: the real driver, virtualisers and clients on a UART model,
 * wired directly to each other. For unit tests and to measure the bare data path.
 */

import type { Clock } from '../../board/clock.ts';
import type { Device, IrqLine } from '../../board/device.ts';
import { LintLog } from '../../board/lint.ts';
import type { LineRate } from '../../board/serial-wire.ts';
import { Ns16550a } from '../../board/uart/ns16550a.ts';
import { Pl011 } from '../../board/uart/pl011.ts';
import { SerialLine } from '../../board/uart/serial-line.ts';
import { RangedDmaWindow } from '../../board/dma.ts';
import { VirtualTurns } from '../../board/turns.ts';
import { VirtioConsole } from '../../board/virtio/console.ts';
import { VirtualClock } from '../../board/virtual-clock.ts';
import { main as ns16550aDriver } from '../../drivers/serial/ns16550a/driver.ts';
import { main as pl011Driver } from '../../drivers/serial/pl011/driver.ts';
import { main as virtioDriver } from '../../drivers/serial/virtio/driver.ts';
import type { Program } from '../../microkit/pd.ts';
import type {
  SerialClientConfig,
  SerialConnection,
  SerialDriverConfig,
  SerialVirtRxConfig,
  SerialVirtTxConfig,
} from '../../queues/serial/config.ts';
import { SERIAL_DRIVER_COUNTERS } from '../../queues/serial/counters.ts';
import { SERIAL_VIRT_RX_COUNTERS, SERIAL_VIRT_TX_COUNTERS } from '../../queues/serial/counters.ts';
import { readCounters } from '../../queues/counters.ts';
import { main as virtRx } from '../../virtualisers/serial/rx/virt-rx.ts';
import { main as virtTx } from '../../virtualisers/serial/tx/virt-tx.ts';
import { BareSystem } from './bare-system.ts';
import type { BarePd } from './bare-system.ts';

export type Uart = 'ns16550a' | 'pl011' | 'virtio';

export interface BareSerialOptions {
  readonly uart?: Uart;
  readonly rate?: LineRate;
  readonly flow?: 'none' | 'rtscts';
  readonly colour?: 'on' | 'off';
  readonly clients: readonly Program<{ serial: SerialClientConfig }>[];
  /** Bytes of every data region; the driver's has twice as many. */
  readonly dataBytes?: number;
  readonly switchCharacter?: number;
  readonly outputBytes?: number;
  readonly beginString?: string;
}

const DRIVERS = { ns16550a: ns16550aDriver, pl011: pl011Driver, virtio: virtioDriver };
const RINGS_BYTES = 0x1_0000;
const IRQ = 0;
const TX = 1;
const RX = 2;

export class BareSerial {
  readonly clock = new VirtualClock();
  readonly line: SerialLine;
  readonly lint = new LintLog();
  readonly system = new BareSystem({ ramBytes: 0x40_0000 });
  readonly device: Device;
  console: VirtioConsole | undefined;
  readonly driver: BarePd;
  readonly virtTx: BarePd;
  readonly virtRx: BarePd;
  readonly clients: readonly BarePd[];
  #irq: 'high' | 'low' = 'low';

  constructor(options: BareSerialOptions) {
    const { rate = 'real', flow = 'none', outputBytes = 65_536, dataBytes = 4096 } = options;
    this.line = new SerialLine({ clock: this.clock, rate, flow, outputBytes });
    this.device = this.#makeDevice(options.uart ?? 'ns16550a');
    const queue = (name: string, capacity: number, channel: number): SerialConnection => {
      this.system.addRegion(`${name}_queue`, 4096);
      this.system.addRegion(`${name}_data`, capacity);
      return { queue: `${name}_queue`, data: `${name}_data`, capacity, channel };
    };
    for (const name of ['driver', 'virt_tx', 'virt_rx']) {
      this.system.addRegion(`${name}_stats`, 4096);
    }
    const toDriver = queue('to_driver', dataBytes * 2, TX);
    const fromDriver = queue('from_driver', dataBytes, RX);
    const links = options.clients.map((_program, index) => ({
      tx: queue(`client${index}_tx`, dataBytes, TX),
      rx: queue(`client${index}_rx`, dataBytes, RX),
    }));
    this.driver = this.#addDriver(options, toDriver, fromDriver);
    this.virtTx = this.#addVirtTx(options, toDriver, links);
    this.virtRx = this.#addVirtRx(options, fromDriver, links);
    this.clients = options.clients.map((program, index) => {
      const link = links[index] as (typeof links)[number];
      const config = { serial: link };
      const pd = this.system.addPd({ name: `client${index}`, priority: 1, program, config });
      pd.connect(TX, this.virtTx, 10 + index);
      pd.connect(RX, this.virtRx, 10 + index);
      return pd;
    });
    this.driver.connect(TX, this.virtTx, TX);
    this.driver.connect(RX, this.virtRx, RX);
    this.system.start();
  }

  /** Runs programs and clock until this much time has passed. */
  run(ns: number): void {
    const endNs = this.clock.now() + ns;
    for (;;) {
      this.clock.fireDue();
      this.#deliverIrq();
      this.system.run();
      // A handler may have made work for now: a fast line feeds the next characters.
      if (this.clock.nextEventAt() <= this.clock.now() || this.#irqPending()) continue;
      const nextNs = Math.min(this.clock.nextEventAt(), endNs);
      if (this.clock.now() >= endNs) return;
      this.clock.runUntil(nextNs);
    }
  }

  /** Everything that has been sent on the line since the last time. */
  output(): string {
    const bytes = new Uint8Array(this.line.outputLength());
    this.line.takeOutput(bytes);
    return String.fromCharCode(...bytes);
  }

  type(text: string): void {
    this.line.send(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  }

  counters() {
    const read = this.system;
    return {
      driver: readCounters(SERIAL_DRIVER_COUNTERS, read.region('driver_stats')),
      virtTx: readCounters(SERIAL_VIRT_TX_COUNTERS, read.region('virt_tx_stats')),
      virtRx: readCounters(SERIAL_VIRT_RX_COUNTERS, read.region('virt_rx_stats')),
    };
  }

  /**
   * While on, interrupts reach nobody. The line is level-triggered: what is still high afterwards
   * comes then.
   */
  loseInterrupts(loss: 'on' | 'off'): void {
    this.#loss = loss === 'on';
  }

  #loss = false;
  #irqMasked = false;

  #irqPending(): boolean {
    return this.#irq === 'high' && !this.#irqMasked && !this.#loss;
  }

  /** The interrupt controller: masked from delivery to acknowledgement. */
  #deliverIrq(): void {
    if (!this.#irqPending()) return;
    this.#irqMasked = true;
    this.driver.raise(IRQ);
  }

  #makeDevice(uart: Uart): Device {
    const irq: IrqLine = {
      raise: () => void (this.#irq = 'high'),
      lower: () => void (this.#irq = 'low'),
    };
    const clock: Clock = this.clock;
    const options = { clock, irq, wire: this.line, lint: this.lint };
    switch (uart) {
      case 'ns16550a':
        return new Ns16550a(options);
      case 'pl011':
        return new Pl011(options);
      case 'virtio':
        return this.#makeConsole(irq);
    }
  }

  #makeConsole(irqLine: IrqLine): Device {
    const { ram } = this.system;
    this.system.addRegion('rings', RINGS_BYTES);
    this.console = new VirtioConsole({
      name: 'console',
      wire: this.line,
      ram,
      dma: new RangedDmaWindow(ram, [
        { paddr: this.system.paddr('rings'), sizeBytes: RINGS_BYTES },
      ]),
      irqLine,
      lint: this.lint,
      turns: new VirtualTurns(this.clock, 100),
    });
    return this.console.transport;
  }

  #addDriver(options: BareSerialOptions, tx: SerialConnection, rx: SerialConnection): BarePd {
    const config: SerialDriverConfig = {
      registers: 'uart',
      irq: IRQ,
      tx,
      rx,
      flow: options.flow ?? 'none',
      stats: 'driver_stats',
      ...(options.uart === 'virtio' ? { rings: 'rings', ringsPaddrSymbol: 'rings_paddr' } : {}),
    };
    return this.system.addPd({
      name: 'serial_driver',
      priority: 200,
      program: DRIVERS[options.uart ?? 'ns16550a'],
      config,
      vars: options.uart === 'virtio' ? { rings_paddr: this.system.paddr('rings') } : {},
      devices: { uart: this.device },
      onIrqAck: () => {
        this.#irqMasked = false;
      },
    });
  }

  #addVirtTx(
    options: BareSerialOptions,
    driver: SerialConnection,
    links: readonly { tx: SerialConnection }[],
  ): BarePd {
    const { colour = 'off', beginString } = options;
    const config: SerialVirtTxConfig = {
      driver,
      clients: links.map(({ tx }, index) => ({
        connection: { ...tx, channel: 10 + index },
        name: `client${index}`,
      })),
      colour,
      input: 'on',
      stats: 'virt_tx_stats',
      ...(beginString === undefined ? {} : { beginString }),
    };
    return this.system.addPd({ name: 'serial_virt_tx', priority: 199, program: virtTx, config });
  }

  #addVirtRx(
    options: BareSerialOptions,
    driver: SerialConnection,
    links: readonly { rx: SerialConnection }[],
  ): BarePd {
    const { switchCharacter } = options;
    const config: SerialVirtRxConfig = {
      driver,
      clients: links.map(({ rx }, index) => ({ connection: { ...rx, channel: 10 + index } })),
      stats: 'virt_rx_stats',
      ...(switchCharacter === undefined ? {} : { switchCharacter }),
    };
    return this.system.addPd({ name: 'serial_virt_rx', priority: 199, program: virtRx, config });
  }
}
