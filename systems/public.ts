/**
 * What the package offers as `sddf-testbed/systems`: testbeds, the board's devices, and the shape
 * of a system module.
 */

export * from './devices.ts';
export * from './i2c-devices.ts';
export * from './load-testbed.ts';
export type * from './oracle.ts';
export * from './system.ts';
export { TestbedError } from './testbed.ts';
export type * from './testbed.ts';
