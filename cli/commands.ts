/**
 * The commands of `sddf`. Each is a module that is loaded when it is asked for: `sddf check` does not wait for the
 * network's code.
 */

import type { Command } from 'commander';

export interface CommandEntry {
  readonly name: string;
  /** One line for `sddf --help`. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const commands: readonly CommandEntry[] = [
  {
    name: 'run',
    summary: 'boots a system and runs it, live or under the virtual clock',
    load: async () => (await import('./run.ts')).runCommand(),
  },
  {
    name: 'list',
    summary: 'lists the ready-made systems',
    load: async () => (await import('./list.ts')).listCommand(),
  },
];
