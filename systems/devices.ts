/** The board's devices as a description names them: address, size and interrupt of each. */

import { GOLDFISH_RTC_PLACE, NS16550A_PLACE, type Place, virtioPlace } from '../board/board.ts';
import type { DeviceNode } from '../microkit/sddf/device.ts';

/** Virtio slots of the testbed's devices, the first of each kind at the lowest. */
export const NET_SLOTS: readonly number[] = [0, 7, 6];
export const BLOCK_SLOTS: readonly number[] = [1, 3, 4, 5];
export const CONSOLE_SLOT = 2;

/** The first NIC, `nic0` on the command line. */
export const networkDevice: DeviceNode = node('virtio_net', virtioPlace(0));
/** All of them, in the order of their numbers. */
export const networkDevices: readonly DeviceNode[] = NET_SLOTS.map((slot, index) =>
  index === 0 ? networkDevice : node(`virtio_net${index}`, virtioPlace(slot)),
);
export const blockDevices: readonly DeviceNode[] = BLOCK_SLOTS.map((slot, index) =>
  node(`virtio_blk${index}`, virtioPlace(slot)),
);
export const consoleDevice: DeviceNode = node('virtio_console', virtioPlace(CONSOLE_SLOT));
export const timerDevice: DeviceNode = node('goldfish_rtc', GOLDFISH_RTC_PLACE);
export const serialDevice: DeviceNode = node('ns16550a', NS16550A_PLACE);

/**
 * How often a network driver looks for an interrupt that was lost; a quarter as often when all is
 * quiet. The driver in C
 * (programs/network/eth_driver.c) has it built in.
 */
export const NET_WATCHDOG_NS = 10e6;

/** Interrupt of a host doorbell: a line without registers, above those of devices. */
export function doorbellIrq(index: number): number {
  return 32 + index;
}

function node(name: string, place: Place): DeviceNode {
  return { name, physAddr: place.base, sizeBytes: place.sizeBytes, irq: place.irq };
}
