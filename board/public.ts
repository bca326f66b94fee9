/**
 * What the package offers as `sddf-testbed/board`: the machine, and what a device model is made of.
 */

export * from './board.ts';
export type * from './clock.ts';
export type * from './device.ts';
export * from './ethernet.ts';
export { HostClock } from './host-clock.ts';
export * from './i2c/i2c-bus.ts';
export { ScriptedTarget, type ScriptedTargetOptions } from './i2c/scripted-target.ts';
export { Random } from './random.ts';
export { VirtualClock } from './virtual-clock.ts';
export { TrafficGenerator } from './links/generator.ts';
export { StagedLink } from './links/staged-link.ts';
