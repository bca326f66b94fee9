/** The board's devices as a description names them: address, size and interrupt of each. */

import { GOLDFISH_RTC_PLACE, NS16550A_PLACE, type Place, virtioPlace } from '../board/board.ts';
import type { DeviceNode } from '../microkit/sddf/device.ts';

/** Virtio slots of the testbed's devices. */
export const NET_SLOT = 0;
/** Disks take what the others leave. */
export const BLOCK_SLOTS: readonly number[] = [1, 3, 4, 5, 6, 7];
export const CONSOLE_SLOT = 2;

export const networkDevice: DeviceNode = node('virtio_net', virtioPlace(NET_SLOT));
export const blockDevices: readonly DeviceNode[] = BLOCK_SLOTS.map((slot, index) =>
  node(`virtio_blk${index}`, virtioPlace(slot)),
);
export const consoleDevice: DeviceNode = node('virtio_console', virtioPlace(CONSOLE_SLOT));
export const timerDevice: DeviceNode = node('goldfish_rtc', GOLDFISH_RTC_PLACE);
export const serialDevice: DeviceNode = node('ns16550a', NS16550A_PLACE);

/**
 * How often a network driver looks for an interrupt that was lost. The driver in C
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
