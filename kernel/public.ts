/** What the package offers as `sddf-testbed/kernel`: its binary interface, boot, and threads as generators. */

export * from './abi.ts';
export * from './boot.ts';
export * from './generator-context.ts';
export type * from './machine.ts';
export type * from './system-call.ts';
export * from './user.ts';
