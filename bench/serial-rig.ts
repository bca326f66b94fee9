/**
 * A serial system for measurements: one client that sends without end, or echoes, behind driver and
 * virtualisers, on the kernel; and the wires to plug its UART into.
 */

import type { Clock } from '../board/clock.ts';
import type { LineFormat, LineRate, SerialEnd, SerialWire } from '../board/serial-wire.ts';
import { SerialLine } from '../board/uart/serial-line.ts';
import { main as ns16550aDriver } from '../drivers/serial/ns16550a/driver.ts';
import { main as pl011Driver } from '../drivers/serial/pl011/driver.ts';
import { main as virtioDriver } from '../drivers/serial/virtio/driver.ts';
import { system } from '../microkit/builder.ts';
import type { MachineProgram } from '../microkit/runtime/machine-program.ts';
import type { EntryPoints, Program, ProtectionDomain } from '../microkit/pd.ts';
import { serial } from '../microkit/sddf/serial.ts';
import type { SerialClientConfig } from '../queues/serial/config.ts';
import { SerialConsumer, SerialProducer } from '../queues/serial/queue.ts';
import { serialDevices } from '../systems/serial-devices.ts';
import type { Uart } from '../systems/serial-devices.ts';
import { createTestbed } from '../systems/testbed.ts';
import type { Testbed } from '../systems/testbed.ts';
import { main as virtRx } from '../virtualisers/serial/rx/virt-rx.ts';
import { main as virtTx } from '../virtualisers/serial/tx/virt-tx.ts';

interface ClientConfig {
  readonly serial: SerialClientConfig;
}

const DRIVERS: Readonly<Record<Uart, Program>> = {
  ns16550a: ns16550aDriver,
  pl011: pl011Driver,
  virtio: virtioDriver,
};
const BLOCK = new Uint8Array(8192).map((_, index) => 32 + (index % 95));
const RAM_BYTES = 32 * 1024 * 1024;

/** A client that sends for as long as there is room. */
export function flood(pd: ProtectionDomain<ClientConfig>): EntryPoints {
  const { tx } = pd.config.serial;
  const output = new SerialProducer(pd.region(tx.queue), pd.region(tx.data), tx.capacity);
  const work = (): void => {
    // Asked for before the block goes: whoever takes it then signals, and the next one follows.
    output.requestSignal();
    if (output.room() < BLOCK.length) return;
    output.write(BLOCK);
    if (output.publish()) pd.notify(tx.channel);
  };
  work();
  return { notified: work };
}

/** A client that sends back what it receives. */
export function mirror(pd: ProtectionDomain<ClientConfig>): EntryPoints {
  const { tx, rx } = pd.config.serial;
  if (rx === undefined) throw new Error('a mirror needs input');
  const output = new SerialProducer(pd.region(tx.queue), pd.region(tx.data), tx.capacity);
  const input = new SerialConsumer(pd.region(rx.queue), pd.readonlyRegion(rx.data), rx.capacity);
  return {
    notified: () => {
      for (let byte = input.dequeue(); byte >= 0; byte = input.dequeue()) output.enqueue(byte);
      input.publish();
      if (output.publish()) pd.notify(tx.channel);
    },
  };
}

/**
 * A wire that counts the characters sent and sums them up, so that the compiler cannot leave any
 * out.
 */
export class CountingWire implements SerialWire {
  readonly rate: LineRate = 'fast';
  characters = 0;
  sum = 0;
  attach(_end: SerialEnd): void {}
  ready(): boolean {
    return true;
  }
  transmit(character: number): void {
    this.characters += 1;
    this.sum = (this.sum + character) | 0;
  }
  setBreak(): void {}
  setFormat(_format: LineFormat): void {}
  setOutputs(): void {}
  inputs(): number {
    return 0x0b;
  }
  receiverReady(): void {}
}

export interface SerialRigOptions {
  readonly uart: Uart;
  readonly program: Program<ClientConfig>;
  readonly clock: 'virtual' | 'host';
  /** Makes the wire; a line unless told. */
  readonly wire: (clock: Clock) => SerialWire;
  /** Machine code of a domain that runs beside the others and below them: an image. */
  readonly loop?: MachineProgram;
}

/** Boots the system; it is driven by `runSlice` or `runUntil`. */
export function makeSerialRig(options: SerialRigOptions): Testbed {
  const { uart, program, clock } = options;
  const sys = system({ name: 'serial-bench' });
  const driver = sys.pd('serial_driver', {
    program: DRIVERS[uart],
    image: 'driver',
    priority: 200,
  });
  const tx = sys.pd('serial_virt_tx', { program: virtTx, image: 'virt_tx', priority: 199 });
  const rx = sys.pd('serial_virt_rx', { program: virtRx, image: 'virt_rx', priority: 199 });
  const terminal = serial(sys, {
    device: serialDevices[uart],
    driver,
    tx,
    rx,
    hardware: uart === 'virtio' ? 'virtio' : 'uart',
    colour: 'off',
    beginString: '',
    switchCharacter: -1,
  });
  terminal.addClient(sys.pd('client', { program, image: 'client', priority: 1 }));
  if (options.loop !== undefined) sys.pd('loop', { image: options.loop.path, priority: 0 });
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
  return createTestbed({
    system: built.system,
    images: new Map(options.loop === undefined ? [] : [['loop', options.loop]]),
    clock,
    ramBytes: RAM_BYTES,
    wires: ({ board }) => ({ serial: { wire: options.wire(board.clock), uart } }),
  });
}

export function line(rate: LineRate): (clock: Clock) => SerialLine {
  return (clock) => new SerialLine({ clock, rate });
}
