/**
 * What the package offers as `sddf-testbed/microkit`: programs, and descriptions of systems.
 * Nothing in here imports it.
 */

export * from './builder.ts';
export * from './pd.ts';
export { type DeviceNode } from './sddf/device.ts';
export { blk } from './sddf/blk.ts';
export { i2c } from './sddf/i2c.ts';
export { net } from './sddf/net.ts';
export { serial } from './sddf/serial.ts';
export { timer } from './sddf/timer.ts';
export type { SystemDescription } from './model.ts';
