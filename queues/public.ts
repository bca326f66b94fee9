/**
 * What the package offers as `sddf-testbed/queues`: the shared-memory contracts. Nothing in here
 * imports it.
 */

export * from './blk/config.ts';
export * from './blk/request-queue.ts';
export * from './blk/response-queue.ts';
export * from './blk/storage-info.ts';
export * from './counters.ts';
export {
  createQueue,
  type Entry,
  type GenericQueue,
  type GenericQueueOptions,
} from './generic/queue.ts';
export * from './i2c/client.ts';
export * from './i2c/config.ts';
export * from './i2c/devices/ds3231.ts';
export * from './i2c/layout.ts';
export * from './i2c/queues.ts';
export * from './i2c/tasks.ts';
export * from './net/config.ts';
export * from './net/queue.ts';
export * from './net/net-end.ts';
export * from './restart/config.ts';
export * from './restart/member.ts';
export * from './restart/pages.ts';
export * from './serial/config.ts';
export * from './serial/queue.ts';
export * from './signal.ts';
export * from './timer/config.ts';
export * from './virtio/split-ring.ts';
export * from './virtio/virtqueue.ts';
