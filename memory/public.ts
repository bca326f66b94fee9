/** What the package offers as `sddf-testbed/memory`. Nothing in here imports it. */

export * from './assert.ts';
export * from './misuse.ts';
export { Ram, RAM_BASE, type RamOptions } from './ram.ts';
export {
  type Access,
  DeviceRegion,
  MemoryFault,
  type MmioDevice,
  ReadonlyRegion,
  Region,
} from './region.ts';
export * from './struct.ts';
export * from './wrapping.ts';
