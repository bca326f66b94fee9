/**
 * What the package offers as `sddf-testbed/kernel`: its binary interface, boot, threads as
 * generators, and its scheduler alone for kernels of one's own.
 */

export * from './abi.ts';
export * from './boot.ts';
export { type CostTable, DEFAULT_COSTS, NO_COSTS } from './cost.ts';
export * from './generator-context.ts';
export type * from './machine.ts';
export * from './sched/thread-scheduler.ts';
export type * from './system-call.ts';
export * from './user.ts';
