/**
 * What the package offers as `sddf-testbed/board`: the machine, and what a device model is made of.
 */

export * from './board.ts';
export type * from './clock.ts';
export type * from './device.ts';
export * from './ethernet.ts';
export { HostClock } from './host-clock.ts';
export { Ds3231 } from './i2c/ds3231.ts';
export { Eeprom24Lc256 } from './i2c/eeprom-24lc256.ts';
export * from './i2c/i2c-bus.ts';
export { ScriptedTarget, type ScriptedTargetOptions } from './i2c/scripted-target.ts';
export { Random } from './random.ts';
export { VirtualClock } from './virtual-clock.ts';
export { TrafficGenerator } from './links/generator.ts';
export { StagedLink } from './links/staged-link.ts';
