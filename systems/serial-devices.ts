/**
 * The serial devices of the board: how a description names them, and how they are put on the bus.
 */

import type { Board, Place } from '../board/board.ts';
import { NS16550A_PLACE, PL011_PLACE, virtioPlace } from '../board/board.ts';
import type { SerialWire } from '../board/serial-wire.ts';
import { Ns16550a } from '../board/uart/ns16550a.ts';
import { Pl011 } from '../board/uart/pl011.ts';
import { VirtioConsole } from '../board/virtio/console.ts';
import type { SystemDescription } from '../microkit/model.ts';
import type { DeviceNode } from '../microkit/sddf/device.ts';
import { CONSOLE_SLOT, consoleDevice, serialDevice } from './devices.ts';

export const UARTS = ['ns16550a', 'pl011', 'virtio'] as const;
export type Uart = (typeof UARTS)[number];

/** A serial line, and the device that it is plugged into. */
export interface SerialPlug {
  readonly wire: SerialWire;
  readonly uart: Uart;
}

const PLACES: Readonly<Record<Uart, Place>> = {
  ns16550a: NS16550A_PLACE,
  pl011: PL011_PLACE,
  virtio: virtioPlace(CONSOLE_SLOT),
};

export const serialDevices: Readonly<Record<Uart, DeviceNode>> = {
  ns16550a: serialDevice,
  pl011: {
    name: 'pl011',
    physAddr: PL011_PLACE.base,
    sizeBytes: PL011_PLACE.sizeBytes,
    irq: PL011_PLACE.irq,
  },
  virtio: consoleDevice,
};

/** @returns the first serial device that a system's driver maps, undefined when it has none */
export function uartOf(system: SystemDescription): Uart | undefined {
  return uartsOf(system)[0];
}

/** @returns all of them: `uart0`, `uart1` and `uart2` on the command line */
export function uartsOf(system: SystemDescription): readonly Uart[] {
  return UARTS.filter((uart) => {
    const base = BigInt(PLACES[uart].base);
    return system.regions.some((region) => region.physAddr === base);
  });
}

export function attachSerial(board: Board, plug: SerialPlug): void {
  const place = PLACES[plug.uart];
  const { clock, lint, rules } = board;
  const irq = board.irqLine(place.irq);
  const { wire } = plug;
  const { name } = serialDevices[plug.uart];
  switch (plug.uart) {
    case 'ns16550a':
      board.attach(name, place, new Ns16550a({ clock, lint, irq, wire }));
      break;
    case 'pl011':
      board.attach(name, place, new Pl011({ clock, lint, irq, wire }));
      break;
    case 'virtio': {
      const { ram, turns } = board;
      const dma = board.dmaWindow();
      const device = new VirtioConsole({
        name,
        wire,
        ram,
        dma,
        irqLine: irq,
        lint,
        rules,
        turns,
        makeQueue: (queue) => board.makeDeviceQueue(name, queue),
      });
      board.attach(name, place, device.transport);
    }
  }
}
