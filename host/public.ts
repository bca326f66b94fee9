/**
 * What the package offers as `sddf-testbed/host`: the live loop, and bridges to the host's
 * networks.
 */

export * from './event-loop.ts';
export { UserMistake } from './problem.ts';
export type { BoardPort, Bridge } from './net/bridge.ts';
