/**
 * Which image sDDF's build makes for what a program here does, and what its driver shares with the
 * device beyond ours.
 */

import { basename } from 'node:path';
import type { ImageChoice } from '../../microkit/elf/for-images.ts';
import type { PdDescription } from '../../microkit/model.ts';

const KIB = 1024;

/** By the path of our program: the file's name, as sDDF's makefiles have it. */
const IMAGES: Readonly<Record<string, string>> = {
  'drivers/network/virtio/driver.ts': 'eth_driver.elf',
  'virtualisers/network/rx/virt-rx.ts': 'network_virt_rx.elf',
  'virtualisers/network/tx/virt-tx.ts': 'network_virt_tx.elf',
  'virtualisers/network/copy/copy.ts': 'network_copy.elf',
  'virtualisers/network/vswitch/port-copy.ts': 'network_copy.elf',
  'virtualisers/network/vswitch/vswitch.ts': 'network_vswitch.elf',
  'drivers/blk/virtio/driver.ts': 'blk_driver.elf',
  'virtualisers/blk/virt.ts': 'blk_virt.elf',
  'drivers/serial/ns16550a/driver.ts': 'serial_driver.elf',
  'drivers/serial/pl011/driver.ts': 'serial_driver.elf',
  'drivers/serial/virtio/driver.ts': 'serial_driver.elf',
  'virtualisers/serial/rx/virt-rx.ts': 'serial_virt_rx.elf',
  'virtualisers/serial/tx/virt-tx.ts': 'serial_virt_tx.elf',
  'drivers/timer/goldfish/driver.ts': 'timer_driver.elf',
  'clients/echo/echo.ts': 'echo.elf',
};

/**
 * Regions of `.device_resources` behind registers and rings, in the order of the driver's
 * `config.json`.
 */
const DEVICE_MEMORY: Readonly<Record<string, ImageChoice['deviceMemory']>> = {
  'drivers/blk/virtio/driver.ts': [{ name: 'metadata', sizeBytes: 2048 * KIB }],
  'drivers/serial/virtio/driver.ts': [
    { name: 'rx', sizeBytes: 4 * KIB },
    { name: 'tx', sizeBytes: 4 * KIB },
  ],
};

/**
 * The file that an image of this domain is made from: a configured one is called after its domain.
 */
export function sourceImageOf(pd: PdDescription): string {
  const { path } = pd.image;
  if (path.endsWith('.elf')) return basename(path);
  return IMAGES[path] ?? configuredImageOf(pd);
}

export function configuredImageOf(pd: PdDescription): string {
  return `${pd.name}.elf`;
}

/** The image that takes a program's place in a system of images. */
export function imageChoiceOf(pd: PdDescription): ImageChoice {
  return { path: configuredImageOf(pd), deviceMemory: deviceMemoryOf(pd.image.path) };
}

/** @param program the path of ours */
export function deviceMemoryOf(program: string): ImageChoice['deviceMemory'] {
  return DEVICE_MEMORY[program] ?? [];
}
