/** Every place of one system where something can go wrong: from its devices, and from its description. */

import type { SystemDescription } from '../../microkit/model.ts';
import type { DeviceNode } from '../../microkit/sddf/device.ts';
import { blockDevices, networkDevice, timerDevice } from '../../systems/devices.ts';
import { serialDevices, uartOf } from '../../systems/serial-devices.ts';
import { irqPoint } from './irq-line.ts';
import { netWirePoints } from './net-wire.ts';
import type { PointKind } from './point.ts';

export type DeviceClass = 'net' | 'blk' | 'serial' | 'timer';

/** A device of the board that the system uses. */
export interface SimDevice {
  /** Short, as points are called: 'net', 'blk0', 'uart', 'rtc'. */
  readonly name: string;
  readonly class: DeviceClass;
  readonly irq: number;
}

/** @returns the devices whose registers the system maps, in the board's order */
export function devicesOf(system: SystemDescription): readonly SimDevice[] {
  const isUsed = (node: DeviceNode): boolean =>
    system.regions.some((region) => region.physAddr === BigInt(node.physAddr));
  const found: SimDevice[] = [];
  const add = (name: string, kind: DeviceClass, node: DeviceNode): void => {
    if (isUsed(node)) found.push({ name, class: kind, irq: node.irq });
  };
  add('net', 'net', networkDevice);
  blockDevices.forEach((node, index) => add(`blk${index}`, 'blk', node));
  const uart = uartOf(system);
  if (uart !== undefined) add('uart', 'serial', serialDevices[uart]);
  add('rtc', 'timer', timerDevice);
  return found;
}

/** @returns all points, those of a device together */
export function pointsOf(system: SystemDescription): readonly PointKind[] {
  return devicesOf(system).flatMap((device) => [
    irqPoint(device.name, device.class),
    ...(device.class === 'net' ? netWirePoints(device.name) : []),
  ]);
}
