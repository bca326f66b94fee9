/**
 * The I2C controller of the board and the chips on its bus. QEMU's machine has none: its registers
 * and interrupts lie in free ranges of that map.
 */

import type { Board, Place } from '../board/board.ts';
import type { IrqLine } from '../board/device.ts';
import { DEFAULT_EPOCH_SECONDS } from '../board/goldfish-rtc.ts';
import { Ds3231 } from '../board/i2c/ds3231.ts';
import { Eeprom24Lc256 } from '../board/i2c/eeprom-24lc256.ts';
import { I2cBus, type I2cTarget } from '../board/i2c/i2c-bus.ts';
import { INTERRUPTS, type Interrupt } from '../board/i2c/opentitan-registers.ts';
import { OpenTitanI2c } from '../board/i2c/opentitan-i2c.ts';
import type { SystemDescription } from '../microkit/model.ts';
import type { DeviceNode } from '../microkit/sddf/device.ts';

const FIRST_IRQ = 16;

export const I2C_PLACE: Place = {
  base: 0x1003_0000,
  sizeBytes: 0x1000,
  irq: i2cIrq('nak'),
};

/** @returns the line of one of the controller's interrupts */
export function i2cIrq(name: Interrupt): number {
  return FIRST_IRQ + INTERRUPTS.indexOf(name);
}

export const i2cDevice: DeviceNode = {
  name: 'opentitan_i2c',
  physAddr: I2C_PLACE.base,
  sizeBytes: I2C_PLACE.sizeBytes,
  irq: I2C_PLACE.irq,
};

/** Beside that of `i2cDevice`: what a driver needs of the lines, in upstream's order. */
export const I2C_MORE_IRQS = [
  i2cIrq('fmt_threshold'),
  i2cIrq('rx_threshold'),
  i2cIrq('stretch_timeout'),
  i2cIrq('cmd_complete'),
] as const;

/**
 * Puts the controller on the board.
 *
 * @param targets chips on its bus; a DS3231 and a 24LC256 unless told
 * @returns the bus, for whoever breaks it
 */
export function attachI2c(board: Board, targets?: readonly I2cTarget[]): I2cBus {
  const { clock, lint } = board;
  const bus = new I2cBus();
  const standard = (): readonly I2cTarget[] => [
    new Ds3231({ clock, epochSeconds: DEFAULT_EPOCH_SECONDS }),
    new Eeprom24Lc256(),
  ];
  for (const target of targets ?? standard()) bus.plug(target);
  const lines = INTERRUPTS.map((name) => [name, board.irqLine(i2cIrq(name))] as const);
  const irqs = Object.fromEntries(lines) as Readonly<Record<Interrupt, IrqLine>>;
  board.attach(i2cDevice.name, I2C_PLACE, new OpenTitanI2c({ clock, lint, bus, irqs }));
  return bus;
}

/** Where a system maps the controller and has not attached one of its own. */
export function attachMappedI2c(board: Board, system: SystemDescription): void {
  const isMapped = system.regions.some(({ physAddr }) => physAddr === BigInt(I2C_PLACE.base));
  if (isMapped && board.bus.deviceAt(I2C_PLACE.base) === undefined) attachI2c(board);
}
