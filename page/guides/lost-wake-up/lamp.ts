/** A lamp that blinks: it has nothing to say. */

import type { EntryPoints } from 'sddf-testbed/microkit';

export function main(): EntryPoints {
  return { notified: () => undefined };
}
