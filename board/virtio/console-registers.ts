/**
 * virtio console (virtio 1.2 §5.3): device identifier, feature bits, queues and configuration
 * layout.
 */

import { struct } from '../../memory/struct.ts';

export const CONSOLE_DEVICE_ID = 3;

export const VIRTIO_CONSOLE_F_SIZE = 0;
export const VIRTIO_CONSOLE_F_MULTIPORT = 1;
export const VIRTIO_CONSOLE_F_EMERG_WRITE = 2;

export const RECEIVE_QUEUE = 0;
export const TRANSMIT_QUEUE = 1;

/** §5.3.4 */
export const ConsoleConfig = struct(12, {
  cols: 'u16',
  rows: 'u16',
  maxNrPorts: 'u32',
  emergWr: 'u32',
});
