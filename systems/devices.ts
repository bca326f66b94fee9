/** The board's devices as a description names them: address, size and interrupt of each. */

import { GOLDFISH_RTC_PLACE, NS16550A_PLACE, type Place, virtioPlace } from '../board/board.ts';
import type { DeviceNode } from '../microkit/sddf/device.ts';

/** Virtio slots of the testbed's devices. */
export const NET_SLOT = 0;
export const BLOCK_SLOT = 1;
export const CONSOLE_SLOT = 2;

export const networkDevice: DeviceNode = node('virtio_net', virtioPlace(NET_SLOT));
export const blockDevice: DeviceNode = node('virtio_blk', virtioPlace(BLOCK_SLOT));
export const consoleDevice: DeviceNode = node('virtio_console', virtioPlace(CONSOLE_SLOT));
export const timerDevice: DeviceNode = node('goldfish_rtc', GOLDFISH_RTC_PLACE);
export const serialDevice: DeviceNode = node('ns16550a', NS16550A_PLACE);

function node(name: string, place: Place): DeviceNode {
  return { name, physAddr: place.base, sizeBytes: place.sizeBytes, irq: place.irq };
}
